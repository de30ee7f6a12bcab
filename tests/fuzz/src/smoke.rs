//! A short walk around a corpus without coverage: seeded, so that a failure repeats itself.

use std::time::{Duration, Instant};

/// A source of numbers that are chance enough (xorshift64*).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap_or(0) % count.max(1)
    }
}

/// Runs mutations of a corpus until the time is over; gives how many.
pub fn walk(corpus: &[Vec<u8>], words: &[&[u8]], time: Duration, mut run: impl FnMut(&[u8])) -> usize {
    let mut dice = Dice::new(0x5eed);
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < time {
        run(&mutated(corpus, words, &mut dice));
        count += 1;
    }
    count
}

/// One input of the corpus, changed in one to four places.
pub fn mutated(corpus: &[Vec<u8>], words: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut input = corpus.get(dice.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        match dice.below(7) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 if at < input.len() => input[at] = dice.below(256) as u8,
            2 => input.insert(at, dice.below(256) as u8),
            3 => drop(input.drain(at..(at + dice.below(8)).min(input.len()))),
            4 => {
                let end = (at + dice.below(32)).min(input.len());
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            5 => {
                let word = words.get(dice.below(words.len())).copied().unwrap_or_default();
                input.splice(at..at, word.iter().copied());
            }
            _ => {
                let other = corpus.get(dice.below(corpus.len())).cloned().unwrap_or_default();
                let from = dice.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
    input
}
