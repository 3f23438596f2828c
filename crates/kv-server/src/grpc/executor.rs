//! Runs calls where they arrive: most end at once, and then never become a task of their own.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

use hyper::rt::Executor;
use tracing::error;

/// Polls a call once on the connection's task, and spawns what is not done then.
///
/// A unary call is answered from memory in one poll, in less time than it takes to make a task and to wake
/// a thread for it. The first poll's waker does nothing, because a spawned task is polled in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallExecutor;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for CallExecutor {
    fn execute(&self, call: F) {
        let mut call: Pin<Box<F>> = Box::pin(call);
        let mut context = Context::from_waker(Waker::noop());
        // A panic must end the call and not the connection, as it does in a task (KV-I7).
        match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut context).is_ready())) {
            Ok(true) => {}
            Ok(false) => drop(tokio::spawn(call)),
            Err(_panic) => error!("a call panicked"),
        }
    }
}
