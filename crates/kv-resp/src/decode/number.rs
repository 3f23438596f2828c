//! Lines with a number, `*3\r\n` and `$16\r\n`: how Redis frames a request.

/// One line that begins with a type byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The line is whole.
    Whole {
        /// What follows the type byte; none when that is no number.
        number: Option<i64>,
        /// Where the next line starts.
        next: usize,
    },
    /// There is no line end yet, and none before this place.
    Partial {
        /// Where to search on.
        searched: usize,
    },
    /// There is no line end within the limit.
    TooLong,
}

/// More digits than the fast path takes: fewer than overflow.
const FAST_DIGITS_MAX: usize = 18;

/// Reads the line that begins at `start`, which was searched for its end up to `searched` before.
///
/// As in Redis the line ends with `\r` and any one byte after it.
#[inline]
pub(super) fn line(bytes: &[u8], start: usize, searched: usize, length_max: usize) -> Line {
    let text = bytes.get(start..).unwrap_or_default();
    let mut number = 0;
    for (index, &byte) in text.iter().enumerate().skip(1).take(FAST_DIGITS_MAX) {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'\r' if index > 1 && text.len() > index + 1 && length_max > FAST_DIGITS_MAX => {
                let is_plain = index == 2 || text.get(1) != Some(&b'0');
                return Line::Whole { number: is_plain.then_some(number), next: start + index + 2 };
            }
            _ => break,
        }
    }
    any_line(bytes, start, searched, length_max)
}

/// Any line, however long it is and whatever it holds.
#[cold]
fn any_line(bytes: &[u8], start: usize, searched: usize, length_max: usize) -> Line {
    let from = searched.max(start);
    let unsearched = bytes.get(from..).unwrap_or_default();
    let end = unsearched.iter().position(|&byte| byte == b'\r').map(|index| from + index);
    let known = end.unwrap_or(bytes.len());
    if known.saturating_sub(start) > length_max {
        return Line::TooLong;
    }
    match end {
        Some(end) if end + 1 < bytes.len() => {
            let text = bytes.get(start + 1..end).unwrap_or_default();
            Line::Whole { number: integer(text), next: end + 2 }
        }
        _ => Line::Partial { searched: known },
    }
}

/// A decimal number of 64 bits exactly as Redis reads and writes one: no `+`, no leading zeros, no spaces.
pub fn integer(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if let [b'0', ..] = digits {
        return (text == b"0").then_some(0);
    }
    if digits.is_empty() {
        return None;
    }
    // Towards the negative end, which reaches one further.
    let mut negated = 0_i64;
    for &byte in digits {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        negated = negated.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if is_negative { Some(negated) } else { negated.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_redis_writes_them() {
        for number in [0, 1, -1, 9, 10, 42, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(integer(number.to_string().as_bytes()), Some(number));
        }
        for text in ["", "-", "+1", "01", "-0", "-01", "00", " 1", "1 ", "1x", "x", "--1", "0x1"] {
            assert_eq!(integer(text.as_bytes()), None, "{text:?}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
            assert_eq!(integer(text.as_bytes()), None, "{text:?}");
        }
    }

    fn whole(number: Option<i64>, next: usize) -> Line {
        Line::Whole { number, next }
    }

    #[test]
    fn a_line_reads_the_same_on_both_paths() {
        let texts = [
            "*1\r\n",
            "*16\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*01\r\n",
            "*\r\n",
            "*1x\r\n",
            "\r\n\r\n",
            "*123456789012345678\r\n",
            "*1234567890123456789\r\n",
            "*9223372036854775808\r\n",
            "*1\rX",
        ];
        for text in texts {
            let slow = any_line(text.as_bytes(), 0, 0, 64);
            assert_eq!(line(text.as_bytes(), 0, 0, 64), slow, "{text:?}");
            for split in 0..text.len() {
                let part = &text.as_bytes()[..split];
                let Line::Partial { searched } = line(part, 0, 0, 64) else {
                    assert!(text.starts_with("\r\n"), "{text:?} at {split}");
                    continue;
                };
                assert_eq!(line(text.as_bytes(), 0, searched, 64), slow, "{text:?} at {split}");
            }
        }
        assert_eq!(line(b"*16\r\nrest", 0, 0, 64), whole(Some(16), 5));
        assert_eq!(line(b"....*7\r\n", 4, 0, 64), whole(Some(7), 8));
        assert_eq!(line(b"*1\rX", 0, 0, 64), whole(Some(1), 4));
    }

    #[test]
    fn a_line_is_too_long_by_one_byte() {
        let mut text = vec![b'1'; 64];
        text[0] = b'*';
        assert_eq!(line(&text, 0, 0, 64), Line::Partial { searched: 64 });
        text.push(b'\r');
        assert_eq!(line(&text, 0, 64, 64), Line::Partial { searched: 64 });
        text.push(b'\n');
        assert_eq!(line(&text, 0, 64, 64), whole(None, 66));
        text.insert(1, b'1');
        assert_eq!(line(&text, 0, 64, 64), Line::TooLong);
        assert_eq!(line(&text[..65], 0, 0, 64), Line::TooLong);
    }

    #[test]
    fn the_limit_holds_for_short_lines_too() {
        assert_eq!(line(b"*12\r\n", 0, 0, 3), whole(Some(12), 5));
        assert_eq!(line(b"*12\r\n", 0, 0, 2), Line::TooLong);
    }
}
