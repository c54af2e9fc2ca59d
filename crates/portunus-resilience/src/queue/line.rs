//! Who stands where, and who is called. All of it happens under the lock of the queue.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::task::{Poll, Waker};

use super::{Full, Priority, PushedOut, Wish};

/// The lines of all keys. A line lives for as long as somebody is in it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    by_key: HashMap<u64, Line>,
    joined: u64,
}

/// Where somebody stands in a line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Rank(Priority, u64);

impl Lines {
    pub(super) fn is_waited_for(&self, key: u64) -> bool {
        self.by_key.contains_key(&key)
    }

    /// How many are in the line of a key.
    pub(super) fn len(&self, key: u64) -> usize {
        self.by_key.get(&key).map_or(0, |line| line.waiting.len() + line.called.len())
    }

    pub(super) fn join(&mut self, wish: &Wish) -> Rank {
        self.joined += 1;
        let rank = Rank(wish.priority, self.joined);
        self.by_key.entry(wish.key).or_default().stand(rank, wish.sight);
        rank
    }

    /// Makes room for one of this class: whoever is last and of a lower one goes.
    pub(super) fn push_out(&mut self, key: u64, by: Priority) -> Result<Option<Waker>, Full> {
        let line = self.by_key.get_mut(&key).ok_or(Full)?;
        let (rank, sight) = line.waiting.last().filter(|(rank, _)| rank.0 > by).ok_or(Full)?;
        line.waiting.remove(rank, sight).ok_or(Full)
    }

    pub(super) fn call(&mut self, key: u64) -> Option<Waker> {
        self.by_key.get_mut(&key)?.call_anew()
    }

    /// Whether this one is called. Takes `waker` for when it is, and gives back the one that it had.
    pub(super) fn poll_called(
        &mut self,
        wish: &Wish,
        rank: Rank,
        waker: &mut Waker,
    ) -> Poll<Result<(), PushedOut>> {
        let Some(line) = self.by_key.get_mut(&wish.key) else {
            return Poll::Ready(Err(PushedOut));
        };
        if line.called.contains(&rank) {
            return Poll::Ready(Ok(()));
        }
        let Some(known) = line.waiting.waker(rank, wish.sight) else {
            return Poll::Ready(Err(PushedOut));
        };
        match known {
            Some(known) => std::mem::swap(known, waker),
            None => *known = Some(waker.clone()),
        }
        Poll::Pending
    }

    /// Somebody who was called got nothing, and stands where it stood. Whom to wake in its place.
    pub(super) fn back(&mut self, wish: &Wish, rank: Rank) -> Option<Waker> {
        let line = self.by_key.get_mut(&wish.key)?;
        line.called.remove(&rank).then(|| line.back(rank, wish.sight)).flatten()
    }

    /// Somebody goes, with a place, seeing so much room for more, or without one. True when it was still there; and
    /// whom to wake.
    pub(super) fn leave(
        &mut self,
        wish: &Wish,
        rank: Rank,
        room: Option<u32>,
    ) -> (bool, Vec<Waker>) {
        let Some(line) = self.by_key.get_mut(&wish.key) else { return (false, Vec::new()) };
        let next = match line.called.remove(&rank) {
            true => Some(line.pass_on(room)),
            false => line.waiting.remove(rank, wish.sight).map(|_| Vec::new()),
        };
        if line.waiting.is_empty() && line.called.is_empty() {
            self.by_key.remove(&wish.key);
        }
        (next.is_some(), next.unwrap_or_default())
    }
}

/// Those who wait for a place of one key.
#[derive(Debug)]
struct Line {
    waiting: Waiting,
    /// They may take a place, if there still is one.
    called: BTreeSet<Rank>,
    /// A call that found nobody to wake. It is for whoever comes next.
    unheard: bool,
    /// Whoever saw from there found no place since the last one was freed.
    in_vain: Vec<u64>,
}

impl Default for Line {
    /// What was freed before there was a line made no call: the first one looks for itself.
    fn default() -> Self {
        let (waiting, called) = (Waiting::default(), BTreeSet::new());
        Self { waiting, called, unheard: true, in_vain: Vec::new() }
    }
}

impl Line {
    fn stand(&mut self, rank: Rank, sight: u64) {
        if std::mem::take(&mut self.unheard) {
            self.called.insert(rank);
        } else {
            self.waiting.insert(rank, sight);
        }
    }

    /// A place was freed: anybody may find it.
    fn call_anew(&mut self) -> Option<Waker> {
        self.in_vain.clear();
        self.call()
    }

    fn call(&mut self) -> Option<Waker> {
        let Some((rank, sight)) = self.waiting.first(&[]) else {
            self.unheard = true;
            return None;
        };
        self.called.insert(rank);
        self.waiting.remove(rank, sight).flatten()
    }

    /// What one could not take, another may who sees from elsewhere; nobody is asked from the same place twice.
    fn back(&mut self, rank: Rank, sight: u64) -> Option<Waker> {
        if std::mem::take(&mut self.unheard) {
            self.in_vain.clear();
            self.called.insert(rank);
            return None;
        }
        self.waiting.insert(rank, sight);
        if !self.in_vain.contains(&sight) {
            self.in_vain.push(sight);
        }
        let (next, sight) = self.waiting.first(&self.in_vain)?;
        self.called.insert(next);
        self.waiting.remove(next, sight).flatten()
    }

    /// What one who was called leaves to others: its call, where it took nothing, and the room that it saw beside what
    /// those take who are called already.
    fn pass_on(&mut self, room: Option<u32>) -> Vec<Waker> {
        let owed = std::mem::take(&mut self.unheard) || room.is_none();
        let called = self.called.len();
        let wanted = (called + usize::from(owed)).max(room.unwrap_or(0) as usize);
        let more = (wanted - called).min(self.waiting.len());
        self.unheard = owed && more == 0;
        if more > 0 {
            self.in_vain.clear();
        }
        (0..more).filter_map(|_| self.call()).collect()
    }
}

/// Those who are not called, by what they see, which few differ in.
#[derive(Debug, Default)]
struct Waiting {
    by_sight: BTreeMap<u64, BTreeMap<Rank, Option<Waker>>>,
    count: usize,
}

impl Waiting {
    fn len(&self) -> usize {
        self.count
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn insert(&mut self, rank: Rank, sight: u64) {
        self.count += 1;
        self.by_sight.entry(sight).or_default().insert(rank, None);
    }

    fn remove(&mut self, rank: Rank, sight: u64) -> Option<Option<Waker>> {
        let alike = self.by_sight.get_mut(&sight)?;
        let removed = alike.remove(&rank)?;
        if alike.is_empty() {
            self.by_sight.remove(&sight);
        }
        self.count -= 1;
        Some(removed)
    }

    fn waker(&mut self, rank: Rank, sight: u64) -> Option<&mut Option<Waker>> {
        self.by_sight.get_mut(&sight)?.get_mut(&rank)
    }

    /// Who comes first, but for those who see from these places.
    fn first(&self, but: &[u64]) -> Option<(Rank, u64)> {
        let others = self.by_sight.iter().filter(|(sight, _)| !but.contains(sight));
        others.filter_map(|(sight, alike)| Some((*alike.first_key_value()?.0, *sight))).min()
    }

    fn last(&self) -> Option<(Rank, u64)> {
        let all = self.by_sight.iter();
        all.filter_map(|(sight, alike)| Some((*alike.last_key_value()?.0, *sight))).max()
    }
}
