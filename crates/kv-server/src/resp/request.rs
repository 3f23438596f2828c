//! One request as commands see it: its arguments, and the numbers in them.

use super::failure::Failure;

/// A request; its arguments are slices of what the client has sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a>(kv_resp::Command<'a>);

impl<'a> Request<'a> {
    pub(crate) const fn new(command: kv_resp::Command<'a>) -> Self {
        Self(command)
    }

    /// How many arguments there are, the name among them: at least 1.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The command's name as the client has written it.
    pub(crate) fn name(self) -> &'a [u8] {
        self.0.name()
    }

    /// The argument at `index`, where the name is at 0; nothing where there is none, which is for the arity
    /// to see to.
    #[inline]
    pub(crate) fn arg(self, index: usize) -> &'a [u8] {
        self.0.arg(index).unwrap_or_default()
    }

    /// The arguments from `index` on.
    pub(crate) fn args_from(self, index: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let mut args = self.0.args();
        // Passes over the ones before.
        if let Some(last) = index.checked_sub(1) {
            args.nth(last);
        }
        args
    }

    /// The argument at `index` as a number.
    pub(crate) fn integer(self, index: usize) -> Result<i64, Failure> {
        integer(self.arg(index))
    }
}

/// A number as Redis reads one: decimal, 64 bits, nothing around it.
pub(crate) fn integer(text: &[u8]) -> Result<i64, Failure> {
    kv_resp::integer(text).ok_or(Failure::NotAnInteger)
}

/// Whether `text` is this word, in any case.
pub(crate) fn is(text: &[u8], word: &str) -> bool {
    text.eq_ignore_ascii_case(word.as_bytes())
}
