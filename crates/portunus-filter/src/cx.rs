//! What a hook is given beside the exchange.

use std::any::Any;

use portunus_base::{Mono, Rng, Wall};
use portunus_identity::Directory;
use portunus_telemetry::{DecisionId, Shard};

use crate::{Calls, LiveSlots, SlotId};

/// What a hook is given beside the exchange: time, randomness, per-worker state, calls.
pub struct FilterCx<'a> {
    /// The worker's cached monotonic time.
    pub now: Mono,
    /// The worker's cached wall time.
    pub wall: Wall,
    /// The worker's generator.
    pub rng: &'a mut Rng,
    /// The worker's filter-local state.
    pub locals: &'a mut Locals,
    /// Calls to upstreams.
    pub calls: &'a dyn Calls,
    /// Consumers and their credentials.
    pub directory: &'a Directory,
    /// The worker's part of all metrics.
    pub shard: &'a Shard,
    /// Nothing may be sent or taken: a request is only explained.
    pub offline: bool,
    /// Where lines for `explain` go.
    pub notes: Option<&'a mut Vec<String>>,
}

impl FilterCx<'_> {
    /// The state that the filter of `slot` keeps on this worker; made by `T::default()` at first use.
    pub fn local<T: Default + Any>(&mut self, slot: SlotId) -> Local<'_, T> {
        self.locals.of(slot)
    }

    /// Counts a decision; see [`crate::BuildCx::decision`].
    pub fn count(&self, decision: DecisionId) {
        self.shard.decision(decision);
    }

    /// Tells `explain` something. Costs nothing when nobody explains.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(notes) = self.notes.as_deref_mut() {
            notes.push(line());
        }
    }
}

/// Per-worker state of filters, by slot.
#[derive(Default)]
pub struct Locals {
    slots: Vec<Option<Box<dyn Any>>>,
}

/// A filter's state on this worker.
pub type Local<'a, T> = &'a mut T;

impl Locals {
    /// The state in `slot`.
    pub fn of<T: Default + Any>(&mut self, slot: SlotId) -> &mut T {
        let index = slot.index();
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        let place = match self.slots.get_mut(index) {
            Some(place) => place,
            None => unreachable!("the table was just grown past {index}"),
        };
        if !place.as_ref().is_some_and(|state| state.is::<T>()) {
            *place = Some(Box::new(T::default()));
        }
        match place.as_mut().and_then(|state| state.downcast_mut()) {
            Some(state) => state,
            None => unreachable!("the slot was just filled with this type"),
        }
    }

    /// Frees the state of filters that are gone. An exchange that still runs with one of them has it made anew.
    pub fn retain(&mut self, live: &LiveSlots) {
        for (index, place) in self.slots.iter_mut().enumerate() {
            if !live.has(index) {
                *place = None;
            }
        }
        let used = self.slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.slots.truncate(used);
    }
}

impl std::fmt::Debug for Locals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Locals({} slots)", self.slots.len())
    }
}

#[cfg(test)]
mod tests;
