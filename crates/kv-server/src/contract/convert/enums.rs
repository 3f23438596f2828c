//! Enum numbers of the wire, and the list of the known ones for a number that is not.

use kv_core::{Condition, Durability, ExpireRule, Version};
use kv_proto::v1;

use crate::contract::refusal::Refusal;

/// Reads a level; `None` asks for the server's default.
pub(crate) fn durability(number: i32) -> Result<Option<Durability>, Refusal> {
    Ok(match known("durability", number, v1::Durability::as_str_name)? {
        v1::Durability::Unspecified => None,
        v1::Durability::Memory => Some(Durability::Memory),
        v1::Durability::Buffered => Some(Durability::Buffered),
        v1::Durability::Fsync => Some(Durability::Fsync),
    })
}

/// Writes a level.
pub(crate) fn wire_durability(level: Durability) -> v1::Durability {
    match level {
        Durability::Memory => v1::Durability::Memory,
        Durability::Buffered => v1::Durability::Buffered,
        Durability::Fsync => v1::Durability::Fsync,
    }
}

/// Reads a condition and the version that belongs to one of them.
pub(super) fn condition(number: i32, if_version: u64) -> Result<Condition<'static>, Refusal> {
    let condition = known("condition", number, v1::Condition::as_str_name)?;
    match (condition, if_version) {
        (v1::Condition::Unspecified, 0) => Ok(Condition::None),
        (v1::Condition::IfAbsent, 0) => Ok(Condition::IfAbsent),
        (v1::Condition::IfPresent, 0) => Ok(Condition::IfPresent),
        (v1::Condition::IfVersion, 0) => Err(Refusal::Conflict(
            "condition = CONDITION_IF_VERSION needs an if_version that is not 0: a key that does not \
             exist is asked for with CONDITION_IF_ABSENT",
        )),
        (v1::Condition::IfVersion, version) => Ok(Condition::IfVersion(Version::new(version))),
        (_, _) => Err(Refusal::Conflict(
            "if_version is given without condition = CONDITION_IF_VERSION: set both or neither",
        )),
    }
}

/// Reads a rule.
pub(super) fn expire_rule(number: i32) -> Result<ExpireRule, Refusal> {
    Ok(match known("rule", number, v1::ExpireRule::as_str_name)? {
        v1::ExpireRule::Unspecified => ExpireRule::Always,
        v1::ExpireRule::Nx => ExpireRule::IfNone,
        v1::ExpireRule::Xx => ExpireRule::IfSome,
        v1::ExpireRule::Gt => ExpireRule::IfLater,
        v1::ExpireRule::Lt => ExpireRule::IfEarlier,
    })
}

/// The value of a number, or the refusal that lists every number with a value.
fn known<E: TryFrom<i32>>(
    field: &'static str,
    number: i32,
    name: fn(&E) -> &'static str,
) -> Result<E, Refusal> {
    E::try_from(number).map_err(|_unknown| {
        let names: Vec<String> = (0..)
            .map_while(|number| E::try_from(number).ok().map(|value| (number, value)))
            .map(|(number, value)| format!("{} ({number})", name(&value)))
            .collect();
        Refusal::UnknownEnum { field, number, allowed: names.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_number_is_refused_with_every_name_and_number() {
        expect_test::expect![[r"
            condition = 9 has no meaning: allowed are CONDITION_UNSPECIFIED (0), CONDITION_IF_ABSENT (1), CONDITION_IF_PRESENT (2), CONDITION_IF_VERSION (3)
            rule = -1 has no meaning: allowed are EXPIRE_RULE_UNSPECIFIED (0), EXPIRE_RULE_NX (1), EXPIRE_RULE_XX (2), EXPIRE_RULE_GT (3), EXPIRE_RULE_LT (4)
            durability = 4 has no meaning: allowed are DURABILITY_UNSPECIFIED (0), DURABILITY_MEMORY (1), DURABILITY_BUFFERED (2), DURABILITY_FSYNC (3)
        "]]
        .assert_eq(&format!(
            "{}\n{}\n{}\n",
            condition(9, 0).unwrap_err(),
            expire_rule(-1).unwrap_err(),
            durability(4).unwrap_err()
        ));
    }

    #[test]
    fn if_version_and_its_condition_come_together() {
        let if_version = i32::from(v1::Condition::IfVersion);
        let wanted = Condition::IfVersion(Version::new(5));
        assert_eq!(condition(if_version, 5).unwrap(), wanted);
        for (number, version) in [(if_version, 0), (0, 5), (1, 5), (2, 5)] {
            let error = condition(number, version).unwrap_err();
            assert!(matches!(error, Refusal::Conflict(_)), "{number} with {version}: {error}");
        }
    }

    #[test]
    fn levels_translate_both_ways() {
        for level in [Durability::Memory, Durability::Buffered, Durability::Fsync] {
            assert_eq!(durability(wire_durability(level).into()).unwrap(), Some(level));
        }
    }
}
