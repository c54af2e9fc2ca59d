//! One word for each of many keys, changed by all workers without a lock, in memory that never grows.
//!
//! **Exact**: a key has at most one word at a time, however many workers bring it in at once. A place is *claimed* for
//! a key first. The claim turns into the key's name only when the claimant, after it had written the claim, found the
//! key nowhere else, and had struck out the other claims for it that it found. Of two claimants, one sees the other,
//! so not both get a name; and nobody counts on a place that has none.
//!
//! **Bounded**: a key may live in one of two buckets of eight places. A new key goes into the bucket with more room;
//! where both are full, the word whose loss matters least is forgotten, and [`Table::forgotten`] counts it. With half
//! of the places in use that practically does not happen.
//!
//! A word is closed before its place is given away, so that nobody changes it for the key that was there. The orders
//! are all `SeqCst`: the argument above needs one order of all claims and looks.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::sync::AtomicU64;

/// Words by key. A word that was never written is 0.
#[derive(Debug)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    claims: AtomicU64,
    forgotten: AtomicU64,
}

/// Two cache lines: the names of the keys, and their words.
type Bucket = [AtomicU64; 2 * WAYS];

/// A place, as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    place: Place<'a>,
    name: u64,
    word: u64,
}

/// A place in a bucket. `order` is the same for all who look for one key.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    name: &'a AtomicU64,
    word: &'a AtomicU64,
    order: usize,
}

