//! Rate limits by the generic cell rate algorithm, for many keys at once.
//!
//! A key costs one word: a fingerprint and its *theoretical arrival time*, the moment at which its budget is whole
//! again (ITU-T I.371, Annex A). All workers change the same words by compare and swap; nothing is locked.
//!
//! **Exact**: no more is admitted than the quota says, however many workers ask for one key at once. The table is
//! cut into buckets of eight words, one cache line each, and a key lives in one bucket. Two workers that bring in the
//! same new key at once may put it into two places of the bucket; each looks again after it wrote, and whoever sees
//! both takes its own back. Everybody looks at the whole line, so nobody is admitted by one place while the other
//! stands.
//!
//! **Bounded**: a new key takes the place that is free for the longest time. Only where all eight places of a bucket
//! are in use is the budget of one forgotten; [`Gcra::forgotten`] counts how often.

use std::sync::atomic::{AtomicU64, Ordering};

use portunus_base::Mono;

mod time;

pub use time::{GcraSpecError, Quota};
use time::{TICKS, Ticks};

/// Budgets of many keys under one quota.
#[derive(Debug)]
pub struct Gcra {
    buckets: Box<[Bucket]>,
    ticks: Ticks,
    forgotten: AtomicU64,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admission {
    /// It may pass.
    pub allowed: bool,
    /// How much may still come at once.
    pub remaining: u32,
    /// Microseconds until as much as was asked for may pass; 0 when it may now.
    pub retry_after_us: u64,
    /// Microseconds until the budget is whole again.
    pub reset_us: u64,
}

/// A cache line of keys.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket([AtomicU64; WAYS]);

/// A place in a bucket, as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    word: u64,
}

/// A look at a whole bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    /// Where the key is.
    own: Option<Place>,
    /// Where it is as well.
    twin: Option<Place>,
    /// The place that a new key takes.
    free: Option<Place>,
}

