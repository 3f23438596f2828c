//! Commands on the server. None of them ends it, fills a disk or makes it evict.

use super::super::step::{Args, args};
use super::Make;
use super::values::Random;

pub(super) const COMMANDS: [(u32, Make); 14] = [
    (6, config),
    (2, |random| args([b"INFO", &random.word(&["server", "MEMORY", "all", "nosuch"])])),
    (1, |_| args([b"INFO"])),
    (2, |_| args([b"TIME"])),
    (1, |_| args([b"LASTSAVE"])),
    (1, |random| vec![random.word(&["SAVE", "BGSAVE", "BGREWRITEAOF"])]),
    (1, |_| args([b"BGSAVE", b"NOSUCH"])),
    (1, |_| args([b"SHUTDOWN", b"NOSUCH"])),
    (1, |_| args([b"SHUTDOWN", b"ABORT", b"NOSUCH"])),
    (1, |_| args([b"SHUTDOWN", b"SAVE", b"NOSAVE"])),
    (2, |random| args([b"MEMORY", &random.word(&["STATS", "NOSUCH"])])),
    (2, slowlog),
    (2, |random| args([b"WAIT", b"0", &random.word(&["0", "1", "-1", "x"])])),
    (1, |random| args([b"WAITAOF", b"0", b"0", &random.word(&["0", "1", "-1", "x"])])),
];

fn slowlog(random: &mut Random) -> Args {
    match random.below(5) {
        0 => args([b"SLOWLOG", b"GET"]),
        1 => args([b"SLOWLOG", b"GET", &random.word(&["0", "5", "-1", "-2", "x"])]),
        2 => args([b"SLOWLOG", b"LEN"]),
        3 => args([b"SLOWLOG", b"RESET"]),
        _ => args([b"SLOWLOG", b"NOSUCH"]),
    }
}

/// Limits are far away, and everything is set back before the next session.
fn config(random: &mut Random) -> Args {
    match random.below(9) {
        0 => args([
            b"CONFIG",
            b"GET",
            &random.word(&["maxmemory", "MAXMEMORY", "timeout", "maxmemory-policy"]),
        ]),
        1 => args([b"CONFIG", b"GET", b"maxmemory", b"timeout"]),
        2 => args([b"CONFIG", b"GET", &random.word(&["nosuch", "", "maxmemor?", "time[o]ut"])]),
        3 => {
            let size =
                random.word(&["0", "1gb", "1GB", "2000000000", "1g", "3000mb", "x", "-1", ""]);
            args([b"CONFIG", b"SET", b"maxmemory", &size])
        }
        4 => args([b"CONFIG", b"SET", b"timeout", &random.word(&["0", "1000", "-1", "x", ""])]),
        5 => args([b"CONFIG", b"SET", b"maxmemory-policy", &random.word(&["noeviction", "x", ""])]),
        6 => args([b"CONFIG", b"SET", b"nosuch", b"1"]),
        7 => args([b"CONFIG", b"SET", b"timeout", b"10", b"timeout", b"20"]),
        _ => args([b"CONFIG", &random.word(&["RESETSTAT", "NOSUCH"])]),
    }
}
