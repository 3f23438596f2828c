//! What Redis has written is read, and written again to the byte; what is no payload is refused.

use super::crc64::crc64;
use super::*;

const VALUE_BYTES_MAX: usize = 1 << 20;

/// Values, and what `DUMP` of Redis 7.0.15 gave for them.
const OF_REDIS: &[(&[u8], &str)] = &[
    (b"", "00000a005d9b5c400f7fa2da"),
    (b"a", "0001610a00bffeef9b8f367db4"),
    (b"0", "00c0000a009840a778f8500308"),
    (b"-1", "00c0ff0a000c937e2485089dc5"),
    (b"127", "00c07f0a000db5eb315254c514"),
    (b"128", "00c180000a00eb7ab3b510cf4b65"),
    (b"-128", "00c0800a009966326d2f0c5bd9"),
    (b"-129", "00c17fff0a001760822854808480"),
    (b"32767", "00c1ff7f0a00495a37da17f4d52b"),
    (b"32768", "00c2008000000a0045d82eedd5bda910"),
    (b"-32768", "00c100800a00b540064753bb1ace"),
    (b"-32769", "00c2ff7fffff0a00aee34c4d06c68536"),
    (b"2147483647", "00c2ffffff7f0a002c74e59ee02eada1"),
    (b"2147483648", "000a323134373438333634380a00e7b129a34c1d76ee"),
    (b"-2147483648", "00c2000000800a00c74f873e33558187"),
    (b"-2147483649", "000b2d323134373438333634390a00c261377908f2028c"),
    (b"01", "000230310a006cddc441144c7da4"),
    (b"+1", "00022b310a00c286f0d7439aee6f"),
    (b"hello", "000568656c6c6f0a006372df766534200a"),
    (&[b'x'; 20], "001478787878787878787878787878787878787878780a005b3c81eca58cc56b"),
    (&[b'x'; 21], "00c30615017878e00a000a00941a83676017192f"),
    (&[b'a'; 63], "00c3093f016161e032000161610a00c7b454c16b8866cb"),
    (
        b"jumps brown brown jumps the fox quick the quick the brown fox quick fox jumps the jumps \
          quick the quick fox brown quick fox quick the quick jumps jumps fox quick quick the the \
          quick quick quick quick brown brown",
        "00c3405d40d30a6a756d70732062726f776ea005006a60110c74686520666f7820717569636b600de00109802d\
         e0011d4009e001358009e0012d800940238037e0010f80094069800980398005402f8015800540254003800de0\
         0905805b200501776e0a0024fd4e6f250fe311",
    ),
    (
        &[0; 5000],
        "00c33f5388010000e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0\
         ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0eb000100000a007172796678cf4e52",
    ),
];

/// A list of Redis 7.0.15 with one element.
const LIST: &str = "1201020a0a0000000100816102ff0a0009b9edf594ded995";

#[test]
fn what_redis_has_written_is_read_and_written_alike() {
    for (value, payload) in OF_REDIS {
        let payload = bytes(payload);
        assert_eq!(decode(&payload, VALUE_BYTES_MAX).unwrap(), *value);
        assert_eq!(encode(value), payload, "{}", String::from_utf8_lossy(value));
    }
}

#[test]
fn values_come_back_whatever_they_are() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..500 {
        let value = value(&mut random);
        let payload = encode(&value);
        assert_eq!(decode(&payload, value.len()).unwrap(), value);
        if !value.is_empty() {
            assert_eq!(decode(&payload, value.len() - 1), Err(PayloadError::TooLong));
        }
    }
}

/// Bytes that are compressed well, a little or not at all, of lengths around those where the form changes.
fn value(random: &mut fastrand::Rng) -> Vec<u8> {
    let around = random.choice([0, 20, 32, 63, 264, 8192, 16_383]).unwrap_or(0);
    let len = around + random.usize(..40);
    let letters = random.choice([1, 2, 20, u8::MAX]).unwrap_or(1);
    let mut value: Vec<u8> = (0..len).map(|_| random.u8(..letters)).collect();
    for _ in 0..random.usize(..4) {
        let (from, to) = (random.usize(..=len), random.usize(..=len));
        let part = random.usize(..300).min(len - from.max(to));
        value.copy_within(from..from + part, to);
    }
    value
}

