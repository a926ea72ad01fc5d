//! The world's own randomness: small, seeded and saved with the world, so that one seed is one run on
//! every machine. Not for secrets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero when `bound` is zero.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        match self.next().checked_rem(bound) {
            Some(rest) => rest,
            None => 0,
        }
    }

    /// True in `per_mille` of a thousand calls.
    pub(super) const fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1000) < per_mille as u64
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(from.len() as u64)).ok()?;
        from.get(index)
    }

    /// A span from `least` to `most`, both included, in whole milliseconds.
    pub(super) fn span(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let width = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX - 1);
        least + Duration::from_millis(self.below(width + 1))
    }

    /// `count` letters of `alphabet`.
    pub(super) fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).filter_map(|_| self.pick(alphabet).copied().map(char::from)).collect()
    }
}
