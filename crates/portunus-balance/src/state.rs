//! Load and health of one endpoint, shared by all workers without locks.
//!
//! All orderings are `Relaxed` but for what makes room: each value stands for itself and publishes no other memory.
//! A pick that reads a value some nanoseconds old is a little less well balanced, never wrong.

use std::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use portunus_base::Mono;

use crate::outlier::{Ejection, Outcome, OutlierPlan};
use crate::slow_start::{START_PERCENT, ramp};
use crate::window::Totals;

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
    /// It could not be connected to just now.
    resting_until: AtomicU64,
    requests_total: AtomicU64,
    failures_total: AtomicU64,
    /// The next three are counted only where a window is judged.
    answers_total: AtomicU64,
    server_errors_total: AtomicU64,
    latency_total_us: AtomicU64,
    /// When a slow start began; 0 when there is none.
    warming_since: AtomicU64,
    /// The operator's weight and the one that it stands for, or [`NO_OVERRIDE`].
    weight_override: AtomicU64,
    /// Ejections that make the next one longer.
    ejection_level: AtomicU32,
    /// Ejections that nobody has counted yet, in the order of [`Ejection::ALL`].
    ejections_new: [AtomicU16; Ejection::ALL.len()],
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
            resting_until: AtomicU64::new(0),
            requests_total: AtomicU64::new(0),
            failures_total: AtomicU64::new(0),
            answers_total: AtomicU64::new(0),
            server_errors_total: AtomicU64::new(0),
            latency_total_us: AtomicU64::new(0),
            warming_since: AtomicU64::new(0),
            weight_override: AtomicU64::new(NO_OVERRIDE),
            ejection_level: AtomicU32::new(0),
            ejections_new: Default::default(),
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

    /// The same, unless `max` are under way already.
    pub fn begin_below(&self, max: u32) -> bool {
        let more = |count: u32| (count < max).then_some(count + 1);
        let begins = self.in_flight.fetch_update(Relaxed, Relaxed, more).is_ok();
        self.requests_total.fetch_add(u64::from(begins), Relaxed);
        begins
    }

    /// A request ended. `latency_us` is the time to the answer's head; `None` when there was no
    /// answer.
    pub fn end(&self, latency_us: Option<u64>, now: Mono) {
        decrement(&self.in_flight);
        if let Some(latency_us) = latency_us {
            self.learn_latency(latency_us, now);
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

    /// Takes note of what the endpoint did with a request; what it should be ejected for, if anything.
    ///
    /// One that cannot be connected to rests for `rest_for`, or until it answers, whatever the plan. Resting is no
    /// ejection: no share bounds it, and a set that panics still heeds it.
    pub fn observe(
        &self,
        outcome: Outcome,
        rest_for: Duration,
        plan: Option<&OutlierPlan>,
        now: Mono,
    ) -> Option<Ejection> {
        match outcome {
            Outcome::Good => {
                self.observe_good(plan);
                None
            }
            Outcome::ServerError => {
                self.note_answer(plan);
                let plan = plan?;
                if plan.window.is_some() {
                    self.server_errors_total.fetch_add(1, Relaxed);
                }
                let max = plan.consecutive_5xx;
                let ejects = self.is_one_too_many(&self.server_errors, 1, max, now);
                ejects.then_some(Ejection::Consecutive5xx)
            }
            Outcome::Failed | Outcome::Unreachable => {
                if outcome == Outcome::Unreachable {
                    self.resting_until.fetch_max(now.after(rest_for).0, Relaxed);
                }
                self.observe_failure(1, plan, now)
            }
        }
    }

    /// Takes note of the head of a good answer. Answers how many failures in a row this put an end to, for
    /// [`EndpointState::observe_break`], should the answer break off.
    pub fn observe_good(&self, plan: Option<&OutlierPlan>) -> u32 {
        self.note_answer(plan);
        self.forget_failures()
    }

    /// A good answer broke off after its head: the good result becomes a failure, as if it had been one all along.
    /// `ended` and `latency_us` are what its head gave. Answers what the endpoint should be ejected for, if anything.
    pub fn observe_break(
        &self,
        ended: u32,
        latency_us: u64,
        plan: Option<&OutlierPlan>,
        now: Mono,
    ) -> Option<Ejection> {
        if plan.is_some_and(|plan| plan.window.is_some()) {
            take_off(&self.answers_total, 1);
        }
        if plan.is_some_and(OutlierPlan::compares_latency) {
            take_off(&self.latency_total_us, latency_us);
        }
        self.observe_failure(ended.saturating_add(1), plan, now)
    }

    /// Takes note of the time to the head of an answer, for a plan that compares these times.
    pub fn note_latency(&self, latency_us: u64, plan: &OutlierPlan) {
        if plan.compares_latency() {
            self.latency_total_us.fetch_add(latency_us, Relaxed);
        }
    }

    /// What it ever did, as far as a window is judged. Parts that belong together may be a moment apart.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            answers: self.answers_total.load(Relaxed),
            server_errors: self.server_errors_total.load(Relaxed),
            failures: self.failures_total.load(Relaxed),
            latency_us: self.latency_total_us.load(Relaxed),
        }
    }

    /// It answers again: a failed connect of before holds nobody off any longer.
    pub fn end_rest(&self) {
        // Nearly always zero already; a load keeps the line shared, a store would not.
        if self.resting_until.load(Relaxed) != 0 {
            self.resting_until.store(0, Relaxed);
        }
    }

    /// True while the endpoint is left alone because it could not be connected to.
    #[must_use]
    pub fn is_resting(&self, now: Mono) -> bool {
        self.resting_until.load(Relaxed) > now.0
    }

    /// Keeps the endpoint out, longer than the last time unless that was long ago.
    pub(crate) fn eject(&self, why: Ejection, plan: &OutlierPlan, now: Mono) {
        let quiet = Duration::from_micros(now.since_us(self.ejected_until()));
        let level = plan.remembered(self.ejection_level.load(Relaxed), quiet);
        let duration = plan.duration(level);
        // Beyond the longest one there is nothing to remember: it would only be slow to be forgotten.
        let step = u32::from(duration < plan.eject_for_max);
        self.ejection_level.store(level + step, Relaxed);
        self.ejected_until.store(now.after(duration).0, Relaxed);
        if let Some(count) = self.ejections_new.get(why as usize) {
            count.fetch_add(1, Relaxed);
        }
        let _ = self.forget_failures();
    }

    /// Ends an ejection, and forgets that there ever was one.
    pub fn readmit(&self) {
        self.ejected_until.store(0, Relaxed);
        self.ejection_level.store(0, Relaxed);
        let _ = self.forget_failures();
    }

    /// True while the passive checks keep the endpoint out.
    #[must_use]
    pub fn is_ejected(&self, now: Mono) -> bool {
        self.ejected_until.load(Relaxed) > now.0
    }

    /// Ejections since the last call, by what they were for.
    pub fn take_ejections(&self) -> impl Iterator<Item = (Ejection, u16)> {
        let counts = Ejection::ALL.into_iter().zip(&self.ejections_new);
        // Nearly always zero; a load keeps the line shared.
        counts
            .filter(|(_, count)| count.load(Relaxed) != 0)
            .map(|(why, count)| (why, count.swap(0, Relaxed)))
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

    /// The operator's wish for its weight. It counts from the next set of endpoints on: balancers are built with weights.
    pub fn set_weight_override(&self, wish: Option<WeightOverride>) {
        self.weight_override.store(wish.map_or(NO_OVERRIDE, WeightOverride::packed), Relaxed);
    }

    /// The weight that the operator has set, if any.
    #[must_use]
    pub fn weight_override(&self) -> Option<WeightOverride> {
        let packed = self.weight_override.load(Relaxed);
        (packed != NO_OVERRIDE).then(|| WeightOverride::unpacked(packed))
    }

    /// True when nothing speaks against new requests: no check, no operator, no ejection, no failed connect.
    #[must_use]
    pub fn usable(&self, now: Mono) -> bool {
        self.last_resort() && !self.is_ejected(now) && !self.is_resting(now)
    }

    /// True when the endpoint may be tried although it is ejected or rests: that is a guess from a
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
    fn learn_latency(&self, sample_us: u64, now: Mono) {
        let sample = sample_us as f64;
        let age_us = now.since_us(Mono(self.latency_at.load(Relaxed)));
        let old = f64::from_bits(self.latency_us.load(Relaxed));
        let keep = fade(age_us);
        let new = if sample >= old { sample } else { old * keep + sample * (1.0 - keep) };
        self.latency_us.store(new.to_bits(), Relaxed);
        self.latency_at.store(now.0, Relaxed);
    }

    fn note_answer(&self, plan: Option<&OutlierPlan>) {
        self.end_rest();
        if plan.is_some_and(|plan| plan.window.is_some()) {
            self.answers_total.fetch_add(1, Relaxed);
        }
    }

    /// One failure, which makes a row longer by `by`.
    fn observe_failure(&self, by: u32, plan: Option<&OutlierPlan>, now: Mono) -> Option<Ejection> {
        self.failures_total.fetch_add(1, Relaxed);
        let max = plan.map_or(0, |plan| plan.consecutive_failures);
        let ejects = self.is_one_too_many(&self.failures, by, max, now);
        ejects.then_some(Ejection::ConsecutiveFailures)
    }

    /// Counts `by` more in a row, and tells whether that makes `max`, which is never where it is 0.
    ///
    /// What was sent before an ejection may still fail after it: that does not count.
    fn is_one_too_many(&self, row: &AtomicU32, by: u32, max: u32, now: Mono) -> bool {
        if self.is_ejected(now) {
            return false;
        }
        let count = row.fetch_add(by, Relaxed).saturating_add(by);
        max > 0 && count >= max
    }

    /// Ends both rows; answers how many failures there were. Nearly always there is nothing to forget: loads keep the
    /// line shared, stores would not.
    fn forget_failures(&self) -> u32 {
        let [failures, _] = [&self.failures, &self.server_errors].map(|row| {
            let count = row.load(Relaxed);
            if count != 0 {
                row.store(0, Relaxed);
            }
            count
        });
        failures
    }

    fn set_health(&self, bit: u8, on: bool) {
        if on {
            self.health.fetch_or(bit, Relaxed);
        } else {
            self.health.fetch_and(!bit, Relaxed);
        }
    }
}

