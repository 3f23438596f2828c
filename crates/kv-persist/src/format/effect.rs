//! Effects as bytes: the unit of log and snapshot.

use kv_core::{
    Change, DeleteCause, EXPIRY_MAX_MS, Effect, KEY_BYTES_HARD_MAX, UnixMillis,
    VALUE_BYTES_HARD_MAX, Version,
};

use super::Malformed;
use super::bytes::{
    put_varint, take, take_u8, take_u16, take_u48, take_u64, take_varint, varint_bytes,
};

const PUT: u8 = 1;
const TOUCH: u8 = 2;
const DELETE_REQUESTED: u8 = 3;
const DELETE_EXPIRED: u8 = 4;
const DELETE_EVICTED: u8 = 5;
const CLEAR: u8 = 6;

/// Set in the kind when an expiry follows.
const HAS_EXPIRY: u8 = 0x10;

/// Kind, shard and version.
const FIXED_BYTES: usize = 11;
const EXPIRY_BYTES: usize = 6;

/// The fewest bytes an effect takes: a clear.
pub(crate) const EFFECT_BYTES_MIN: usize = FIXED_BYTES;

/// How many bytes [`put_effect`] puts.
#[inline]
pub(crate) fn effect_bytes(effect: &Effect<'_>) -> usize {
    let key = lengthy_bytes(effect.key);
    let expiry = |expiry: Option<_>| if expiry.is_some() { EXPIRY_BYTES } else { 0 };
    FIXED_BYTES
        + match effect.change {
            Change::Put { value, expiry: at } => expiry(at) + key + lengthy_bytes(value),
            Change::Touch { expiry: at } => expiry(at) + key,
            Change::Delete(_) => key,
            Change::Clear => 0,
        }
}

/// Puts an effect at the end of `out`. Shard, key, value and expiry are within the engine's hard bounds.
#[inline]
pub(crate) fn put_effect(out: &mut Vec<u8>, effect: &Effect<'_>) {
    match effect.change {
        Change::Put { value, expiry } => {
            put_put_head(out, effect, value, expiry);
            out.extend_from_slice(value);
        }
        Change::Touch { expiry } => {
            put_fixed(out, TOUCH, effect, expiry);
            put_lengthy(out, effect.key, KEY_BYTES_HARD_MAX);
        }
        Change::Delete(cause) => {
            let kind = match cause {
                DeleteCause::Request => DELETE_REQUESTED,
                DeleteCause::Expired => DELETE_EXPIRED,
                DeleteCause::Evicted => DELETE_EVICTED,
            };
            put_fixed(out, kind, effect, None);
            put_lengthy(out, effect.key, KEY_BYTES_HARD_MAX);
        }
        Change::Clear => put_fixed(out, CLEAR, effect, None),
    }
}

/// Puts what precedes the value of a put, for a value that is written from where it is; all of any other
/// effect.
pub(crate) fn put_effect_head(out: &mut Vec<u8>, effect: &Effect<'_>) {
    match effect.change {
        Change::Put { value, expiry } => put_put_head(out, effect, value, expiry),
        _ => put_effect(out, effect),
    }
}

/// Takes an effect off the front of `bytes`. It is read without being copied.
///
/// # Errors
/// [`Malformed`] for whatever [`put_effect`] does not put; then `bytes` means nothing.
pub(crate) fn take_effect<'a>(bytes: &mut &'a [u8]) -> Result<Effect<'a>, Malformed> {
    let kind = take_u8(bytes)?;
    let shard = u32::from(take_u16(bytes)?);
    let version = Version::new(take_u64(bytes)?);
    let expiry = match kind {
        _ if kind & HAS_EXPIRY == 0 => None,
        _ => Some(UnixMillis::new(take_u48(bytes)?)),
    };
    let (key, change) = match (kind & !HAS_EXPIRY, expiry) {
        (PUT, expiry) => {
            let key = take_key(bytes)?;
            let value = take_lengthy(bytes, VALUE_BYTES_HARD_MAX).map_err(|fault| {
                fault.unwrap_or(Malformed::new("a value is longer than 512 MiB"))
            })?;
            (key, Change::Put { value, expiry })
        }
        (TOUCH, expiry) => (take_key(bytes)?, Change::Touch { expiry }),
        (DELETE_REQUESTED, None) => (take_key(bytes)?, Change::Delete(DeleteCause::Request)),
        (DELETE_EXPIRED, None) => (take_key(bytes)?, Change::Delete(DeleteCause::Expired)),
        (DELETE_EVICTED, None) => (take_key(bytes)?, Change::Delete(DeleteCause::Evicted)),
        (CLEAR, None) => (&[][..], Change::Clear),
        _ => return Err(Malformed::new("an effect is of no known kind")),
    };
    Ok(Effect { shard, version, key, change })
}

