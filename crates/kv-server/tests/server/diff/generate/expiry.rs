//! Commands on expiries. None comes while a session runs: times are in the past, or far away.

use super::super::step::{Args, args};
use super::Make;
use super::values::Random;

pub(super) const COMMANDS: [(u32, Make); 10] = [
    (3, |random| conditional(random, b"EXPIRE", seconds)),
    (3, |random| conditional(random, b"PEXPIRE", milliseconds)),
    (3, |random| conditional(random, b"EXPIREAT", unix_seconds)),
    (3, |random| conditional(random, b"PEXPIREAT", unix_milliseconds)),
    (3, |random| args([b"TTL", &random.key()])),
    (3, |random| args([b"PTTL", &random.key()])),
    (2, |random| args([b"EXPIRETIME", &random.key()])),
    (2, |random| args([b"PEXPIRETIME", &random.key()])),
    (2, |random| args([b"PERSIST", &random.key()])),
    (2, |random| args([b"SET", &random.key(), &random.value(), b"EX", &seconds(random)])),
];

fn conditional(random: &mut Random, name: &[u8], time: fn(&mut Random) -> Vec<u8>) -> Args {
    let mut command = args([name, &random.key(), &time(random)]);
    let max = *random.pick(&[0, 0, 1, 1, 2]);
    random.options(
        &mut command,
        max,
        &[
            (1, |_| args([b"NX"])),
            (1, |_| args([b"XX"])),
            (1, |_| args([b"GT"])),
            (1, |_| args([b"LT"])),
        ],
    );
    command
}

/// Hardly ever the same twice, and never nearly the same: which of two is later must not depend on when the
/// servers are asked.
fn far_seconds(random: &mut Random) -> usize {
    1000 + 10 * random.below(100_000_000)
}

/// From now on.
pub(super) fn seconds(random: &mut Random) -> Vec<u8> {
    if random.chance(1, 4) {
        return random.word(&[
            "0",
            "-1",
            "-1000",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775",
            "9223372036854776",
            "-9223372036854776",
            "9223370000000000",
            "abc",
            "",
            "1.5",
        ]);
    }
    far_seconds(random).to_string().into_bytes()
}

/// From now on.
pub(super) fn milliseconds(random: &mut Random) -> Vec<u8> {
    if random.chance(1, 4) {
        return random.word(&[
            "0",
            "-1",
            "-1000",
            "9223372036854775807",
            "-9223372036854775808",
            "9223370000000000000",
            "abc",
            "",
            "1.5",
        ]);
    }
    (far_seconds(random) * 1000 + *random.pick(&[0, 499, 500])).to_string().into_bytes()
}

/// Since 1970.
pub(super) fn unix_seconds(random: &mut Random) -> Vec<u8> {
    if random.chance(1, 4) {
        return random.word(&[
            "0",
            "-1",
            "1",
            "1000000000",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775",
            "9223372036854776",
            "abc",
            "",
            "1.5",
        ]);
    }
    random.word(&["4102444800", "4102444801", "4500000000", "33177117420"])
}

/// Since 1970.
pub(super) fn unix_milliseconds(random: &mut Random) -> Vec<u8> {
    if random.chance(1, 4) {
        return random.word(&[
            "0",
            "-1",
            "1",
            "1000000000000",
            "9223372036854775807",
            "-9223372036854775808",
            "abc",
            "",
            "1.5",
        ]);
    }
    random.word(&[
        "4102444800000",
        "4102444800001",
        "4500000000499",
        "4500000000500",
        "33177117420000",
    ])
}
