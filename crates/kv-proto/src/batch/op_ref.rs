//! One operation of a batch, lent.

use bytes::Bytes;

use crate::v1::{GetRequest, Op, SetRequest, op, set_request::Expiry};

/// One operation of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OpRef<'a> {
    /// A read of this key.
    Get(&'a [u8]),
    /// A write.
    Set(SetRef<'a>),
    /// Any other kind, or one of those in a form in which it seldom comes.
    Other(&'a Op),
}

/// A [`SetRequest`] that is lent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SetRef<'a> {
    /// The key to write.
    pub key: &'a [u8],
    /// The new value.
    pub value: &'a [u8],
    /// Everything else.
    pub options: SetOptions,
}

/// What a write names besides its key and value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// When the key ends.
    pub expiry: Option<Expiry>,
    /// What must hold, a [`Condition`](crate::v1::Condition).
    pub condition: i32,
    /// The version that must be there, or 0.
    pub if_version: u64,
    /// Whether to answer with the value before.
    pub return_previous: bool,
    /// Ignored inside a batch, which has its own.
    pub durability: i32,
}

impl<'a> From<&'a SetRequest> for SetRef<'a> {
    fn from(set: &'a SetRequest) -> Self {
        Self {
            key: &set.key,
            value: &set.value,
            options: SetOptions {
                expiry: set.expiry,
                condition: set.condition,
                if_version: set.if_version,
                return_previous: set.return_previous,
                durability: set.durability,
            },
        }
    }
}

impl From<SetRef<'_>> for SetRequest {
    fn from(set: SetRef<'_>) -> Self {
        let SetOptions { expiry, condition, if_version, return_previous, durability } = set.options;
        let (key, value) = (Bytes::copy_from_slice(set.key), Bytes::copy_from_slice(set.value));
        Self { key, value, condition, if_version, return_previous, durability, expiry }
    }
}

impl From<OpRef<'_>> for Op {
    fn from(op: OpRef<'_>) -> Self {
        let op = match op {
            OpRef::Get(key) => op::Op::Get(GetRequest { key: Bytes::copy_from_slice(key) }),
            OpRef::Set(set) => op::Op::Set(set.into()),
            OpRef::Other(op) => return op.clone(),
        };
        Self { op: Some(op) }
    }
}
