//! The operations on one key: each is described once, to be sent alone or put into a batch.
//!
//! `Set` and its siblings carry a type parameter. `Set` alone ([`Detached`]) is a description for a
//! [`Batch`](crate::Batch); `Set<Client>`, which [`Client::set`](crate::Client::set) makes, can also
//! be sent. The options are the same.

mod append;
mod delete;
mod exists;
mod expire;
mod get;
mod increment;
mod set;

use kv_proto::v1 as wire;

pub use append::Append;
pub use delete::Delete;
pub use exists::Exists;
pub use expire::Expire;
pub use get::Get;
pub use increment::Increment;
pub use set::Set;

/// Marks an operation that belongs to no client and goes into a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detached;

/// Any operation, for a batch.
#[derive(Debug, Clone)]
pub struct Op(pub(crate) wire::op::Op);

impl Op {
    /// Whether this is a delete that must not find its key absent.
    pub(crate) fn is_conditional_delete(&self) -> bool {
        matches!(&self.0, wire::op::Op::Delete(delete) if delete.if_version != 0)
    }

    /// Bytes of key and value.
    pub(crate) fn payload_bytes(&self) -> usize {
        use wire::op::Op as Wire;
        match &self.0 {
            Wire::Get(get) => get.key.len(),
            Wire::Set(set) => set.key.len() + set.value.len(),
            Wire::Delete(delete) => delete.key.len(),
            Wire::Exists(exists) => exists.key.len(),
            Wire::Increment(increment) => increment.key.len(),
            Wire::Append(append) => append.key.len() + append.suffix.len(),
            Wire::Expire(expire) => expire.key.len(),
        }
    }
}

/// Lets `client.get(key).await` do what `client.get(key).send().await` does, and an operation
/// without a client go into a batch.
macro_rules! operation {
    ($op:ident => $reply:ty) => {
        impl IntoFuture for $op<$crate::Client> {
            type Output = Result<$reply, $crate::Error>;
            type IntoFuture = futures_util::future::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }

        impl From<$op> for $crate::op::Op {
            fn from(operation: $op) -> Self {
                Self(kv_proto::v1::op::Op::$op(operation.wire))
            }
        }
    };
}
use operation;