impl Gcra {
    /// Budgets for about `keys_max` keys in use at once; the memory is [`Gcra::bytes`].
    #[must_use]
    pub fn new(quota: Quota, keys_max: usize, now: Mono) -> Self {
        // With the places half used, buckets that overflow are rare.
        let buckets = (keys_max.max(1) * 2).div_ceil(WAYS).next_power_of_two();
        Self {
            buckets: (0..buckets).map(|_| Bucket::default()).collect(),
            ticks: Ticks::new(quota, now),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Takes `cost` from the budget of a key, if it is there. `key` is a hash that clients cannot choose.
    #[must_use]
    pub fn admit(&self, key: u64, cost: u32, now: Mono) -> Admission {
        let (bucket, mark) = self.place_of(key);
        let now = self.ticks.at(now);
        let cost_ticks = cost.saturating_mul(TICKS);
        loop {
            let look = self.look(bucket, mark, now);
            if let (Some(own), Some(twin)) = (look.own, look.twin) {
                self.unite(bucket, own, twin, now);
                continue;
            }
            let used = look.own.map_or(0, |own| self.ticks.ahead(own.word, now));
            let wanted = used.saturating_add(cost_ticks);
            if wanted > self.ticks.burst() {
                return self.refused(used, wanted);
            }
            let word = pack(mark, now.wrapping_add(wanted));
            let settled = match (look.own, look.free) {
                (Some(own), _) => bucket.swap(own, word),
                (None, Some(free)) => self.settle(bucket, free, word, mark, now),
                (None, None) => unreachable!("a bucket has places"),
            };
            if settled {
                return self.admitted(wanted);
            }
        }
    }

    /// What a request would get, without taking anything.
    #[must_use]
    pub fn peek(&self, key: u64, cost: u32, now: Mono) -> Admission {
        let (bucket, mark) = self.place_of(key);
        let now = self.ticks.at(now);
        let look = self.look(bucket, mark, now);
        let ahead = |place: Place| self.ticks.ahead(place.word, now);
        let used = look.own.map_or(0, ahead).saturating_add(look.twin.map_or(0, ahead));
        let wanted = used.saturating_add(cost.saturating_mul(TICKS));
        if wanted > self.ticks.burst() {
            self.refused(used, wanted)
        } else {
            Admission { allowed: true, ..self.admitted(used) }
        }
    }

    /// Clears what is whole again. To be called at least once in [`Gcra::sweep_every_us`]: times are kept in 32 bits
    /// and come round.
    pub fn sweep(&self, now: Mono) {
        let now = self.ticks.at(now);
        for bucket in &self.buckets {
            for (at, word) in bucket.words().filter(|(_, word)| *word != 0) {
                if self.ticks.ahead(word, now) == 0 {
                    let _ = bucket.swap(Place { at, word }, 0);
                }
            }
        }
    }

    /// The longest time between two sweeps, in microseconds.
    #[must_use]
    pub fn sweep_every_us(&self) -> u64 {
        self.ticks.sweep_every_us()
    }

    /// How many budgets in use were forgotten for want of room.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// Keys whose budget is not whole.
    #[must_use]
    pub fn keys(&self, now: Mono) -> usize {
        let now = self.ticks.at(now);
        let words = self.buckets.iter().flat_map(Bucket::words);
        words.filter(|(_, word)| *word != 0 && self.ticks.ahead(*word, now) > 0).count()
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The bucket of a key, and what marks the key in it.
    fn place_of(&self, key: u64) -> (&Bucket, u32) {
        let index = key as usize & (self.buckets.len() - 1);
        let bucket = self.buckets.get(index);
        // 0 is no mark: an empty place is all zeros.
        (bucket.unwrap_or_else(|| unreachable!("masked")), (key >> 32) as u32 | 1)
    }

    fn look(&self, bucket: &Bucket, mark: u32, now: u32) -> Look {
        let mut look = Look::default();
        let mut least = u32::MAX;
        for (at, word) in bucket.words() {
            let place = Place { at, word };
            if mark_of(word) == mark {
                match look.own {
                    None => look.own = Some(place),
                    Some(_) => look.twin = Some(place),
                }
            }
            let ahead = if word == 0 { 0 } else { self.ticks.ahead(word, now) };
            if look.free.is_none() || ahead < least {
                (look.free, least) = (Some(place), ahead);
            }
        }
        look
    }

    /// Puts a new key into a free place, and takes it back where somebody else brought it in too.
    fn settle(&self, bucket: &Bucket, free: Place, word: u64, mark: u32, now: u32) -> bool {
        if !bucket.swap(free, word) {
            return false;
        }
        let here = Place { at: free.at, word };
        let alone = bucket.words().all(|(at, other)| at == free.at || mark_of(other) != mark);
        // Where it cannot be taken back, others have counted on it: then both are united by the next look.
        if !alone && bucket.swap(here, 0) {
            return false;
        }
        if free.word != 0 && self.ticks.ahead(free.word, now) > 0 {
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Moves what was taken in the second place to the first. It counts there before it is gone here, so that nobody
    /// gets it meanwhile; two that do this at once count it twice, which time heals.
    fn unite(&self, bucket: &Bucket, own: Place, twin: Place, now: u32) {
        let sum = self.ticks.ahead(own.word, now).saturating_add(self.ticks.ahead(twin.word, now));
        if bucket.swap(own, pack(mark_of(own.word), now.wrapping_add(sum))) {
            // Where it has changed, the next look sees both again.
            let _ = bucket.swap(twin, 0);
        }
    }

    fn admitted(&self, used: u32) -> Admission {
        Admission {
            allowed: true,
            remaining: (self.ticks.burst() - used.min(self.ticks.burst())) / TICKS,
            retry_after_us: 0,
            reset_us: self.ticks.micros(used),
        }
    }

    fn refused(&self, used: u32, wanted: u32) -> Admission {
        Admission {
            allowed: false,
            retry_after_us: self.ticks.micros(wanted - self.ticks.burst()),
            ..self.admitted(used)
        }
    }
}

impl Bucket {
    fn words(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().map(|word| word.load(Ordering::SeqCst)).enumerate()
    }

    /// Writes to a place that is still as it was.
    fn swap(&self, place: Place, word: u64) -> bool {
        self.0.get(place.at).is_some_and(|own| {
            own.compare_exchange(place.word, word, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        })
    }
}

fn pack(mark: u32, time: u32) -> u64 {
    u64::from(mark) << 32 | u64::from(time)
}

fn mark_of(word: u64) -> u32 {
    (word >> 32) as u32
}

/// Keys of a bucket: as many as fit into a cache line.
const WAYS: usize = 8;

#[cfg(test)]
mod tests;
