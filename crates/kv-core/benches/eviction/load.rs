//! Loads that are made: requests drawn from a seed.

/// Seeds every load.
pub(crate) const SEED: u64 = 1;

/// Keys of a Zipf distribution.
const KEYS: u32 = 10_000;

/// Draws ranks with probability proportional to 1 / rank to the power of `exponent`.
struct Zipf {
    cumulative: Vec<f64>,
    random: fastrand::Rng,
}

impl Zipf {
    fn new(keys: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let add = |rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        };
        let cumulative = (1..=keys).map(add).collect();
        Self { cumulative, random: fastrand::Rng::with_seed(SEED) }
    }

    fn draw(&mut self) -> u32 {
        let point = self.random.f64() * self.cumulative.last().copied().unwrap_or_default();
        u32::try_from(self.cumulative.partition_point(|sum| *sum < point)).unwrap_or(u32::MAX)
    }
}

/// Keys whose popularity never changes.
pub(crate) fn zipf(keys: u32, exponent: f64, requests: u32) -> Vec<u32> {
    let mut zipf = Zipf::new(keys, exponent);
    (0..requests).map(|_| zipf.draw()).collect()
}

/// A Zipf load, and now and then a scan of keys that come once.
pub(crate) fn scans(requests: u32) -> Vec<u32> {
    const PERIOD: u32 = 23_000;
    const SCAN: u32 = 3000;
    let mut zipf = Zipf::new(KEYS, 1.0);
    let request = |at| match at % PERIOD {
        0..SCAN => KEYS + at,
        _ => zipf.draw(),
    };
    (0..requests).map(request).collect()
}

/// The same keys again and again, in the same order.
pub(crate) fn loops(keys: u32, requests: u32) -> Vec<u32> {
    (0..requests).map(|at| at % keys).collect()
}

/// A Zipf load whose popular keys are others every `period` requests.
pub(crate) fn shifts(period: u32, requests: u32) -> Vec<u32> {
    let mut zipf = Zipf::new(KEYS, 1.0);
    (0..requests).map(|at| (zipf.draw() + at / period * 3000) % (10 * KEYS)).collect()
}

/// New keys all the time, used again within some hundred new ones and never after.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an age in keys")]
pub(crate) fn recent(requests: u32) -> Vec<u32> {
    const NEW: f64 = 0.3;
    const AGE_MEAN: f64 = 400.0;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut newest = 0_u32;
    let request = |_| {
        if random.f64() < NEW {
            newest += 1;
            return newest;
        }
        let age = -(1.0 - random.f64()).ln() * AGE_MEAN;
        newest.saturating_sub(age as u32)
    };
    (0..requests).map(request).collect()
}
