//! What a check expects; a failure tells the line, what was expected and what came.

use std::fmt::Debug;
use std::panic::Location;

use crate::Checked;

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
