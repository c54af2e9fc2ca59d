//! A secret that keys are hashed with, so that nobody can choose keys that meet.

use std::fmt;

/// The secret of SipHash-1-3 (Aumasson and Bernstein).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Seed(pub u64, pub u64);

impl Seed {
    /// The hash of some bytes. The same for the same secret, on every machine.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut lanes = Lanes::new(*self);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            lanes.take(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        lanes.take(u64::from_le_bytes(last) | (bytes.len() as u64) << 56);
        lanes.finish()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

struct Lanes([u64; 4]);

impl Lanes {
    fn new(Seed(k0, k1): Seed) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        (0..3).for_each(|_| self.round());
        self.0.iter().fold(0, |sum, lane| sum ^ lane)
    }

    fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.0 = [v0, v1, v2, v3];
    }
}

#[cfg(test)]
mod tests;