/// Where a key is.
enum Found<'a> {
    Own(Seen<'a>),
    /// Somebody brings it in, or takes it out.
    Underway(Seen<'a>),
    Nowhere,
}

impl Table {
    /// Room for about `keys_max` keys in use at once; 32 bytes for each.
    pub(crate) fn new(keys_max: usize) -> Self {
        let buckets = keys_max.max(1).saturating_mul(2).div_ceil(WAYS).min(BUCKETS_MAX);
        Self { buckets: empty(buckets), claims: AtomicU64::new(0), forgotten: AtomicU64::new(0) }
    }

    /// Changes the word of a key in one step, and answers what the step said.
    ///
    /// `step` gets the word (0 for a new key) and gives the new one, below [`CLOSED`]; the same word changes nothing.
    /// It may run several times. `loss` tells how bad it would be to forget a word: 0 is not at all, [`KEEP`] is never.
    /// `None` when all places that the key may have must be kept.
    pub(crate) fn update<T>(
        &self,
        key: u64,
        loss: impl Fn(u64) -> u64,
        step: impl Fn(u64) -> (u64, T),
    ) -> Option<T> {
        let mark = mark_of(key);
        loop {
            match self.find(mark) {
                Found::Own(own) => {
                    let (word, answer) = step(own.word);
                    if word == own.word || swap(own.place.word, own.word, word) {
                        return Some(answer);
                    }
                }
                Found::Underway(seen) => seen.clear_away(),
                Found::Nowhere => {
                    let (word, answer) = step(0);
                    if word == 0 || self.bring_in(mark, word, &loss)? {
                        return Some(answer);
                    }
                }
            }
        }
    }

    /// The word of a key; 0 when it has none.
    pub(crate) fn word(&self, key: u64) -> u64 {
        match self.find(mark_of(key)) {
            Found::Own(own) => own.word,
            Found::Underway(_) | Found::Nowhere => 0,
        }
    }

    /// All keys and their words. A key that is read here may be given to the other methods.
    pub(crate) fn words(&self) -> impl Iterator<Item = (u64, u64)> {
        let homes = self.buckets.iter().enumerate().map(|(at, bucket)| Home { bucket, at });
        homes
            .flat_map(Home::places)
            .filter_map(Place::look)
            .filter(|seen| is_name(seen.name) && seen.word != CLOSED)
            .map(|seen| (mark_of(seen.name), seen.word))
    }

    /// How many words that mattered were forgotten for want of room.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Relaxed)
    }

    /// The memory of the table, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    fn find(&self, mark: u64) -> Found<'_> {
        let mut underway = None;
        for place in self.places(mark).filter(|place| is_of(place.name.load(SeqCst), mark)) {
            match place.look() {
                Some(seen) if !is_of(seen.name, mark) => {}
                Some(seen) if is_name(seen.name) && seen.word != CLOSED => return Found::Own(seen),
                Some(seen) => underway = Some(seen),
                None => {}
            }
        }
        underway.map_or(Found::Nowhere, Found::Underway)
    }

    /// Gives a new key a place. `false`: somebody was quicker, look again.
    fn bring_in(&self, mark: u64, word: u64, loss: &impl Fn(u64) -> u64) -> Option<bool> {
        let victim = self.victim(mark, loss)?;
        let lost = is_name(victim.name) && victim.word != CLOSED && loss(victim.word) > 0;
        let claim = mark | (self.claims.fetch_add(1, Relaxed) % NONCES + 1);
        if !victim.take_over(claim) {
            return Some(false);
        }
        if lost {
            self.forgotten.fetch_add(1, Relaxed);
        }
        let place = victim.place;
        let named = place.fill(claim, word)
            && self.is_alone(mark, place)
            && swap(place.name, claim, claim | NAMED);
        if !named {
            swap(place.name, claim, 0);
        }
        Some(named)
    }

    /// The place that a new key takes.
    fn victim(&self, mark: u64, loss: &impl Fn(u64) -> u64) -> Option<Seen<'_>> {
        let mut best: Option<Room<'_>> = None;
        for home in self.homes(mark).into_iter().flatten() {
            let room = Room::of(home, loss);
            if best.as_ref().is_none_or(|best| room.is_better_than(best)) {
                best = Some(room);
            }
        }
        best.and_then(|room| room.place)
    }

    /// Nobody else has a place for the key. Strikes out the claims of those who stand behind; gives way to others.
    fn is_alone(&self, mark: u64, own: Place<'_>) -> bool {
        self.places(mark).all(|place| {
            let name = place.name.load(SeqCst);
            let is_other = place.order != own.order && is_of(name, mark);
            !is_other || (!is_name(name) && place.order > own.order && swap(place.name, name, 0))
        })
    }

    fn places(&self, mark: u64) -> impl Iterator<Item = Place<'_>> {
        self.homes(mark).into_iter().flatten().flat_map(Home::places)
    }

    /// The two buckets where a key may live.
    fn homes(&self, mark: u64) -> [Option<Home<'_>>; 2] {
        let count = self.buckets.len();
        let first = scale((mark >> NONCE_BITS) as u32, count);
        let second = scale((mark >> (NONCE_BITS + 16)) as u32, count);
        let second = if second == first { (first + 1) % count } else { second };
        let home = |at: usize| self.buckets.get(at).map(|bucket| Home { bucket, at });
        [home(first), home(second).filter(|_| second != first)]
    }
}

/// A bucket, and where it is.
#[derive(Clone, Copy)]
struct Home<'a> {
    bucket: &'a Bucket,
    at: usize,
}

impl<'a> Home<'a> {
    fn places(self) -> impl Iterator<Item = Place<'a>> {
        let (names, words) = self.bucket.split_at(WAYS);
        let both = names.iter().zip(words).enumerate();
        both.map(move |(way, (name, word))| Place { name, word, order: self.at * WAYS + way })
    }
}

/// How much room a bucket has.
struct Room<'a> {
    free: usize,
    /// The place whose word matters least.
    place: Option<Seen<'a>>,
    loss: u64,
}

impl<'a> Room<'a> {
    fn of(home: Home<'a>, loss: &impl Fn(u64) -> u64) -> Self {
        let mut room = Self { free: 0, place: None, loss: KEEP };
        for seen in home.places().filter_map(Place::look) {
            let is_claimed = seen.name != 0 && !is_name(seen.name);
            let is_empty = seen.name == 0 || seen.word == CLOSED;
            let lost = if is_empty { 0 } else { loss(seen.word) };
            if is_claimed || lost == KEEP {
                continue;
            }
            room.free += usize::from(lost == 0);
            if room.place.is_none() || lost < room.loss {
                (room.place, room.loss) = (Some(seen), lost);
            }
        }
        room
    }