#[inline]
fn put_fixed(out: &mut Vec<u8>, kind: u8, effect: &Effect<'_>, expiry: Option<UnixMillis>) {
    let shard = u16::try_from(effect.shard).expect("shards are at most SHARDS_MAX");
    let [s0, s1] = shard.to_le_bytes();
    let [v0, v1, v2, v3, v4, v5, v6, v7] = effect.version.get().to_le_bytes();
    let flag = if expiry.is_some() { HAS_EXPIRY } else { 0 };
    out.extend_from_slice(&[kind | flag, s0, s1, v0, v1, v2, v3, v4, v5, v6, v7]);
    if let Some(at) = expiry {
        debug_assert!(at.get() <= EXPIRY_MAX_MS, "the engine checks every deadline");
        let [bytes @ .., _, _] = at.get().min(EXPIRY_MAX_MS).to_le_bytes();
        out.extend_from_slice(&bytes);
    }
}

#[inline]
fn put_put_head(out: &mut Vec<u8>, effect: &Effect<'_>, value: &[u8], expiry: Option<UnixMillis>) {
    put_fixed(out, PUT, effect, expiry);
    put_lengthy(out, effect.key, KEY_BYTES_HARD_MAX);
    debug_assert!(value.len() <= VALUE_BYTES_HARD_MAX, "the engine checks every length");
    put_varint(out, length(value));
}

#[inline]
fn put_lengthy(out: &mut Vec<u8>, bytes: &[u8], max: usize) {
    debug_assert!(bytes.len() <= max, "the engine checks every length");
    put_varint(out, length(bytes));
    out.extend_from_slice(bytes);
}

fn take_key<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    take_lengthy(bytes, KEY_BYTES_HARD_MAX)
        .map_err(|fault| fault.unwrap_or(Malformed::new("a key is longer than 16 MiB")))
}

/// Takes a length and as many bytes. The error is `None` when there are more than `max`.
fn take_lengthy<'a>(bytes: &mut &'a [u8], max: usize) -> Result<&'a [u8], Option<Malformed>> {
    let len = usize::try_from(take_varint(bytes).map_err(Some)?).map_err(|_too_long| None)?;
    if len > max { Err(None) } else { take(bytes, len).map_err(Some) }
}

#[inline]
fn lengthy_bytes(bytes: &[u8]) -> usize {
    varint_bytes(length(bytes)) + bytes.len()
}

#[inline]
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("keys and values are within the engine's hard bounds")
}

#[cfg(test)]
pub(crate) mod tests {
    use kv_core::testing::{OwnedChange, OwnedEffect};
    use proptest::prelude::*;

    use super::*;

    /// Any effect with a short key and value.
    pub(crate) fn any_effect() -> impl Strategy<Value = OwnedEffect> {
        let expiry = || prop::option::of((0..=EXPIRY_MAX_MS).prop_map(UnixMillis::new));
        let bytes = || prop::collection::vec(any::<u8>(), 0..300);
        let causes = vec![DeleteCause::Request, DeleteCause::Expired, DeleteCause::Evicted];
        let change = prop_oneof![
            4 => (bytes(), expiry())
                .prop_map(|(value, expiry)| OwnedChange::Put { value, expiry }),
            2 => expiry().prop_map(|expiry| OwnedChange::Touch { expiry }),
            3 => prop::sample::select(causes).prop_map(OwnedChange::Delete),
            1 => Just(OwnedChange::Clear),
        ];
        (any::<u16>(), any::<u64>(), bytes(), change).prop_map(|(shard, version, key, change)| {
            let key = if change == OwnedChange::Clear { Vec::new() } else { key };
            OwnedEffect { shard: shard.into(), version: Version::new(version), key, change }
        })
    }

    fn put(effect: &Effect<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        put_effect(&mut out, effect);
        assert_eq!(out.len(), effect_bytes(effect));
        out
    }

    fn effect<'a>(key: &'a [u8], change: Change<'a>) -> Effect<'a> {
        Effect { shard: 0x0201, version: Version::new(0x0a09_0807_0605_0403), key, change }
    }

