//! Load and health of one endpoint, shared by all workers without locks.
//!
//! All orderings are `Relaxed`: each value stands for itself and publishes no other memory. A pick
//! that reads a value some nanoseconds old is a little less well balanced, never wrong.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use portunus_base::Mono;

use crate::outlier::{Outcome, OutlierPlan};
use crate::slow_start::{START_PERCENT, ramp};

/// Load and health of one endpoint. It survives reloads: sets of endpoints come and go around it.
///
/// All that a request touches is one cache line, aligned to two, as processors fetch lines in
/// pairs. What is rarely touched is in the second one.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct EndpointState {
    key: u32,
    in_flight: AtomicU32,
    connections: AtomicU32,
    failures: AtomicU32,
    health: AtomicU8,
    weight_percent: AtomicU8,
    server_errors: AtomicU32,
    latency_us: AtomicU64,
    latency_at: AtomicU64,
    ejected_until: AtomicU64,
    requests_total: AtomicU64,
    failures_total: AtomicU64,
    /// When a slow start began; 0 when there is none.
    warming_since: AtomicU64,
    /// Ejections that make the next one longer.
    ejection_level: AtomicU32,
    /// Ejections that nobody has counted yet.
    ejections_new: AtomicU32,
}

impl EndpointState {
    /// A fresh state. `key` is the creator's stable index for it: pools and [`crate::Tried`] go by
    /// it.
    #[must_use]
    pub fn new(key: u32) -> Self {
        Self {
            key,
            in_flight: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            health: AtomicU8::new(0),
            weight_percent: AtomicU8::new(100),
            server_errors: AtomicU32::new(0),
            latency_us: AtomicU64::new(0),
            latency_at: AtomicU64::new(0),
            ejected_until: AtomicU64::new(0),
            requests_total: AtomicU64::new(0),
            failures_total: AtomicU64::new(0),
            warming_since: AtomicU64::new(0),
            ejection_level: AtomicU32::new(0),
            ejections_new: AtomicU32::new(0),
        }
    }

    /// The creator's stable index.
    #[must_use]
    pub fn key(&self) -> u32 {
        self.key
    }

