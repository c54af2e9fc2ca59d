//! Nonces that were seen: a table of fixed size, shared by all workers, without a lock.
//!
//! A nonce is kept until its request is too old to be taken anyway. When there is no room for one more the answer is
//! [`Seen::Full`]: forgetting one that still counts would let its request in twice.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;

/// Nonces that were seen.
///
/// A nonce is a keyed hash: some of its bits choose a bucket, the others stand in one of the bucket's slots together
/// with the end of the nonce's life. Two different nonces are taken for one with a chance of 2^-36 a bucket.
pub(crate) struct Nonces {
    key: hmac::Key,
    slots: Box<[AtomicU64]>,
    mask: u64,
}

/// Whether a nonce was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    /// Never before; from now on it was.
    New,
    /// Before.
    Before,
    /// Nobody knows: there is no room to keep it.
    Full,
}

impl Nonces {
    /// A table with room for about `count` nonces at once, keyed by `key`.
    pub(crate) fn new(count: usize, key: &[u8; 32]) -> Self {
        // Nonces fall into buckets by chance: with four times the room, one in a million finds its bucket full.
        let buckets = (count.clamp(1, COUNT_MAX) * 4).div_ceil(SLOTS).next_power_of_two();
        let slots = (0..buckets * SLOTS).map(|_| AtomicU64::new(FREE)).collect();
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), slots, mask: buckets as u64 - 1 }
    }

    /// Looks for the nonce of a key, and keeps it until `end_s` if it is new. Both times are in seconds since the Unix
    /// epoch, not more than 97 days apart.
    pub(crate) fn see(&self, key_id: &str, nonce: &str, now_s: u64, end_s: u64) -> Seen {
        let (place, print) = self.place(key_id, nonce);
        let bucket = self.bucket(place);
        let wanted = print << LIFE_BITS | (end_s & LIFE_MASK);
        // Each round that is lost was won by somebody else, who took one of the slots.
        for _ in 0..=SLOTS {
            if let Some(seen) = self.try_see(bucket, wanted, now_s) {
                return seen;
            }
        }
        Seen::Full
    }

    /// None when somebody else took the slot first.
    fn try_see(&self, bucket: &[AtomicU64], wanted: u64, now_s: u64) -> Option<Seen> {
        let held = |slot: &AtomicU64| is_held(slot.load(Ordering::SeqCst), wanted, now_s);
        if bucket.iter().any(held) {
            return Some(Seen::Before);
        }
        let free = bucket.iter().enumerate().find_map(|(at, slot)| {
            let old = slot.load(Ordering::SeqCst);
            (!is_alive(old, now_s)).then_some((at, slot, old))
        });
        let Some((at, slot, old)) = free else { return Some(Seen::Full) };
        // Sequentially consistent, so that of two who take different slots for the same nonce at least one sees the
        // other in the second look; who does takes it for seen.
        slot.compare_exchange(old, wanted, Ordering::SeqCst, Ordering::SeqCst).ok()?;
        let others = bucket.iter().enumerate().filter(|(other, _)| *other != at);
        let twice = others.map(|(_, slot)| slot).any(held);
        Some(if twice { Seen::Before } else { Seen::New })
    }

    fn place(&self, key_id: &str, nonce: &str) -> (u64, u64) {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(key_id.len() as u64).to_le_bytes());
        context.update(key_id.as_bytes());
        context.update(nonce.as_bytes());
        let tag = context.sign();
        let mut words = tag
            .as_ref()
            .chunks_exact(8)
            .map(|chunk| chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte)));
        let (place, print) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
        // Never 0, so that no nonce looks like a free slot.
        (place, (print >> LIFE_BITS) | 1)
    }

    fn bucket(&self, place: u64) -> &[AtomicU64] {
        let start = (place & self.mask) as usize * SLOTS;
        self.slots.get(start..start + SLOTS).unwrap_or(&[])
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nonces({} slots)", self.slots.len())
    }
}

fn is_held(slot: u64, wanted: u64, now_s: u64) -> bool {
    slot >> LIFE_BITS == wanted >> LIFE_BITS && is_alive(slot, now_s)
}

/// Ends are kept in 24 bits, so they are compared as on the face of a clock.
fn is_alive(slot: u64, now_s: u64) -> bool {
    let left = (slot & LIFE_MASK).wrapping_sub(now_s) & LIFE_MASK;
    slot != FREE && left < LIFE_MASK / 2
}

const FREE: u64 = 0;
const LIFE_BITS: u32 = 24;
const LIFE_MASK: u64 = (1 << LIFE_BITS) - 1;
/// Slots of one bucket.
const SLOTS: usize = 16;
/// Nonces of the largest table: 128 MiB.
const COUNT_MAX: usize = 1 << 22;

#[cfg(test)]
mod tests;
