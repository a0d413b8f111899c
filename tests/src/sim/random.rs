//! Numbers that look random and follow from a seed alone, on every machine.

use rust_decimal::Decimal;

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A sequence of its own for one purpose, so that drawing more for one thing does not change another.
    #[must_use]
    pub fn branch(&self, purpose: &str) -> Self {
        let mixed = purpose
            .bytes()
            .fold(self.0, |seed, byte| Self(seed ^ u64::from(byte)).bits());
        Self(mixed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.bits() % span).unwrap_or(0)
    }

    /// A position in something of this length, which must not be empty.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.bits() % len as u64).unwrap_or(0)
    }

    /// Yes, so many times in a thousand.
    pub fn per_mille(&mut self, chance: u64) -> bool {
        self.bits() % 1000 < chance
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A decimal between two bounds given in units of its last digit.
    pub fn decimal(&mut self, low: i64, high: i64, scale: u32) -> Decimal {
        Decimal::new(self.between(low, high), scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_branches_differ() {
        let draw = |mut random: Random| (0..4).map(|_| random.between(-5, 5)).collect::<Vec<_>>();
        assert_eq!(draw(Random::new(7)), draw(Random::new(7)));
        assert_ne!(
            draw(Random::new(7).branch("a")),
            draw(Random::new(7).branch("b"))
        );
        assert!((0..1000).all(|seed| (-5..=5).contains(&Random::new(seed).between(-5, 5))));
    }
}
