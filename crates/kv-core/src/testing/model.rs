//! A store so plain that it can be checked by reading: what the engine is compared with.
//!
//! Written from the contract of [`Store`](crate::Store), not from the engine's code, and shares none of
//! it. It has no shards, no memory limit and no versions but the ones the engine reports. How floats are
//! added, [`Extended`] knows, which is compared with Redis by itself.

use std::collections::BTreeMap;

use crate::types::{
    Action, Condition, ExpireRule, ExpiryChange, Extended, Op, SetExpiry, Transfer,
    TransferOutcome, UnixMillis, Version,
};

/// A map of values and expiries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelStore {
    keys: BTreeMap<Vec<u8>, ModelEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelEntry {
    value: Vec<u8>,
    expiry: Option<u64>,
    version: Version,
}

/// What an operation is expected to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A reply.
    Reply {
        /// Whether it is applied.
        applied: bool,
        /// Whether the key existed before.
        existed: bool,
        /// Whether the key exists afterwards.
        exists: bool,
        /// Its remaining time to live.
        ttl_ms: Option<u64>,
        /// A value in the reply.
        value: Option<Vec<u8>>,
        /// A number, length or time in the reply.
        number: Option<i64>,
        /// Whether something changed, so that a new version is due.
        changed: bool,
    },
    /// The condition does not hold.
    Unmet,
    /// An error.
    Refused,
}

/// What an action answers with, and whether it wrote.
#[derive(Debug, Default)]
struct Answer {
    applied: bool,
    wrote: bool,
    value: Option<Vec<u8>>,
    number: Option<i64>,
}

impl Answer {
    fn read(applied: bool) -> Self {
        Self { applied, ..Self::default() }
    }

    fn write(applied: bool) -> Self {
        Self { applied, wrote: applied, ..Self::default() }
    }

    fn value(self, value: Option<Vec<u8>>) -> Self {
        Self { value, ..self }
    }

    fn number(self, number: Option<i64>) -> Self {
        Self { number, ..self }
    }
}

