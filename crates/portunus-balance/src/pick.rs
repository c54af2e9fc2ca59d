//! The seam of the balancing algorithms: one pick among the endpoints of one tier.

use std::cell::Cell;
use std::fmt;

use portunus_base::{Mono, Rng};

use crate::endpoint::Endpoint;
use crate::state::EndpointState;

/// A balancing algorithm, built for one tier of endpoints off the data path.
///
/// `pick` never locks, allocates, waits or reads a clock.
pub trait Balancer: fmt::Debug + Send + Sync {
    /// The index in `tier` of the endpoint for the next request; `None` only when `cx` accepts
    /// none.
    ///
    /// `tier` is the slice that the balancer was built from. Only an endpoint that
    /// [`PickCx::accepts`] is picked.
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize>;
}

/// What one pick knows of the request, the worker and the time.
#[derive(Debug)]
pub struct PickCx<'a> {
    /// Hash of what the request is balanced by; `None` for algorithms that need none, or when the
    /// request has no such thing (keyed algorithms then pick at random).
    pub key: Option<u64>,
    /// The worker's time.
    pub now: Mono,
    /// The worker's randomness.
    pub rng: &'a mut Rng,
    /// The worker's state for this upstream.
    pub local: &'a mut PickLocal,
    /// Endpoints that had this request before.
    pub tried: &'a Tried,
    pub(crate) reach: Reach,
    room: Option<Room<'a>>,
    /// An endpoint was passed by that only had no room.
    full: Cell<bool>,
}

impl<'a> PickCx<'a> {
    /// A pick without a key.
    pub fn new(now: Mono, rng: &'a mut Rng, local: &'a mut PickLocal, tried: &'a Tried) -> Self {
        let (reach, full) = (Reach::default(), Cell::new(false));
        Self { key: None, now, rng, local, tried, reach, room: None, full }
    }

    /// The same pick, among endpoints that have room for one request more.
    #[must_use]
    pub fn with_room(self, room: Option<&'a dyn Fn(&EndpointState) -> bool>) -> Self {
        Self { room: room.map(Room), ..self }
    }

    /// True when an endpoint would have been as good as any, but had no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.get()
    }

    /// The same pick, by `key`.
    #[must_use]
    pub fn keyed(self, key: Option<u64>) -> Self {
        Self { key, ..self }
    }

    /// True when the endpoint may be picked.
    #[must_use]
    pub fn accepts(&self, endpoint: &Endpoint) -> bool {
        let Reach { ejected, resting, tried } = self.reach;
        let state = &endpoint.state;
        endpoint.weight > 0
            && state.last_resort()
            && (ejected || !state.is_ejected(self.now))
            && (resting || !state.is_resting(self.now))
            && (tried || !self.tried.contains(state.key()))
            && self.has_room(state)
    }

    fn has_room(&self, state: &EndpointState) -> bool {
        let has_room = self.room.is_none_or(|Room(has_room)| has_room(state));
        if !has_room {
            self.full.set(true);
        }
        has_room
    }

    /// True when the endpoint may be picked and, while it starts slowly, its turn is not skipped.
    /// Algorithms that do not compare loads give an endpoint in slow start its lesser share by
    /// this.
    pub(crate) fn draws(&mut self, endpoint: &Endpoint) -> bool {
        let percent = endpoint.state.weight_percent();
        self.accepts(endpoint) && (percent >= 100 || self.rng.chance(f64::from(percent) / 100.0))
    }

    /// The key of the request, or a random one.
    pub(crate) fn key_or_random(&mut self) -> u64 {
        match self.key {
            Some(key) => key,
            None => self.rng.u64(),
        }
    }

    /// The first accepted endpoint of the tier from `start` on, and round to it.
    pub(crate) fn scan(&self, tier: &[Endpoint], start: usize) -> Option<usize> {
        let accepted = |(_, endpoint): &(usize, &Endpoint)| self.accepts(endpoint);
        let from_start = tier.iter().enumerate().skip(start).find(accepted);
        from_start
            .or_else(|| tier.iter().enumerate().take(start).find(accepted))
            .map(|(index, _)| index)
    }
}

/// Says whether an endpoint has room.
#[derive(Clone, Copy)]
struct Room<'a>(&'a dyn Fn(&EndpointState) -> bool);

impl fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Room")
    }
}

/// A worker's own state for the picks of one upstream.
#[derive(Clone, Debug, Default)]
pub struct PickLocal {
    cursor: Option<u64>,
}

impl PickLocal {
    /// The place in the rotation. A fresh worker starts anywhere, so that workers do not march in
    /// step.
    pub(crate) fn cursor(&mut self, rng: &mut Rng) -> u64 {
        *self.cursor.get_or_insert_with(|| rng.u64())
    }

    /// Only a pick that gives an endpoint moves the rotation: tiers share it, and one that has
    /// nothing to give must not turn it for the next.
    pub(crate) fn set_cursor(&mut self, cursor: u64) {
        self.cursor = Some(cursor);
    }
}

/// The endpoints that one request was given to, by the key of their state, so that it stays right
/// when the set of endpoints changes between two attempts. It remembers the last eight.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    keys: [u32; TRIED_MAX],
    count: u32,
}

impl Tried {
    /// Nothing was tried.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers an endpoint by the key of its state.
    pub fn insert(&mut self, key: u32) {
        let slot = self.count as usize % TRIED_MAX;
        if let Some(slot) = self.keys.get_mut(slot) {
            *slot = key;
        }
        self.count += 1;
    }

    /// True when the endpoint with this key was tried.
    #[must_use]
    pub fn contains(&self, key: u32) -> bool {
        self.keys.iter().take(self.count as usize).any(|&tried| tried == key)
    }

    /// How many attempts were remembered.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }
}

/// How far down a pick goes: past ejections and failed connects, and back to endpoints that were tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    pub(crate) ejected: bool,
    pub(crate) resting: bool,
    pub(crate) tried: bool,
}

const TRIED_MAX: usize = 8;

#[cfg(test)]
mod tests;
