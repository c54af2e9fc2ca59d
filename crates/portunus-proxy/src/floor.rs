//! How slow a client may be within a body.
//!
//! Time that we wait for a client is owed, and its bytes pay for it: each is worth the time that it may take at the
//! slowest rate that is allowed. Who owes as much as one pause may last is too slow. Time in which nobody waits for the
//! client is free, so that neither a slow upstream nor an event stream makes a client slow.

use std::cell::Cell;
use std::time::Duration;

use portunus_base::Mono;
use portunus_snapshot::RateFloors;

/// What a client owes in both directions of an exchange.
#[derive(Debug)]
pub(crate) struct Floors {
    /// In sending the body of its request.
    pub(crate) upload: Floor,
    /// In taking its answer.
    pub(crate) download: Floor,
}

impl Floors {
    /// Nothing is owed at the start of an exchange.
    pub(crate) fn new(floors: RateFloors) -> Self {
        Self { upload: Floor::new(floors.upload), download: Floor::new(floors.download) }
    }
}

/// What a client owes in one direction of an exchange.
#[derive(Debug)]
pub(crate) struct Floor {
    /// Bytes a second; 0 is no floor.
    rate: Cell<u64>,
    owed_us: Cell<u64>,
    /// Since when the client is waited for without a byte of it.
    since: Cell<Mono>,
    /// How far it was when it was looked at last.
    seen: Cell<u64>,
    /// It waits for a sign of ours itself.
    held: Cell<bool>,
}

/// Why a client was waited for long enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Late {
    /// Not a byte came for as long as a pause may last.
    Silent,
    /// Bytes came, and too few.
    Slow,
}

impl Floor {
    /// `rate` is in bytes a second; 0 is no floor.
    pub(crate) fn new(rate: u64) -> Self {
        let (owed_us, since) = (Cell::new(0), Cell::new(Mono::NEVER));
        Self { rate: Cell::new(rate), owed_us, since, seen: Cell::new(0), held: Cell::new(false) }
    }

    /// From now on the client may be as slow as its pauses let it be.
    pub(crate) fn lift(&self) {
        self.rate.set(0);
    }

    /// The client waits for a sign to go on, and is not waited for until it has it, or sends without it.
    pub(crate) fn hold(&self) {
        self.held.set(true);
    }

    /// Forgives what is owed: the client had to wait for a sign of ours.
    pub(crate) fn forgive(&self, now: Mono) {
        self.held.set(false);
        self.owed_us.set(0);
        if self.since.get() != Mono::NEVER {
            self.since.set(now);
        }
    }

    /// The client is waited for from now on. `progress` says how far it is: a number that grows as it goes on.
    pub(crate) fn wait(&self, now: Mono, progress: u64) {
        self.since.set(now);
        self.seen.set(progress);
    }

    /// Looks how far it went while nothing of it was seen, and counts that as paid.
    pub(crate) fn look(&self, now: Mono, progress: u64) {
        let bytes = progress.saturating_sub(self.seen.replace(progress));
        if self.held.get() {
            self.since.set(now);
        } else if bytes > 0 {
            self.pay(usize::try_from(bytes).unwrap_or(usize::MAX), || now);
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.since.get() != Mono::NEVER
    }

    /// It is waited for no more, and owes nothing for it.
    pub(crate) fn stop(&self) {
        self.since.set(Mono::NEVER);
    }

    /// It is waited for no more.
    pub(crate) fn rest(&self, now: Mono) {
        if self.is_waiting() {
            self.owe(now);
            self.stop();
        }
    }

    /// Bytes came, or went. `now` is asked for only while the client is waited for.
    pub(crate) fn pay(&self, bytes: usize, now: impl FnOnce() -> Mono) {
        self.held.set(false);
        if self.is_waiting() {
            let now = now();
            self.owe(now);
            self.since.set(now);
        }
        let Some(rate) = self.rate().filter(|_| self.owed_us.get() > 0) else { return };
        let worth_us = (bytes as u64).saturating_mul(1_000_000) / rate;
        self.owed_us.set(self.owed_us.get().saturating_sub(worth_us));
    }

    /// Until when it is waited for, where a pause may last for `idle`.
    pub(crate) fn due(&self, idle: Duration) -> Mono {
        let owed_us = self.rate().map_or(0, |_| self.owed_us.get());
        self.since.get().after(idle.saturating_sub(Duration::from_micros(owed_us)))
    }

    /// Which bound was reached at `now`, if one was.
    pub(crate) fn late(&self, idle: Duration, now: Mono) -> Option<Late> {
        if now >= self.since.get().after(idle) {
            Some(Late::Silent)
        } else {
            (now >= self.due(idle)).then_some(Late::Slow)
        }
    }

    fn owe(&self, now: Mono) {
        let waited_us = now.since_us(self.since.get());
        self.owed_us.set(self.owed_us.get().saturating_add(waited_us));
    }

    fn rate(&self) -> Option<u64> {
        Some(self.rate.get()).filter(|rate| *rate > 0)
    }
}

#[cfg(test)]
mod tests;
