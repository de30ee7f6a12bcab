//! What the tests of this package share.

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Others for each history.
    pub fn of(seed: u64, history: u64) -> Self {
        let mut dice = Self(seed);
        Self(dice.roll() ^ history.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `most`, which is not 0.
    pub fn below(&mut self, most: u64) -> u64 {
        self.roll() % most
    }

    /// Others, for another thread.
    pub fn fork(&mut self) -> Self {
        Self(self.roll())
    }
}