/// A weight that the operator has set while Portunus runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WeightOverride {
    /// The weight that counts; at most [`WeightOverride::MAX`].
    pub weight: u32,
    /// The one that the configuration or a provider gives.
    pub instead_of: u32,
}

impl WeightOverride {
    /// The largest weight.
    pub const MAX: u32 = 1_000_000;

    fn packed(self) -> u64 {
        u64::from(self.weight.min(Self::MAX)) << 32 | u64::from(self.instead_of)
    }

    fn unpacked(packed: u64) -> Self {
        Self { weight: (packed >> 32) as u32, instead_of: packed as u32 }
    }
}

/// Takes one off, but never below zero. Whoever waits for room counts itself first and looks here then, so this is in
/// one order with what a queue does.
fn decrement(counter: &AtomicU32) {
    // An `Err` is a counter that is zero already; there is nothing to do then.
    let _ = counter.fetch_update(SeqCst, Relaxed, |count| count.checked_sub(1));
}

/// Takes some off, but never below zero.
fn take_off(total: &AtomicU64, some: u64) {
    // It always gives a value.
    let _ = total.fetch_update(Relaxed, Relaxed, |count| Some(count.saturating_sub(some)));
}

/// What is left of a value after `age_us`.
fn fade(age_us: u64) -> f64 {
    (-(age_us as f64) / LATENCY_HALF_LIFE_US).exp2()
}

const ACTIVE_DOWN: u8 = 1;
const DRAINING: u8 = 2;
/// No override packs to this: its weight would be above the largest one.
const NO_OVERRIDE: u64 = u64::MAX;
/// After this time a latency counts half.
const LATENCY_HALF_LIFE_US: f64 = 5_000_000.0;

#[cfg(test)]
mod tests;
