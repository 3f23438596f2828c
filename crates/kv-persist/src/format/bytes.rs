//! Little-endian numbers, put at the end of a buffer and taken off the front of a slice.
//!
//! Taking never reads beyond the slice and never allocates, whatever the bytes say.

use super::Malformed;

/// The most bytes of a varint: 32 bits, seven to a byte.
pub(crate) const VARINT_BYTES_MAX: usize = 5;

const TOO_SHORT: Malformed = Malformed::new("it ends in the middle of a field");

/// Takes `len` bytes.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(TOO_SHORT)?;
    *bytes = rest;
    Ok(taken)
}

/// Takes `N` bytes.
pub(crate) fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(TOO_SHORT)?;
    *bytes = rest;
    Ok(*taken)
}

pub(crate) fn take_u8(bytes: &mut &[u8]) -> Result<u8, Malformed> {
    take_array(bytes).map(u8::from_le_bytes)
}

pub(crate) fn take_u16(bytes: &mut &[u8]) -> Result<u16, Malformed> {
    take_array(bytes).map(u16::from_le_bytes)
}

pub(crate) fn take_u32(bytes: &mut &[u8]) -> Result<u32, Malformed> {
    take_array(bytes).map(u32::from_le_bytes)
}

pub(crate) fn take_u64(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    take_array(bytes).map(u64::from_le_bytes)
}

/// Takes a number of six bytes.
pub(crate) fn take_u48(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let low = take_u32(bytes)?;
    let high = take_u16(bytes)?;
    Ok(u64::from(high) << 32 | u64::from(low))
}

/// Takes a LEB128 number of 32 bits, in its shortest form.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Result<u32, Malformed> {
    let mut value = 0_u32;
    for index in 0..VARINT_BYTES_MAX {
        let byte = take_u8(bytes)?;
        let bits = u32::from(byte & 0x7f);
        let shift = 7 * index;
        if bits << shift >> shift != bits {
            return Err(Malformed::new("a length has more than 32 bits"));
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return Err(Malformed::new("a length is not in its shortest form"));
            }
            return Ok(value);
        }
    }
    Err(Malformed::new("a length has more than 5 bytes"))
}

/// Puts a LEB128 number in its shortest form.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// How many bytes [`put_varint`] puts.
#[inline]
pub(crate) const fn varint_bytes(value: u32) -> usize {
    let bits = 32 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn varints_at_every_edge() {
        for bits in 0..=32 {
            let edge = 1_u64 << bits;
            for value in [edge - 1, edge, edge + 1] {
                let Ok(value) = u32::try_from(value) else { continue };
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_bytes(value), "{value}");
                let mut bytes = out.as_slice();
                assert_eq!(take_varint(&mut bytes), Ok(value));
                assert!(bytes.is_empty());
            }
        }
    }

    #[test]
    fn varints_have_one_form() {
        for bad in [
            &[][..],
            &[0x80],
            &[0x80, 0],
            &[0xff, 0x80, 0],
            &[0xff; 5],
            &[0xff, 0xff, 0xff, 0xff, 0x10],
            &[0xff, 0xff, 0xff, 0xff, 0x8f, 0],
        ] {
            assert!(take_varint(&mut { bad }).is_err(), "{bad:?}");
        }
        assert_eq!(take_varint(&mut [0xff, 0xff, 0xff, 0xff, 0x0f].as_slice()), Ok(u32::MAX));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_put_the_same(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            if let Ok(value) = take_varint(&mut rest) {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                prop_assert_eq!(&bytes[..bytes.len() - rest.len()], out.as_slice());
            }
        }
    }
}