#[test]
fn longer_lengths_and_newer_versions_are_read() {
    let long = vec![b'0'; 70];
    for header in [&b"\x40\x46"[..], b"\x80\0\0\0\x46", b"\x81\0\0\0\0\0\0\0\x46"] {
        for version in [1, 6, 10, 11] {
            let payload = sealed(&[&[0], header, &long].concat(), version);
            assert_eq!(decode(&payload, VALUE_BYTES_MAX).unwrap(), long);
        }
    }
    let text = encode(&vec![1; 1 << 20 | 1]);
    assert_eq!(text.len(), 1 + 5 + (1 << 20 | 1) + 10, "too long to be compressed");
    assert_eq!(decode(&text, 2 << 20).unwrap().len(), 1 << 20 | 1);
}

#[test]
fn a_payload_that_is_not_whole_is_refused() {
    let whole = encode(b"some value, some value, some value");
    for len in 0..whole.len() {
        assert_eq!(decode(&whole[..len], VALUE_BYTES_MAX), Err(PayloadError::Checksum));
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(decode(&changed, VALUE_BYTES_MAX), Err(PayloadError::Checksum));
        }
    }
    assert_eq!(decode(&sealed(b"\0\x01a", 12), VALUE_BYTES_MAX), Err(PayloadError::Checksum));
}

#[test]
fn what_is_whole_and_no_string_is_refused() {
    assert_eq!(decode(&bytes(LIST), VALUE_BYTES_MAX), Err(PayloadError::Malformed));
    for body in [
        &b""[..],
        b"\0",
        b"\x01\x01a",
        b"\0\x02a",
        b"\0\x01ab",
        b"\0\xc0",
        b"\0\xc1\x01",
        b"\0\xc2\x01\x02\x03",
        b"\0\xc4\x01",
        b"\0\x82\0\0\0\0",
        b"\0\x81\xff\xff\xff\xff\xff\xff\xff\xff",
        // Compressed: too short, from nothing, from before the beginning, too much, more than there can be.
        b"\0\xc3",
        b"\0\xc3\x01",
        b"\0\xc3\x05\x05\0a",
        b"\0\xc3\x02\x03\x20\0",
        b"\0\xc3\x04\x04\0a\x20\x01",
        b"\0\xc3\x02\x02\x01a",
        b"\0\xc3\x04\x03\0a\x20\0",
        b"\0\xc3\x04\x05\0a\x20\0",
        b"\0\xc3\x01\x80\0\x0f\xff\xff\0",
        b"\0\xc3\x04\xc0\x01\0a\x20\0",
    ] {
        let decoded = decode(&sealed(body, 10), VALUE_BYTES_MAX).map(std::borrow::Cow::into_owned);
        assert_eq!(decoded, Err(PayloadError::Malformed), "{body:x?}");
    }
    assert_eq!(*decode(&sealed(b"\0\xc3\x04\x04\0a\x20\0", 10), 9).unwrap(), *b"aaaa");
}

#[test]
fn garbage_that_checks_out_harms_nobody() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let mut body = vec![0, random.choice([0xc3, 0xc0, 0x40, 0x80, 3]).unwrap_or(0)];
        body.extend((0..random.usize(..60)).map(|_| random.u8(..)));
        if let Ok(value) = decode(&sealed(&body, 11), 4096) {
            assert!(value.len() <= 4096);
            assert_eq!(decode(&encode(&value), 4096).unwrap(), value);
        }
    }
}

/// A payload with this body.
fn sealed(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = [body, &version.to_le_bytes()].concat();
    payload.extend(crc64(&payload).to_le_bytes());
    payload
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}
