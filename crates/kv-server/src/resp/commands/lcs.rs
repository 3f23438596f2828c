//! `LCS`: what the values of two keys have in common.

use bytes::Bytes;
use kv_core::{Action, Op, Reply};
use kv_resp::Version;

use super::call::Call;
use super::row::{Command, Group, TWO_KEYS};
use crate::metrics::Operation;
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::lcs::{Match, common, length, places};
use crate::resp::request::{Request, integer, is};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] =
    &[Command::new("LCS", -3, Group::String, "7.0.0", "Finds the longest common substring.")
        .reads(TWO_KEYS)
        .counted(Operation::BatchRead)
        .call(lcs)];

/// What takes more than this many places in the table, and so about 100 µs, is done on another thread.
const PLACES_HERE_MAX: usize = 1 << 16;

/// Bytes that Redis needs for a place in the table, by which it bounds the work.
const PLACE_BYTES: usize = 4;

/// `LCS key key [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
fn lcs(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let wanted = Wanted::of(request)?;
    let reads = [request.arg(1), request.arg(2)].map(|key| Op::new(key, Action::Get));
    let mut values = call.execute_atomic(&reads)?.unwrap_or_default().into_iter();
    let mut value = || values.next().and_then(Reply::into_value).unwrap_or_default();
    let (a, b): (Bytes, Bytes) = (value(), value());
    if places(&a, &b).saturating_mul(PLACE_BYTES) > call.shared.limits.bulk_bytes_max {
        return Err(Failure::Text(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    let version = call.client.version;
    if places(&a, &b) <= PLACES_HERE_MAX {
        wanted.answer(&a, &b, (call.answers(), version));
        return Ok(());
    }
    let basis = call.take_basis();
    let answer = call.shared.workers.compute(move || {
        let mut answers = Answers::default();
        wanted.answer(&a, &b, (&mut answers, version));
        answers.rest_on(0, basis);
        Ok(answers)
    });
    call.later_timed(answer);
    Ok(())
}

/// What is to be told.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    kind: Kind,
    /// The shortest part that is told of.
    match_len_min: usize,
    /// Whether the parts' lengths are told too.
    with_match_len: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The subsequence itself.
    Bytes,
    /// Its length.
    Length,
    /// Where its parts are.
    Matches,
}

impl Wanted {
    fn of(request: Request<'_>) -> Result<Self, Failure> {
        let mut wanted = Self { kind: Kind::Bytes, match_len_min: 0, with_match_len: false };
        let (mut is_length, mut is_matches) = (false, false);
        let mut args = request.args_from(3);
        while let Some(option) = args.next() {
            if is(option, "IDX") {
                is_matches = true;
            } else if is(option, "LEN") {
                is_length = true;
            } else if is(option, "WITHMATCHLEN") {
                wanted.with_match_len = true;
            } else if is(option, "MINMATCHLEN") {
                let least = integer(args.next().ok_or(Failure::Syntax)?)?;
                wanted.match_len_min = usize::try_from(least).unwrap_or(0);
            } else {
                return Err(Failure::Syntax);
            }
        }
        wanted.kind = match (is_length, is_matches) {
            (true, true) => {
                return Err(Failure::Text(
                    "ERR If you want both the length and indexes, please just use IDX.",
                ));
            }
            (true, false) => Kind::Length,
            (false, true) => Kind::Matches,
            (false, false) => Kind::Bytes,
        };
        Ok(wanted)
    }

    fn answer(self, a: &[u8], b: &[u8], (answers, version): (&mut Answers, Version)) {
        match self.kind {
            Kind::Bytes => answers.bulk(Bytes::from(common(a, b).bytes).into()),
            Kind::Length => answers.encoder(version).integer(number(length(a, b))),
            Kind::Matches => {
                let common = common(a, b);
                let is_long = |found: &&Match| found.0.clone().count() >= self.match_len_min;
                let told: Vec<&Match> = common.matches.iter().filter(is_long).collect();
                let mut reply = answers.encoder(version);
                reply.map(2);
                reply.bulk(b"matches");
                reply.array(told.len());
                for (in_a, in_b) in told {
                    reply.array(2 + usize::from(self.with_match_len));
                    for range in [in_a, in_b] {
                        reply.array(2);
                        reply.integer(number(*range.start()));
                        reply.integer(number(*range.end()));
                    }
                    if self.with_match_len {
                        reply.integer(number(in_a.clone().count()));
                    }
                }
                reply.bulk(b"len");
                reply.integer(number(common.bytes.len()));
            }
        }
    }
}

/// A number of bytes that are in memory.
fn number(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