    fn is_better_than(&self, other: &Self) -> bool {
        (self.free, other.loss) > (other.free, self.loss)
    }
}

impl<'a> Place<'a> {
    /// A word and whose it is. `None` when the place is just changing hands.
    fn look(self) -> Option<Seen<'a>> {
        let name = self.name.load(SeqCst);
        let word = self.word.load(SeqCst);
        (self.name.load(SeqCst) == name).then_some(Seen { place: self, name, word })
    }

    /// Writes the first word into a place that we have claimed. Whoever has struck out the claim writes another word,
    /// so that one of us fails.
    fn fill(self, claim: u64, word: u64) -> bool {
        self.look().is_some_and(|seen| seen.name == claim && swap(self.word, seen.word, word))
    }
}

impl Seen<'_> {
    /// Closes the word, so that nobody counts on it any more, and claims the place.
    fn take_over(self, claim: u64) -> bool {
        let is_closed = self.name == 0 || self.word == CLOSED;
        (is_closed || swap(self.place.word, self.word, CLOSED))
            && swap(self.place.name, self.name, claim)
    }

    /// Waits a moment for who is at work here, and then strikes out what he began: he may have been put to sleep.
    fn clear_away(self) {
        for _ in 0..PATIENCE {
            if self.place.name.load(SeqCst) != self.name {
                return;
            }
            spin_loop();
        }
        swap(self.place.name, self.name, 0);
    }
}

/// Buckets without a key. Pages that are zero and were never touched cost nothing: a table is as large as it was ever
/// used.
#[cfg(not(feature = "shuttle"))]
fn empty(buckets: usize) -> Box<[Bucket]> {
    use zerocopy::FromZeros as _;
    let zeroed = <[Bucket]>::new_box_zeroed_with_elems(buckets);
    zeroed.unwrap_or_else(|_| (0..buckets).map(|_| Bucket::default()).collect())
}

/// Buckets without a key.
#[cfg(feature = "shuttle")]
fn empty(buckets: usize) -> Box<[Bucket]> {
    (0..buckets).map(|_| Bucket::default()).collect()
}

/// Writes to a word that is still as it was.
fn swap(word: &AtomicU64, was: u64, becomes: u64) -> bool {
    word.compare_exchange(was, becomes, SeqCst, SeqCst).is_ok()
}

/// The part of a key or name that tells keys apart: bits 15 to 62. The rest of a name tells claims apart.
fn mark_of(key: u64) -> u64 {
    key & !NAMED & !NONCES
}

fn is_of(name: u64, mark: u64) -> bool {
    name != 0 && mark_of(name) == mark
}

fn is_name(name: u64) -> bool {
    name & NAMED != 0
}

/// A number below `count`, as evenly spread as `hash`.
fn scale(hash: u32, count: usize) -> usize {
    ((u64::from(hash) * count as u64) >> 32) as usize
}

/// The loss of a word that must not be forgotten.
pub(crate) const KEEP: u64 = u64::MAX;
/// The word of a place that is given away. No limit writes it.
pub(crate) const CLOSED: u64 = u64::MAX;

/// Places of a bucket: as many names as fit into a cache line.
const WAYS: usize = 8;
/// Buckets are chosen by 32 bits.
const BUCKETS_MAX: usize = 1 << 24;
/// A claim that has become a name.
const NAMED: u64 = 1 << 63;
const NONCE_BITS: u32 = 15;
const NONCES: u64 = (1 << NONCE_BITS) - 1;
/// How often somebody else's work is looked at before it is struck out.
const PATIENCE: usize = 64;

#[cfg(test)]
mod tests;
