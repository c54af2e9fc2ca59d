//! The seam of the balancing algorithms: one pick among the endpoints of one tier.

use std::fmt;

use portunus_base::{Mono, Rng};

use crate::endpoint::Endpoint;

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
}

impl<'a> PickCx<'a> {
    /// A pick without a key.
    pub fn new(now: Mono, rng: &'a mut Rng, local: &'a mut PickLocal, tried: &'a Tried) -> Self {
        Self { key: None, now, rng, local, tried, reach: Reach::default() }
    }

    /// The same pick, by `key`.
    #[must_use]
    pub fn keyed(self, key: Option<u64>) -> Self {
        Self { key, ..self }
    }

    /// True when the endpoint may be picked.
    #[must_use]
    pub fn accepts(&self, endpoint: &Endpoint) -> bool {
        let healthy = if self.reach.ejected {
            endpoint.weight > 0 && endpoint.state.last_resort()
        } else {
            endpoint.usable(self.now)
        };
        healthy && (self.reach.tried || !self.tried.contains(endpoint.state.key()))
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

/// How far down a pick goes: past ejections, and back to endpoints that were tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    pub(crate) ejected: bool,
    pub(crate) tried: bool,
}

const TRIED_MAX: usize = 8;

#[cfg(test)]
mod tests;