    #[test]
    fn every_byte_is_where_the_page_says() {
        let expiry = Some(UnixMillis::new(0x1615_1413_1211));
        let fixed = |kind| [kind, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].to_vec();
        let cases = [
            (Change::Put { value: b"vw", expiry: None }, 1, &b"\x01k\x02vw"[..]),
            (Change::Put { value: b"", expiry }, 0x11, b"\x11\x12\x13\x14\x15\x16\x01k\x00"),
            (Change::Touch { expiry: None }, 2, b"\x01k"),
            (Change::Touch { expiry }, 0x12, b"\x11\x12\x13\x14\x15\x16\x01k"),
            (Change::Delete(DeleteCause::Request), 3, b"\x01k"),
            (Change::Delete(DeleteCause::Expired), 4, b"\x01k"),
            (Change::Delete(DeleteCause::Evicted), 5, b"\x01k"),
        ];
        for (change, kind, rest) in cases {
            assert_eq!(put(&effect(b"k", change)), [&fixed(kind), rest].concat(), "{change:?}");
        }
        assert_eq!(put(&effect(b"", Change::Clear)), fixed(6));
    }

    #[test]
    fn unknown_kinds_are_malformed() {
        for kind in 0..=u8::MAX {
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&[0; 40]);
            let known = matches!(kind, 1..=6 | 0x11 | 0x12);
            assert_eq!(take_effect(&mut bytes.as_slice()).is_ok(), known, "{kind:#x}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let key = vec![b'k'; KEY_BYTES_HARD_MAX + 1];
        let mut bytes = put(&effect(b"", Change::Delete(DeleteCause::Request)));
        bytes.pop();
        let mut fits = bytes.clone();
        put_varint(&mut fits, length(&key[1..]));
        fits.extend_from_slice(&key[1..]);
        assert_eq!(take_effect(&mut fits.as_slice()).unwrap().key.len(), KEY_BYTES_HARD_MAX);
        put_varint(&mut bytes, length(&key));
        bytes.extend_from_slice(&key);
        let fault = take_effect(&mut bytes.as_slice()).unwrap_err();
        assert_eq!(fault.reason, "a key is longer than 16 MiB");

        let mut bytes = put(&effect(b"k", Change::Put { value: b"", expiry: None }));
        bytes.pop();
        let mut fits = bytes.clone();
        put_varint(&mut fits, u32::try_from(VALUE_BYTES_HARD_MAX).unwrap());
        let fault = take_effect(&mut fits.as_slice()).unwrap_err();
        assert_eq!(fault.reason, "it ends in the middle of a field");
        put_varint(&mut bytes, u32::try_from(VALUE_BYTES_HARD_MAX).unwrap() + 1);
        let fault = take_effect(&mut bytes.as_slice()).unwrap_err();
        assert_eq!(fault.reason, "a value is longer than 512 MiB");
    }

    proptest! {
        #[test]
        fn effects_survive(effects in prop::collection::vec(any_effect(), 0..5)) {
            let mut out = Vec::new();
            for effect in &effects {
                let before = out.len();
                put_effect(&mut out, &effect.as_effect());
                prop_assert_eq!(out.len() - before, effect_bytes(&effect.as_effect()));
            }
            let mut bytes = out.as_slice();
            for effect in &effects {
                prop_assert_eq!(take_effect(&mut bytes), Ok(effect.as_effect()));
            }
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn a_head_is_what_precedes_the_value(effect in any_effect()) {
            let mut out = Vec::new();
            put_effect_head(&mut out, &effect.as_effect());
            if let OwnedChange::Put { value, .. } = &effect.change {
                out.extend_from_slice(value);
            }
            prop_assert_eq!(out, put(&effect.as_effect()));
        }

        #[test]
        fn a_part_of_an_effect_is_malformed(effect in any_effect(), cut: prop::sample::Index) {
            let bytes = put(&effect.as_effect());
            let cut = cut.index(bytes.len());
            prop_assert!(take_effect(&mut &bytes[..cut]).is_err());
        }

        #[test]
        fn what_is_taken_is_put_the_same(mut bytes: Vec<u8>, kind in 1..=6_u8, expiry: bool) {
            if let Some(first) = bytes.first_mut() {
                *first = kind | if expiry { HAS_EXPIRY } else { 0 };
            }
            let mut rest = bytes.as_slice();
            if let Ok(effect) = take_effect(&mut rest) {
                prop_assert_eq!(put(&effect), &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}
