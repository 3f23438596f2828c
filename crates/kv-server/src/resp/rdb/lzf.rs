//! LZF, the compression of Redis's snapshots.
//!
//! ```text
//! literal run    000lllll                   then l + 1 bytes
//! short copy     LLLooooo oooooooo          L + 2 bytes from o + 1 back, L from 1 to 6
//! long copy      111ooooo LLLLLLLL oooooooo L + 9 bytes from o + 1 back
//! ```

/// The longest run of literals.
const LITERALS_MAX: usize = 1 << 5;

/// The farthest that a copy reaches back.
const DISTANCE_MAX: usize = 1 << 13;

/// The longest copy.
const COPY_MAX: usize = (1 << 8) + (1 << 3);

/// The shortest copy: what is looked up.
const COPY_MIN: usize = 3;

/// Bits of a place in the table of what came before.
const HASH_BITS: u32 = 16;

/// The compressed bytes are not what a compressor writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Decompresses to exactly `len` bytes. Takes memory only for what is really there.
pub(super) fn decompress(mut input: &[u8], len: usize) -> Result<Vec<u8>, Malformed> {
    // Three bytes make `COPY_MAX` at most.
    let most = input.len().div_ceil(COPY_MIN).saturating_mul(COPY_MAX);
    if len > most {
        return Err(Malformed);
    }
    let mut output = Vec::with_capacity(len);
    while let Some((&control, rest)) = input.split_first() {
        input = rest;
        let control = usize::from(control);
        if control < LITERALS_MAX {
            let (literals, rest) = input.split_at_checked(control + 1).ok_or(Malformed)?;
            input = rest;
            output.extend_from_slice(literals);
        } else {
            let mut copy = control >> 5;
            if copy == 7 {
                copy += usize::from(*input.split_off_first().ok_or(Malformed)?);
            }
            let low = usize::from(*input.split_off_first().ok_or(Malformed)?);
            let distance = ((control & 0x1f) << 8 | low) + 1;
            repeat(&mut output, distance, copy + 2)?;
        }
        if output.len() > len {
            return Err(Malformed);
        }
    }
    if output.len() == len { Ok(output) } else { Err(Malformed) }
}

/// Appends `len` bytes from `distance` back. What is copied may itself be copied from.
fn repeat(output: &mut Vec<u8>, distance: usize, len: usize) -> Result<(), Malformed> {
    let start = output.len().checked_sub(distance).ok_or(Malformed)?;
    let mut left = len;
    while left > 0 {
        let part = left.min(output.len() - start);
        output.extend_from_within(start..start + part);
        left -= part;
    }
    Ok(())
}

/// Compresses, to the very bytes that Redis writes; `None` when that would take more than `output_max`.
pub(super) fn compress(input: &[u8], output_max: usize) -> Option<Vec<u8>> {
    let mut seen = Seen::new();
    let mut output = Output::new(output_max);
    let mut at = 0;
    while let Some(next) = triple(input, at) {
        let before = seen.replace(next, at);
        let Some(distance) = before.and_then(|before| distance(input, before, at)) else {
            output.literal(input, at)?;
            at += 1;
            continue;
        };
        let len = common(input, at, distance);
        output.copy(distance, len)?;
        at += len;
        if triple(input, at).is_some() {
            // Of what is copied only the last two places are remembered: that is fast, and enough.
            for place in [at - 2, at - 1] {
                triple(input, place).map(|next| seen.replace(next, place));
            }
        }
    }
    output.rest(input, at)
}

/// The three bytes at a place.
fn triple(input: &[u8], at: usize) -> Option<u32> {
    let [first, second, third] = *input.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes([0, first, second, third]))
}

/// How far back `before` is, if what is there can be copied to `at`. The first byte of all never is.
fn distance(input: &[u8], before: usize, at: usize) -> Option<usize> {
    let distance = at - before;
    let is_near = distance <= DISTANCE_MAX && before > 0;
    (is_near && triple(input, before) == triple(input, at)).then_some(distance)
}

/// How many bytes from `at` on are the same as so far before: three are known to be. Near the end of the input
/// a copy is a little shorter than it could be, as in the original.
fn common(input: &[u8], at: usize, distance: usize) -> usize {
    let most = (input.len() - at - 2).min(COPY_MAX);
    let most = if most > 16 { most.max(19) } else { most.max(COPY_MIN) };
    let (here, before) = (input.get(at..).unwrap_or_default(), input.get(at - distance..));
    let pairs = here.iter().zip(before.unwrap_or_default()).take(most);
    pairs.take_while(|(here, before)| here == before).count()
}

/// Where three bytes were seen last. Others with the same hash take their place.
struct Seen {
    /// Places, counted from 1.
    places: Vec<u32>,
}

impl Seen {
    fn new() -> Self {
        Self { places: vec![0; 1 << HASH_BITS] }
    }

    /// Remembers the place, and tells the one before.
    fn replace(&mut self, triple: u32, at: usize) -> Option<usize> {
        let hash = (triple >> (24 - HASH_BITS)).wrapping_sub(triple.wrapping_mul(5));
        let slot = self.places.get_mut((hash & ((1 << HASH_BITS) - 1)) as usize)?;
        let before = std::mem::replace(slot, u32::try_from(at + 1).unwrap_or(0));
        (before > 0).then(|| before as usize - 1)
    }
}

/// What is written: each run of literals behind a byte with its length, which is written when the run ends.
struct Output {
    bytes: Vec<u8>,
    /// Where the length of the open run goes.
    run: usize,
    max: usize,
}

impl Output {
    fn new(max: usize) -> Self {
        let mut output = Self { bytes: Vec::new(), run: 0, max };
        output.begin_run();
        output
    }

    fn begin_run(&mut self) {
        self.run = self.bytes.len();
        self.bytes.push(0);
    }

    fn end_run(&mut self) {
        let literals = self.bytes.len() - self.run - 1;
        match (u8::try_from(literals), self.bytes.get_mut(self.run)) {
            (Ok(literals @ 1..), Some(length)) => *length = literals - 1,
            _ => self.bytes.truncate(self.run),
        }
    }

    fn push(&mut self, literal: u8) {
        self.bytes.push(literal);
        if self.bytes.len() - self.run > LITERALS_MAX {
            self.end_run();
            self.begin_run();
        }
    }

    fn literal(&mut self, input: &[u8], at: usize) -> Option<()> {
        if self.bytes.len() >= self.max {
            return None;
        }
        self.push(*input.get(at)?);
        Some(())
    }

    fn copy(&mut self, distance: usize, len: usize) -> Option<()> {
        self.end_run();
        if self.bytes.len() + 4 >= self.max {
            return None;
        }
        let [low, high, ..] = (distance - 1).to_le_bytes();
        match len - 2 {
            short @ ..7 => self.bytes.push(u8::try_from(short).ok()? << 5 | high),
            long => self.bytes.extend([7 << 5 | high, u8::try_from(long - 7).ok()?]),
        }
        self.bytes.push(low);
        self.begin_run();
        Some(())
    }

    /// Ends with the bytes that are too few to be looked up.
    fn rest(mut self, input: &[u8], at: usize) -> Option<Vec<u8>> {
        if self.bytes.len() + 3 > self.max {
            return None;
        }
        for &literal in input.get(at..)? {
            self.push(literal);
        }
        self.end_run();
        Some(self.bytes)
    }
}