    /// A request was given to the endpoint. Each call is matched by one [`EndpointState::end`].
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        self.requests_total.fetch_add(1, Relaxed);
    }

    /// A request ended. `latency_us` is the time to the answer's head; `None` when there was no
    /// answer.
    pub fn end(&self, latency_us: Option<u64>, now: Mono) {
        decrement(&self.in_flight);
        if let Some(latency_us) = latency_us {
            self.observe(latency_us, now);
        }
    }

    /// Requests that began and did not end.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// A connection to the endpoint was opened.
    pub fn connection_opened(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// A connection to the endpoint was closed.
    pub fn connection_closed(&self) {
        decrement(&self.connections);
    }

    /// Connections that are open now.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.load(Relaxed)
    }

    /// A connect or an exchange failed: no traffic until `eject_for` is over (zero ejects not at
    /// all). Gives the number of failures in a row.
    pub fn fail(&self, now: Mono, eject_for: Duration) -> u32 {
        self.failures_total.fetch_add(1, Relaxed);
        self.ejected_until.fetch_max(now.after(eject_for).0, Relaxed);
        self.failures.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// The endpoint answered: the row of failures and the ejection end.
    pub fn recover(&self) {
        // Nearly always both are zero already; a load keeps the line shared, a store would not.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
            self.ejected_until.store(0, Relaxed);
        }
    }

    /// Takes note of what the endpoint did with a request; true when it should be ejected for it.
    ///
    /// What was sent before an ejection may still fail after it: that does not count.
    pub fn observe_result(&self, outcome: Outcome, plan: &OutlierPlan, now: Mono) -> bool {
        match outcome {
            Outcome::Good => {
                self.forget_failures();
                false
            }
            Outcome::ServerError => {
                self.is_one_too_many(&self.server_errors, plan.consecutive_5xx, now)
            }
            Outcome::Failed | Outcome::Unreachable => {
                self.failures_total.fetch_add(1, Relaxed);
                self.is_one_too_many(&self.failures, plan.consecutive_failures, now)
            }
        }
    }

    /// Keeps the endpoint out, longer than the last time unless that was long ago.
    pub(crate) fn eject(&self, plan: &OutlierPlan, now: Mono) {
        let quiet = Duration::from_micros(now.since_us(self.ejected_until()));
        let level = plan.remembered(self.ejection_level.load(Relaxed), quiet);
        let duration = plan.duration(level);
        // Beyond the longest one there is nothing to remember: it would only be slow to be forgotten.
        let step = u32::from(duration < plan.eject_for_max);
        self.ejection_level.store(level + step, Relaxed);
        self.ejected_until.store(now.after(duration).0, Relaxed);
        self.ejections_new.fetch_add(1, Relaxed);
        self.forget_failures();
    }

    /// Ends an ejection, and forgets that there ever was one.
    pub fn readmit(&self) {
        self.ejected_until.store(0, Relaxed);
        self.ejection_level.store(0, Relaxed);
        self.forget_failures();
    }

    /// True while the passive checks keep the endpoint out.
    #[must_use]
    pub fn is_ejected(&self, now: Mono) -> bool {
        self.ejected_until.load(Relaxed) > now.0
    }

    /// Ejections for bad results since the last call.
    pub fn take_ejections(&self) -> u32 {
        // Nearly always zero; a load keeps the line shared.
        if self.ejections_new.load(Relaxed) == 0 { 0 } else { self.ejections_new.swap(0, Relaxed) }
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures.load(Relaxed)
    }

    /// Until when the passive checks keep the endpoint out.
    #[must_use]
    pub fn ejected_until(&self) -> Mono {
        Mono(self.ejected_until.load(Relaxed))
    }

    /// The verdict of the active health check.
    pub fn set_active_down(&self, down: bool) {
        self.set_health(ACTIVE_DOWN, down);
    }

    /// True when the active health check says that the endpoint is down.
    #[must_use]
    pub fn active_down(&self) -> bool {
        self.health.load(Relaxed) & ACTIVE_DOWN != 0
    }

    /// The operator's wish: running requests end, new ones go elsewhere.
    pub fn set_draining(&self, draining: bool) {
        self.set_health(DRAINING, draining);
    }

    /// True when the operator drains the endpoint.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.health.load(Relaxed) & DRAINING != 0
    }

    /// True when nothing speaks against new requests: no check, no operator, no ejection.
    #[must_use]
    pub fn usable(&self, now: Mono) -> bool {
        self.last_resort() && !self.is_ejected(now)
    }

    /// True when the endpoint may be tried although it is ejected: an ejection is a guess from a
    /// few failures, whereas an active check is evidence and draining is a wish.
    #[must_use]
    pub fn last_resort(&self) -> bool {
        self.health.load(Relaxed) == 0
    }

    /// Percentage of the configured weight that counts now (slow start).
    #[must_use]
    pub fn weight_percent(&self) -> u8 {
        self.weight_percent.load(Relaxed)
    }

    /// Sets the percentage of the weight that counts; more than 100 is 100.
    pub fn set_weight_percent(&self, percent: u8) {
        self.weight_percent.store(percent.min(100), Relaxed);
    }

    /// The endpoint is new, or healthy again: it begins with a small share of its weight.
    pub fn begin_slow_start(&self, now: Mono) {
        self.warming_since.store(now.0.max(1), Relaxed);
        self.set_weight_percent(START_PERCENT);
    }

    /// Goes on with a slow start that takes `whole`, if there is one.
    pub fn warm_up(&self, now: Mono, whole: Duration) {
        let since = self.warming_since.load(Relaxed);
        if since == 0 {
            return;
        }
        let percent = ramp(Duration::from_micros(now.since_us(Mono(since))), whole);
        self.set_weight_percent(percent);
        if percent == 100 {
            self.warming_since.store(0, Relaxed);
        }
    }

    /// Peak EWMA of the latency in microseconds, as it has faded until `now`; 0 without a sample.
    ///
    /// It fades, so that an endpoint that was slow gets another chance.
    #[must_use]
    pub fn latency_us(&self, now: Mono) -> f64 {
        let age_us = now.since_us(Mono(self.latency_at.load(Relaxed)));
        f64::from_bits(self.latency_us.load(Relaxed)) * fade(age_us)
    }

    /// Requests that ever began.
    #[must_use]
    pub fn requests_total(&self) -> u64 {
        self.requests_total.load(Relaxed)
    }

    /// Failures ever.
    #[must_use]
    pub fn failures_total(&self) -> u64 {
        self.failures_total.load(Relaxed)
    }

    /// Peak EWMA: a slower answer counts at once, faster ones little by little.
    ///
    /// Load and store, not compare-and-swap: of two updates in the same instant one may be lost,
    /// and the pair of value and time may be of two updates. The next sample corrects both.
    fn observe(&self, sample_us: u64, now: Mono) {
        let sample = sample_us as f64;
        let age_us = now.since_us(Mono(self.latency_at.load(Relaxed)));
        let old = f64::from_bits(self.latency_us.load(Relaxed));
        let keep = fade(age_us);
        let new = if sample >= old { sample } else { old * keep + sample * (1.0 - keep) };
        self.latency_us.store(new.to_bits(), Relaxed);
        self.latency_at.store(now.0, Relaxed);
    }

    /// Counts one more in a row, and tells whether that makes `max`.
    fn is_one_too_many(&self, row: &AtomicU32, max: u32, now: Mono) -> bool {
        !self.is_ejected(now) && max > 0 && row.fetch_add(1, Relaxed).saturating_add(1) >= max
    }

    /// Nearly always there is nothing to forget: loads keep the line shared, stores would not.
    fn forget_failures(&self) {
        for row in [&self.failures, &self.server_errors] {
            if row.load(Relaxed) != 0 {
                row.store(0, Relaxed);
            }
        }
    }

    fn set_health(&self, bit: u8, on: bool) {
        if on {
            self.health.fetch_or(bit, Relaxed);
        } else {
            self.health.fetch_and(!bit, Relaxed);
        }
    }
}

/// Takes one off, but never below zero.
fn decrement(counter: &AtomicU32) {
    // An `Err` is a counter that is zero already; there is nothing to do then.
    let _ = counter.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
}

/// What is left of a value after `age_us`.
fn fade(age_us: u64) -> f64 {
    (-(age_us as f64) / LATENCY_HALF_LIFE_US).exp2()
}

const ACTIVE_DOWN: u8 = 1;
const DRAINING: u8 = 2;
/// After this time a latency counts half.
const LATENCY_HALF_LIFE_US: f64 = 5_000_000.0;

#[cfg(test)]
mod tests;
