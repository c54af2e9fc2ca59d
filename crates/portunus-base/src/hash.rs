//! A stable hash for balancing keys: the same on each node, in each version.

const K0: u64 = 0xa076_1d64_78bd_642f;
const K1: u64 = 0xe703_7ed1_a0b4_28db;

fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide >> 64) as u64 ^ wide as u64
}

/// Hashes bytes. Stable over nodes and restarts; not safe against chosen keys.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut seed = mix(bytes.len() as u64 ^ K0, K1);
    for chunk in bytes.chunks(8) {
        let mut word = [0u8; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        seed = mix(u64::from_le_bytes(word) ^ K1, seed ^ K0);
    }
    mix(seed, K0)
}

/// Hashes two numbers into one.
#[must_use]
pub fn hash_pair(a: u64, b: u64) -> u64 {
    mix(mix(a ^ K0, b ^ K1) ^ K0, K1)
}
