//! Commands on keys, whatever is in them.

use super::super::step::{Args, args};
use super::values::Random;
use super::{Make, expiry};

pub(super) const COMMANDS: [(u32, Make); 17] = [
    (4, |random| [args([b"DEL"]), random.keys(3)].concat()),
    (3, |random| [args([b"UNLINK"]), random.keys(3)].concat()),
    (4, |random| [args([b"EXISTS"]), random.keys(4)].concat()),
    (2, |random| [args([b"TOUCH"]), random.keys(4)].concat()),
    (2, |random| args([b"TYPE", &random.key()])),
    (3, |random| args([b"KEYS", &pattern(random)])),
    (1, |_| args([b"RANDOMKEY"])),
    (1, |_| args([b"DBSIZE"])),
    (4, |random| args([b"RENAME", &random.key(), &random.key()])),
    (4, |random| args([b"RENAMENX", &random.key(), &random.key()])),
    (5, copy),
    (3, object),
    (1, flush),
    (1, |random| args([b"DUMP", &random.key()])),
    (2, restore_garbage),
    (1, |random| {
        args([b"SCAN", &random.word(&["abc", "", "-1", "18446744073709551616", "1.5", " 0"])])
    }),
    (1, |random| args([b"MEMORY", b"USAGE", &random.key()])),
];

/// What `KEYS` and `SCAN` look for.
pub(super) fn pattern(random: &mut Random) -> Vec<u8> {
    random.word(&[
        "*", "k*", "k?", "k[0-3]", "k[^0-3]", "k[3-0]", "[k]1", "\\k1", "k\\1", "k1", "*1", "**2",
        "k[", "k[0-", "", "?", "*binary*", "k[\\1]", "k[12", "[^]k1", "[]k1", "k*k", "missing",
        "m?ss*g", "\\", "k1\\",
    ])
}

/// What follows the cursor.
pub(super) fn scan_options(random: &mut Random) -> Args {
    let mut options = Args::new();
    random.options(
        &mut options,
        3,
        &[
            (3, |random| args([b"MATCH", &pattern(random)])),
            (3, |random| {
                args([b"COUNT", &random.word(&["1", "2", "10", "1000", "0", "-1", "x", ""])])
            }),
            (2, |random| {
                args([b"TYPE", &random.word(&["string", "STRING", "hash", "list", "zset"])])
            }),
        ],
    );
    if random.chance(1, 20) {
        options.push(random.any_word());
    }
    options
}

/// What follows the payload.
pub(super) fn restore_options(random: &mut Random) -> Args {
    let mut options = Args::new();
    random.options(
        &mut options,
        3,
        &[
            (6, |_| args([b"REPLACE"])),
            (2, |_| args([b"ABSTTL"])),
            (1, |random| args([b"IDLETIME", &random.word(&["0", "10", "-1", "x"])])),
            (1, |random| args([b"FREQ", &random.word(&["0", "255", "256", "-1", "x"])])),
        ],
    );
    options
}

/// No payload of any server.
fn restore_garbage(random: &mut Random) -> Args {
    let (key, ttl, payload) = (random.key(), expiry::milliseconds(random), random.value());
    [args([b"RESTORE", &key, &ttl, &payload]), restore_options(random)].concat()
}

fn copy(random: &mut Random) -> Args {
    let mut command = args([b"COPY", &random.key(), &random.key()]);
    let max = *random.pick(&[0, 1, 1, 2]);
    random.options(
        &mut command,
        max,
        &[
            (4, |_| args([b"REPLACE"])),
            (1, |random| args([b"DB", &random.word(&["0", "1", "-1", "16", "x", ""])])),
        ],
    );
    command
}

fn object(random: &mut Random) -> Args {
    let sub = random
        .word(&["ENCODING", "ENCODING", "ENCODING", "FREQ", "IDLETIME", "REFCOUNT", "NOSUCH"]);
    args([b"OBJECT", &sub, &random.key()])
}

fn flush(random: &mut Random) -> Args {
    let mut command = vec![random.word(&["FLUSHALL", "FLUSHDB"])];
    random.options(
        &mut command,
        1,
        &[(3, |_| args([b"SYNC"])), (3, |_| args([b"ASYNC"])), (1, |_| args([b"NOSUCH"]))],
    );
    command
}