impl ModelStore {
    /// Keys and values now.
    pub fn live(&self, now: UnixMillis) -> BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>, Version)> {
        self.keys
            .iter()
            .filter(|(_, entry)| entry.expiry.is_none_or(|expiry| expiry > now.get()))
            .map(|(key, entry)| (key.clone(), (entry.value.clone(), entry.expiry, entry.version)))
            .collect()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// Removes a key, as an eviction does.
    pub fn remove(&mut self, key: &[u8]) {
        self.keys.remove(key);
    }

    /// Tells the version the engine gave to a changed key.
    pub fn set_version(&mut self, key: &[u8], version: Version) {
        if let Some(entry) = self.keys.get_mut(key) {
            entry.version = version;
        }
    }

    /// Transfers what a key holds at `now`.
    pub fn transfer(&mut self, transfer: &Transfer<'_>, now: UnixMillis) -> TransferOutcome {
        let live = self.live(now);
        let Some((value, expiry, _)) = live.get(transfer.from) else {
            return TransferOutcome::SourceAbsent;
        };
        if live.contains_key(transfer.to) && !transfer.replace {
            return TransferOutcome::DestinationExists;
        }
        if transfer.from != transfer.to {
            self.store(transfer.to, value.clone(), *expiry, now.get());
            if !transfer.keep_source {
                self.keys.remove(transfer.from);
            }
        }
        TransferOutcome::Done
    }

    /// Executes an operation at `now`.
    pub fn execute(&mut self, op: &Op<'_>, now: UnixMillis) -> Expected {
        let now = now.get();
        if self.keys.get(op.key).and_then(|entry| entry.expiry).is_some_and(|expiry| expiry <= now)
        {
            self.keys.remove(op.key);
        }
        let before = self.keys.get(op.key).cloned();
        let holds = match op.condition {
            Condition::None => true,
            Condition::IfAbsent => before.is_none(),
            Condition::IfPresent => before.is_some(),
            Condition::IfVersion(version) => {
                before.as_ref().is_some_and(|entry| entry.version == version)
            }
            Condition::IfValue(value) => before.as_ref().is_some_and(|entry| entry.value == value),
        };
        if !holds {
            return Expected::Unmet;
        }
        let Ok(Answer { applied, wrote, value, number }) = self.act(op, before.clone(), now) else {
            return Expected::Refused;
        };
        let after = self.keys.get(op.key);
        Expected::Reply {
            applied,
            existed: before.is_some(),
            exists: after.is_some(),
            ttl_ms: after.and_then(|entry| entry.expiry).map(|expiry| expiry - now),
            value,
            number,
            changed: wrote && (before.is_some() || after.is_some()),
        }
    }

    fn act(&mut self, op: &Op<'_>, before: Option<ModelEntry>, now: u64) -> Result<Answer, ()> {
        let exists = before.is_some();
        let old_value = before.as_ref().map(|entry| entry.value.clone());
        let old_expiry = before.as_ref().and_then(|entry| entry.expiry);
        match op.action {
            Action::Get => Ok(Answer::read(exists).value(old_value)),
            Action::Exists => {
                Ok(Answer::read(exists).number(old_value.map(|value| length(&value))))
            }
            Action::Deadline => {
                Ok(Answer::read(exists).number(old_expiry.and_then(|at| i64::try_from(at).ok())))
            }
            Action::GetExpire(change) => {
                let wrote = self.expire(op.key, before, change, now)?;
                Ok(Answer { applied: exists, wrote, ..Answer::default() }.value(old_value))
            }
            Action::Set { value, expiry, return_previous } => {
                let expiry = match expiry {
                    SetExpiry::Never => None,
                    SetExpiry::Keep => old_expiry,
                    SetExpiry::Deadline(deadline) => Some(at(deadline, now)?),
                };
                self.store(op.key, value.to_vec(), expiry, now);
                Ok(Answer::write(true).value(old_value.filter(|_| return_previous)))
            }
            Action::Delete { return_previous } => {
                self.keys.remove(op.key);
                Ok(Answer::write(exists).value(old_value.filter(|_| return_previous)))
            }
            Action::Increment { delta } => {
                let text = old_value.unwrap_or_else(|| b"0".to_vec());
                let text = String::from_utf8(text).map_err(|_not_text| ())?;
                let number: i64 = text.parse().map_err(|_not_a_number| ())?;
                if number.to_string() != text {
                    return Err(());
                }
                let sum = number.checked_add(delta).ok_or(())?;
                self.store(op.key, sum.to_string().into_bytes(), old_expiry, now);
                Ok(Answer::write(true).number(Some(sum)))
            }
            Action::IncrementFloat { delta } => {
                let text = old_value.unwrap_or_else(|| b"0".to_vec());
                let number = Extended::parse(&text).map_err(|_not_a_number| ())?;
                let sum = number.checked_add(delta).ok_or(())?.to_string().into_bytes();
                self.store(op.key, sum.clone(), old_expiry, now);
                Ok(Answer::write(true).value(Some(sum)))
            }
            Action::Append { suffix } => {
                let mut value = old_value.unwrap_or_default();
                value.extend_from_slice(suffix);
                let number = length(&value);
                self.store(op.key, value, old_expiry, now);
                Ok(Answer::write(true).number(Some(number)))
            }
            Action::SetRange { offset, bytes } => {
                let value = old_value.unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(Answer::read(true).number(Some(length(&value))));
                }
                let value = overwritten(value, offset, bytes)?;
                let number = length(&value);
                self.store(op.key, value, old_expiry, now);
                Ok(Answer::write(true).number(Some(number)))
            }
            Action::Expire(change) => Ok(Answer::write(self.expire(op.key, before, change, now)?)),
        }
    }

    /// Changes the expiry and tells whether it did.
    fn expire(
        &mut self,
        key: &[u8],
        before: Option<ModelEntry>,
        change: ExpiryChange,
        now: u64,
    ) -> Result<bool, ()> {
        let (new, rule) = match change {
            ExpiryChange::Persist => (None, None),
            ExpiryChange::Set(deadline, rule) => (Some(at(deadline, now)?), Some(rule)),
        };
        let Some(entry) = before else {
            return Ok(false);
        };
        let forever = u64::MAX;
        let (old, target) = (entry.expiry.unwrap_or(forever), new.unwrap_or(forever));
        let allowed = match rule {
            Some(ExpireRule::Always) => true,
            Some(ExpireRule::IfNone) => old == forever,
            None | Some(ExpireRule::IfSome) => old != forever,
            Some(ExpireRule::IfLater) => target > old,
            Some(ExpireRule::IfEarlier) => target < old,
            Some(ExpireRule::IfSomeEarlier) => old != forever && target < old,
        };
        if allowed {
            self.store(key, entry.value, new, now);
        }
        Ok(allowed)
    }

    fn store(&mut self, key: &[u8], value: Vec<u8>, expiry: Option<u64>, now: u64) {
        if expiry.is_some_and(|expiry| expiry <= now) {
            self.keys.remove(key);
            return;
        }
        let version = self.keys.get(key).map_or(Version::NONE, |entry| entry.version);
        self.keys.insert(key.to_vec(), ModelEntry { value, expiry, version });
    }
}

fn at(deadline: crate::types::Deadline, now: u64) -> Result<u64, ()> {
    deadline.resolve(UnixMillis::new(now)).map(UnixMillis::get).map_err(|_refused| ())
}

fn length(value: &[u8]) -> i64 {
    i64::try_from(value.len()).unwrap_or(i64::MAX)
}

fn overwritten(mut value: Vec<u8>, offset: u64, bytes: &[u8]) -> Result<Vec<u8>, ()> {
    let offset = usize::try_from(offset).map_err(|_too_far| ())?;
    if offset > crate::VALUE_BYTES_HARD_MAX - bytes.len() {
        return Err(());
    }
    for (offset, byte) in (offset..).zip(bytes) {
        value.resize(value.len().max(offset + 1), 0);
        value[offset] = *byte;
    }
    Ok(value)
}
