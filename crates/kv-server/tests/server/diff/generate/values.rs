//! Random arguments: few keys, so that commands meet, and values from the edges of what is allowed.

use super::super::step::Args;
use super::Make;

/// Keys that most commands use.
const KEYS: usize = 8;

/// Texts that are integers of 64 bits, or just not.
const INTEGERS: [&str; 26] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "5",
    "10",
    "-10",
    "100",
    "1000",
    "4294967296",
    "-4294967297",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "",
    "abc",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
];

/// Texts that are floats, or just not.
const FLOATS: [&str; 40] = [
    "0",
    "1",
    "-1",
    "0.1",
    "0.2",
    "-0.3",
    "3.0",
    "3.14159",
    "1e3",
    "5.0e3",
    "1e-3",
    "1.5e10",
    "-1e15",
    "1e17",
    "1e18",
    "123456789.123456789",
    "0.000001",
    "1e-10",
    "1e300",
    "-1e300",
    "1e400",
    "1e5000",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "nan",
    "NaN",
    "-nan",
    "",
    "abc",
    " 1",
    "1 ",
    "+1",
    "1x",
    "0x10",
    "1e",
    ".5",
    "5.",
    "--1",
];

/// Other texts that a value may be.
const TEXTS: [&str; 12] = [
    "",
    "a",
    "value",
    "hello world",
    "ohmytext",
    "mynewtext",
    "3.0e3",
    "007",
    "abcabcabcabc",
    "xxxxxxxxxx",
    "\r\n",
    "true",
];

/// A generator of arguments that starts at a seed.
pub(super) struct Random {
    random: fastrand::Rng,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// A number less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random.usize(..end.max(1))
    }

    /// True so many times out of so many.
    pub(super) fn chance(&mut self, times: usize, out_of: usize) -> bool {
        self.below(out_of) < times
    }

    /// Any of these.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.get(self.random.usize(..from.len())).expect("there is one")
    }

    /// Any of these words.
    pub(super) fn word(&mut self, from: &[&str]) -> Vec<u8> {
        self.pick(from).as_bytes().to_vec()
    }

    /// Any of these, each as often as its weight says.
    pub(super) fn weighted<'a, T>(&mut self, from: &'a [(u32, T)]) -> &'a (u32, T) {
        let total: u32 = from.iter().map(|(weight, _)| weight).sum();
        let mut left = self.random.u32(..total);
        for row in from {
            if left < row.0 {
                return row;
            }
            left -= row.0;
        }
        unreachable!("the weights add up to the total")
    }

    /// A key: one of few, most often.
    pub(super) fn key(&mut self) -> Vec<u8> {
        match self.below(60) {
            0 => Vec::new(),
            1 => b"\x00\xff binary\r\n".to_vec(),
            2 => vec![b'k'; 200],
            3 => b"missing".to_vec(),
            _ => format!("k{}", self.below(KEYS)).into_bytes(),
        }
    }

    /// Up to `max` keys, at least one.
    pub(super) fn keys(&mut self, max: usize) -> Args {
        (0..=self.below(max)).map(|_| self.key()).collect()
    }

    /// A value.
    pub(super) fn value(&mut self) -> Vec<u8> {
        match self.below(12) {
            0..4 => self.word(&TEXTS),
            4..7 => self.integer(),
            7..9 => self.float(),
            9 => {
                let length = *self.pick(&[1, 19, 20, 21, 43, 44, 45, 64, 100, 1000]);
                vec![b'x'; length]
            }
            10 => {
                let length = self.below(40);
                (0..length).map(|_| self.random.u8(..)).collect()
            }
            _ => self.random.i64(-20_000..20_000).to_string().into_bytes(),
        }
    }

    /// An integer, or something like it.
    pub(super) fn integer(&mut self) -> Vec<u8> {
        if self.chance(1, 3) {
            return self.word(&INTEGERS);
        }
        self.random.i64(-30..30).to_string().into_bytes()
    }

    /// A float, or something like it.
    pub(super) fn float(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => self.word(&FLOATS),
            1 => format!("{}", f64::from(self.random.i32(-4000..4000)) / 16.0).into_bytes(),
            _ => format!("{}.{}", self.random.i32(-99..99), self.below(1000)).into_bytes(),
        }
    }

    /// Something that may not fit where it is put.
    pub(super) fn any_word(&mut self) -> Vec<u8> {
        const WORDS: [&str; 20] = [
            "NX", "XX", "GT", "LT", "GET", "EX", "PX", "KEEPTTL", "PERSIST", "REPLACE", "ABSTTL",
            "LEN", "IDX", "MATCH", "COUNT", "TYPE", "nosuch", "*", "", "x",
        ];
        match self.below(4) {
            0 => self.word(&WORDS),
            1 => self.key(),
            2 => self.integer(),
            _ => self.value(),
        }
    }

    /// Makes some letters small.
    pub(super) fn change_case(&mut self, word: &mut [u8]) {
        for byte in word {
            if self.random.bool() {
                *byte = byte.to_ascii_lowercase();
            }
        }
    }

    /// Appends up to `max` options, each made by one of these.
    pub(super) fn options(&mut self, command: &mut Args, max: usize, from: &[(u32, Make)]) {
        for _ in 0..self.below(max + 1) {
            let (_, make) = *self.weighted(from);
            let mut option = make(self);
            if self.chance(1, 4)
                && let Some(word) = option.first_mut()
            {
                self.change_case(word);
            }
            command.extend(option);
        }
    }
}
