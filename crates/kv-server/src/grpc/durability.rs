//! Durability levels: which are allowed, and which a write has reached.

use kv_core::Durability;
use kv_proto::v1;

use super::convert;
use super::refusal::Refusal;

/// Every level, weakest first.
const LEVELS: [Durability; 3] = [Durability::Memory, Durability::Buffered, Durability::Fsync];

/// Refuses a level that the store cannot reach, before anything is written. Unspecified is the server's
/// default, which it can always reach.
pub(crate) fn check(number: i32, max: Durability) -> Result<(), Refusal> {
    match convert::durability(number)? {
        Some(asked) if asked > max => Err(Refusal::Durability { asked, allowed: up_to(max) }),
        _ => Ok(()),
    }
}

/// The level that a write has reached when it is answered; unspecified when nothing was written.
pub(crate) fn achieved(written: bool) -> i32 {
    let level = if written { v1::Durability::Memory } else { v1::Durability::Unspecified };
    level.into()
}

fn up_to(max: Durability) -> String {
    let names: Vec<String> =
        LEVELS.into_iter().filter(|level| *level <= max).map(|level| level.to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_up_to_the_store_s_are_allowed() {
        for (number, max, allowed) in [
            (v1::Durability::Unspecified, Durability::Memory, true),
            (v1::Durability::Memory, Durability::Memory, true),
            (v1::Durability::Buffered, Durability::Memory, false),
            (v1::Durability::Fsync, Durability::Buffered, false),
            (v1::Durability::Fsync, Durability::Fsync, true),
        ] {
            assert_eq!(check(number.into(), max).is_ok(), allowed, "{number:?} of at most {max}");
        }
        let error = check(v1::Durability::Fsync.into(), Durability::Buffered).unwrap_err();
        assert!(error.to_string().contains("allowed are memory, buffered"), "{error}");
    }

    #[test]
    fn unknown_levels_are_refused() {
        assert!(matches!(
            check(4, Durability::Fsync),
            Err(Refusal::UnknownEnum { field: "durability", number: 4, .. })
        ));
    }
}
