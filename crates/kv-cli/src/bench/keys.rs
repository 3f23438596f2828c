//! The keys of a benchmark: their names, and which of them is popular.

use std::fmt;
use std::str::FromStr;

use super::zipf::Zipf;
use crate::limits::BENCH_KEYS_MAX;

/// What every key begins with.
const PREFIX: &[u8; 6] = b"bench:";

/// Digits after it.
const DIGITS: u8 = 12;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = PREFIX.len() + DIGITS as usize;

const _: () = assert!(BENCH_KEYS_MAX.ilog10() < DIGITS as u32);

/// The name of a key: `bench:` and its number with leading zeros.
pub(super) fn name(number: u32) -> [u8; KEY_BYTES] {
    let mut name = [b'0'; KEY_BYTES];
    let (prefix, digits) = name.split_at_mut(PREFIX.len());
    prefix.copy_from_slice(PREFIX);
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    name
}

/// How the requests are spread over the keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Popularity {
    /// Each key is as likely as any other.
    Uniform,
    /// Key number `k`, counted from 1, is likely in proportion to `1 / k^exponent`.
    Zipf {
        /// 0.01 to 10.
        exponent: f64,
    },
}

/// What `zipf` without an exponent means: the one that YCSB made usual.
const EXPONENT_DEFAULT: f64 = 0.99;

impl FromStr for Popularity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "zipf" => Ok(Self::Zipf { exponent: EXPONENT_DEFAULT }),
            Some(("zipf", exponent)) => match exponent.parse() {
                Ok(exponent) if (0.01..=10.0).contains(&exponent) => Ok(Self::Zipf { exponent }),
                _ => Err("the exponent of zipf must be 0.01 to 10, as in zipf:1.1".to_owned()),
            },
            _ => Err("uniform, zipf and zipf:EXPONENT are allowed".to_owned()),
        }
    }
}

impl fmt::Display for Popularity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => formatter.write_str("uniform"),
            Self::Zipf { exponent } => write!(formatter, "zipf:{exponent}"),
        }
    }
}

/// Chooses keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chooser {
    Uniform(u32),
    Zipf(Zipf),
}

impl Chooser {
    /// Among so many keys.
    pub(super) fn new(keys: u32, popularity: Popularity) -> Self {
        match popularity {
            Popularity::Uniform => Self::Uniform(keys.max(1)),
            Popularity::Zipf { exponent } => Self::Zipf(Zipf::new(keys, exponent)),
        }
    }

    /// The number of a key, from 0.
    pub(super) fn choose(&self, random: &mut fastrand::Rng) -> u32 {
        match self {
            Self::Uniform(keys) => random.u32(..keys),
            Self::Zipf(zipf) => zipf.draw(random) - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_one_length_and_in_order() {
        assert_eq!(&name(0), b"bench:000000000000");
        assert_eq!(&name(1_234_567), b"bench:000001234567");
        assert_eq!(&name(u32::MAX), b"bench:004294967295");
    }

    #[test]
    fn a_popularity_is_read_as_it_is_shown() {
        for text in ["uniform", "zipf:0.99", "zipf:1", "zipf:10", "zipf:0.01"] {
            assert_eq!(text.parse::<Popularity>().unwrap().to_string(), text);
        }
        assert_eq!("zipf".parse(), Ok(Popularity::Zipf { exponent: 0.99 }));
        for text in ["", "Zipf", "zipf:", "zipf:0", "zipf:10.1", "zipf:NaN", "uniform:1", "zipf:-1"]
        {
            let error = text.parse::<Popularity>().unwrap_err();
            assert!(error.contains("allowed") || error.contains("0.01 to 10"), "{text}: {error}");
        }
    }

    #[test]
    fn uniform_choices_reach_every_key_equally() {
        let (chooser, mut random) =
            (Chooser::new(10, Popularity::Uniform), fastrand::Rng::with_seed(3));
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[usize::try_from(chooser.choose(&mut random)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (9500..10_500).contains(count)), "{counts:?}");
    }
}
