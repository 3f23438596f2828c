//! What the Rust checks share: counting them, and the way to the program that runs them.
//!
//! A program talks to `cargo xtask clients` by its standard streams, as `harness.py` in `../shared/` tells.

mod expect;
mod runner;

use std::error::Error;

pub use expect::{contains, equal, refused, within};
pub use runner::{Count, kill, start, version};

/// What a check ends with.
pub type Checked = Result<(), Box<dyn Error + Send + Sync>>;

/// How long a check may wait for anything, in seconds.
pub const SLACK: i64 = 60;

/// `HOST:PORT` of a listener, for example of `RESP`.
pub fn address(protocol: &str) -> String {
    std::env::var(format!("KV_CLIENTS_{protocol}")).expect("`cargo xtask clients` sets the address")
}

/// Whether the server is kv; else it is Redis, against which the checks themselves are proved.
pub fn is_kv() -> bool {
    std::env::var("KV_CLIENTS_SERVER").is_ok_and(|server| server == "kv")
}

/// Whether `--protocol 3` was asked for.
pub fn wants_resp3() -> bool {
    std::env::args().any(|argument| argument == "3")
}

/// Runs checks one after the other, those after a failed one too; each is a function of a module that is
/// given a client, and finds a store that was emptied with `$flush`.
#[macro_export]
macro_rules! checks {
    ($client:expr, $flush:expr, $($module:ident :: $check:ident),+ $(,)?) => {{
        let mut count = $crate::Count::default();
        $(
            $flush;
            count.add(concat!(stringify!($module), "::", stringify!($check)), $module::$check($client).await);
        )+
        count.end()
    }};
}
