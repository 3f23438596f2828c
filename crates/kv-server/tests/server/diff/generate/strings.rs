//! Commands on strings.

use super::super::step::{Args, args};
use super::values::Random;
use super::{Make, expiry};

pub(super) const COMMANDS: [(u32, Make); 25] = [
    (12, |random| args([b"GET", &random.key()])),
    (20, set),
    (3, |random| args([b"SETNX", &random.key(), &random.value()])),
    (2, |random| args([b"SETEX", &random.key(), &expiry::seconds(random), &random.value()])),
    (2, |random| args([b"PSETEX", &random.key(), &expiry::milliseconds(random), &random.value()])),
    (2, |random| args([b"GETSET", &random.key(), &random.value()])),
    (2, |random| args([b"GETDEL", &random.key()])),
    (4, getex),
    (3, |random| [args([b"MGET"]), random.keys(5)].concat()),
    (3, |random| pairs(random, b"MSET")),
    (2, |random| pairs(random, b"MSETNX")),
    (3, |random| args([b"INCR", &random.key()])),
    (3, |random| args([b"DECR", &random.key()])),
    (4, |random| args([b"INCRBY", &random.key(), &random.integer()])),
    (4, |random| args([b"DECRBY", &random.key(), &random.integer()])),
    (6, |random| args([b"INCRBYFLOAT", &random.key(), &random.float()])),
    (4, |random| args([b"APPEND", &random.key(), &random.value()])),
    (2, |random| args([b"STRLEN", &random.key()])),
    (4, |random| args([b"GETRANGE", &random.key(), &random.integer(), &random.integer()])),
    (1, |random| args([b"SUBSTR", &random.key(), &random.integer(), &random.integer()])),
    (4, |random| args([b"SETRANGE", &random.key(), &offset(random), &random.value()])),
    (4, lcs),
    // Enough numbers and texts that the others find what they work on.
    (3, |random| args([b"SET", &random.key(), &random.integer()])),
    (3, |random| args([b"SET", &random.key(), &random.float()])),
    (1, |random| args([&random.any_word(), &random.any_word(), &random.any_word()])),
];

fn set(random: &mut Random) -> Args {
    let mut command = args([b"SET", &random.key(), &random.value()]);
    let max = *random.pick(&[0, 1, 1, 2, 3, 4]);
    random.options(
        &mut command,
        max,
        &[
            (3, |_| args([b"NX"])),
            (3, |_| args([b"XX"])),
            (3, |_| args([b"GET"])),
            (3, |_| args([b"KEEPTTL"])),
            (2, |random| args([b"EX", &expiry::seconds(random)])),
            (2, |random| args([b"PX", &expiry::milliseconds(random)])),
            (2, |random| args([b"EXAT", &expiry::unix_seconds(random)])),
            (2, |random| args([b"PXAT", &expiry::unix_milliseconds(random)])),
        ],
    );
    command
}

fn getex(random: &mut Random) -> Args {
    let mut command = args([b"GETEX", &random.key()]);
    let max = *random.pick(&[1, 1, 1, 2]);
    random.options(
        &mut command,
        max,
        &[
            (3, |_| args([b"PERSIST"])),
            (2, |random| args([b"EX", &expiry::seconds(random)])),
            (2, |random| args([b"PX", &expiry::milliseconds(random)])),
            (2, |random| args([b"EXAT", &expiry::unix_seconds(random)])),
            (2, |random| args([b"PXAT", &expiry::unix_milliseconds(random)])),
            (1, |_| args([b"KEEPTTL"])),
            (1, |_| args([b"NX"])),
        ],
    );
    command
}

/// Keys may stand twice.
fn pairs(random: &mut Random, name: &[u8]) -> Args {
    let mut command = vec![name.to_vec()];
    for _ in 0..=random.below(4) {
        command.extend([random.key(), random.value()]);
    }
    command
}

/// Offsets never ask for more than a few kilobytes of memory, or for more than is allowed.
fn offset(random: &mut Random) -> Vec<u8> {
    if random.chance(3, 4) {
        return random.below(60).to_string().into_bytes();
    }
    random.word(&[
        "0",
        "-1",
        "2000",
        "536870912",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "x",
        "",
        "9223372036854775808",
        "1.5",
    ])
}

fn lcs(random: &mut Random) -> Args {
    let mut command = args([b"LCS", &random.key(), &random.key()]);
    random.options(
        &mut command,
        3,
        &[
            (2, |_| args([b"LEN"])),
            (3, |_| args([b"IDX"])),
            (2, |random| args([b"MINMATCHLEN", &random.integer()])),
            (2, |_| args([b"WITHMATCHLEN"])),
        ],
    );
    command
}
