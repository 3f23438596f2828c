//! What the Rust checks share: counting them, and the way to the program that runs them.
//!
//! A program talks to `cargo xtask clients` by its standard streams, as `harness.py` in `../shared/` tells.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write as _;
use std::panic::Location;

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

/// Fails unless both are equal.
#[track_caller]
pub fn equal<T: Debug + PartialEq<E>, E: Debug>(actual: T, expected: E) -> Checked {
    let place = Location::caller();
    if actual == expected {
        return Ok(());
    }
    Err(format!(
        "line {}\n    expected {}\n    got      {}",
        place.line(),
        short(&expected),
        short(&actual)
    )
    .into())
}

/// Fails unless the text contains another.
#[track_caller]
pub fn contains(text: impl AsRef<str>, part: &str) -> Checked {
    let place = Location::caller();
    if text.as_ref().contains(part) {
        return Ok(());
    }
    Err(format!("line {}\n    expected {part:?} in\n    {}", place.line(), short(&text.as_ref()))
        .into())
}

/// Fails unless `low <= actual <= high`.
#[track_caller]
pub fn within(actual: i64, low: i64, high: i64) -> Checked {
    let place = Location::caller();
    if (low..=high).contains(&actual) {
        return Ok(());
    }
    Err(format!("line {}: expected {low} to {high}, got {actual}", place.line()).into())
}

/// Fails unless the call has failed, with this in the text of its error.
#[track_caller]
pub fn refused<T: Debug, E: std::fmt::Display>(result: Result<T, E>, part: &str) -> Checked {
    let place = Location::caller();
    match result {
        Err(error) if error.to_string().contains(part) => Ok(()),
        Err(error) => {
            Err(format!("line {}: expected an error with {part:?}, got {error}", place.line())
                .into())
        }
        Ok(answer) => {
            Err(format!("line {}: expected an error with {part:?}, got {answer:?}", place.line())
                .into())
        }
    }
}

fn short(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let cut: String = text.chars().take(300).collect();
    if cut.len() < text.len() { format!("{cut}… ({} bytes)", text.len()) } else { text }
}

/// Kills the server as `kill -9` does.
pub fn kill() -> Checked {
    tell("@kill")
}

/// Starts the killed server again, on the same addresses and data, and waits until it is ready.
pub fn start() -> Checked {
    tell("@start")
}

fn tell(order: &str) -> Checked {
    println!("{order}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    equal(answer.as_str(), "done\n")
}

/// Tells what software was tried.
pub fn version(text: &str) {
    println!("@version {text}");
}

/// How many checks there were, and how many have failed.
#[derive(Debug, Default)]
pub struct Count {
    checks: usize,
    failed: usize,
}

impl Count {
    /// Counts a check, and shows it when it has failed.
    pub fn add(&mut self, name: &str, checked: Checked) {
        self.checks += 1;
        if let Err(error) = checked {
            self.failed += 1;
            println!("FAILED {name}: {error}");
        }
    }

    /// Ends the process.
    pub fn end(&self) -> ! {
        println!("{} of {} checks passed", self.checks - self.failed, self.checks);
        std::process::exit(i32::from(self.failed > 0));
    }
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
