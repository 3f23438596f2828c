//! CRC-64 as Redis computes it: polynomial of Jones, reflected, beginning with zero.

/// The polynomial `ad93d23594c935a9`, its bits in reverse.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// `TABLES[k][byte]`: the checksum of `byte` followed by `k` zero bytes. With eight of them, eight bytes are
/// looked up at once instead of one after the other.
static TABLES: [[u64; 256]; 8] = tables();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let shorter = tables[zeros - 1][byte];
            tables[zeros][byte] = (shorter >> 8) ^ tables[0][(shorter & 0xff) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// The checksum of these bytes.
pub(super) fn crc64(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let crc = chunks.iter().fold(0, |crc, chunk| {
        let mixed = (crc ^ u64::from_le_bytes(*chunk)).to_le_bytes();
        // The first byte is followed by the seven others.
        let looked_up = TABLES.iter().rev().zip(mixed).map(|(table, byte)| look_up(table, byte));
        looked_up.fold(0, |sum, part| sum ^ part)
    });
    rest.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        let [first, ..] = &TABLES;
        look_up(first, low ^ byte) ^ (crc >> 8)
    })
}

fn look_up(table: &[u64; 256], byte: u8) -> u64 {
    // A byte is always in the table.
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, straight from the definition.
    fn plain(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(crc ^ u64::from(*byte), |crc, _bit| {
                if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn the_test_vector_of_redis_holds() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    #[test]
    fn eight_bytes_at_once_come_to_the_same() {
        let bytes: Vec<u8> =
            (0..100_u8).map(|i| i.wrapping_mul(37).wrapping_add(i.wrapping_mul(i))).collect();
        for len in 0..bytes.len() {
            assert_eq!(crc64(&bytes[..len]), plain(&bytes[..len]), "{len} bytes");
        }
    }
}
