//! A limit on how many requests are under way at once that finds itself: as many as there may be before answers get
//! slower than they are without a crowd.
//!
//! Time is cut into windows. Whoever ends a request after the end of one compares how long answers took in it with how
//! long they take unhurried: the limit shrinks with that ratio, and grows by its square root. How long answers take
//! unhurried is measured again and again, at half the limit and half of that for as long as answers get faster by it,
//! and sooner where the limit has fallen by half or doubled: the service may have become slower or faster by itself.
//! After Netflix's `concurrency-limits` (gradient) and Envoy's adaptive concurrency.

#[expect(clippy::disallowed_types, reason = "nobody ever waits for it")]
use std::sync::Mutex;
use std::sync::TryLockError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use portunus_base::{Mono, Rng};

/// The limit, and what it is found by. Shared by all workers.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Gradient {
    in_flight: AtomicU32,
    /// 0 before the first window has ended.
    limit: AtomicU32,
    /// The most that were under way in this window.
    peak: AtomicU32,
    answers: AtomicU32,
    latency_us: AtomicU64,
    /// When the window ends; 0 before the first answer.
    window_ends: AtomicU64,
    /// How long answers may take; 0 before the first window has ended.
    allowed_us: AtomicU64,
    #[expect(clippy::disallowed_types, reason = "nobody ever waits for it")]
    course: Mutex<Course>,
}

impl Gradient {
    /// A request wants to begin. Each one that may is matched by one [`Gradient::end`] or [`Gradient::forget`].
    pub fn begin(&self, rule: &GradientRule) -> bool {
        let limit = self.limit(rule);
        let more = |count: u32| (count < limit).then_some(count + 1);
        let begun = self.in_flight.fetch_update(SeqCst, Relaxed, more);
        if let Ok(before) = begun
            && self.peak.load(Relaxed) <= before
        {
            self.peak.fetch_max(before + 1, Relaxed);
        }
        begun.is_ok()
    }

    /// A request that began was not sent after all.
    pub fn forget(&self) {
        // An `Err` would be a count that is zero already.
        let _ = self.in_flight.fetch_update(SeqCst, Relaxed, |count| count.checked_sub(1));
    }

    /// The answer to a request has begun, `latency_us` after it was sent.
    pub fn end(&self, latency_us: u64, rule: &GradientRule, now: Mono, rng: &mut Rng) {
        self.forget();
        self.latency_us.fetch_add(latency_us, Relaxed);
        let answers = self.answers.fetch_add(1, Relaxed) + 1;
        let ends = self.window_ends.load(Relaxed);
        if ends == 0 {
            let first = now.after(rule.window).0;
            // Whoever loses here came in the same moment.
            let _ = self.window_ends.compare_exchange(0, first, Relaxed, Relaxed);
        } else if now.0 >= ends && answers >= ANSWERS_MIN {
            self.end_window(rule, now, rng);
        }
    }

    /// A request has ended so long after it was sent, without an answer or with one that is only an error. It says
    /// something only where it took longer than answers may.
    pub fn end_failed(&self, after_us: u64, rule: &GradientRule, now: Mono, rng: &mut Rng) {
        let allowed_us = self.allowed_us.load(Relaxed);
        if allowed_us > 0 && after_us > allowed_us {
            self.end(after_us, rule, now, rng);
        } else {
            self.forget();
        }
    }

    /// How many requests may be under way at once.
    #[must_use]
    pub fn limit(&self, rule: &GradientRule) -> u32 {
        match self.limit.load(Relaxed) {
            0 => rule.min,
            found => found.min(rule.max.max(rule.min)),
        }
    }

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// How many more may begin now.
    #[must_use]
    pub fn room(&self, rule: &GradientRule) -> u32 {
        self.limit(rule).saturating_sub(self.in_flight())
    }

    fn end_window(&self, rule: &GradientRule, now: Mono, rng: &mut Rng) {
        // Whoever finds somebody at it leaves it to that one.
        let mut course = match self.course.try_lock() {
            Ok(course) => course,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if now.0 < self.window_ends.load(Relaxed) {
            return;
        }
        let answers = self.answers.swap(0, Relaxed);
        let latency_us = self.latency_us.swap(0, Relaxed);
        let peak = self.peak.swap(self.in_flight(), Relaxed);
        if answers > 0 {
            let latency_us = latency_us as f64 / f64::from(answers);
            let limit = course.step(Window { latency_us, peak }, rule, now, rng);
            self.limit.store(limit, Relaxed);
            self.allowed_us.store(course.allowed_us(rule) as u64, Relaxed);
        }
        self.window_ends.store(now.after(course.window(rule)).0, Relaxed);
    }
}

/// How a limit is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientRule {
    /// The limit at first, and never less but during a measurement; at least 1.
    pub min: u32,
    /// The limit is never more.
    pub max: u32,
    /// How much slower than unhurried answers may get, in parts of 1.0.
    pub tolerance: f64,
    /// How long latencies are gathered.
    pub window: Duration,
    /// How often it is measured how long answers take unhurried.
    pub measure_every: Duration,
}

/// What a window has shown.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// How long answers took.
    latency_us: f64,
    /// The most that were under way.
    peak: u32,
}

/// Where the search for the limit stands.
#[derive(Debug, Default)]
struct Course {
    limit: f64,
    /// How long answers take unhurried; 0 while that is not known.
    unhurried_us: f64,
    stage: Stage,
    measurement: Measurement,
    measure_at: Mono,
    /// The limit that the last measurement was for.
    measured_limit: f64,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    /// The limit doubles until answers get slower.
    #[default]
    Start,
    /// The limit follows the ratio.
    Follow,
    /// The limit is lowered for a measurement; what is under way is from before.
    Drain,
    /// The limit is lowered, and nothing is under way that began before.
    Measure,
}

/// How long answers take at lower and lower limits.
#[derive(Debug, Default)]
struct Measurement {
    began: Mono,
    limit: f64,
    /// How long they took at twice the limit.
    before_us: f64,
}

impl Course {
    /// Takes in a window. The limit of the next one.
    fn step(&mut self, window: Window, rule: &GradientRule, now: Mono, rng: &mut Rng) -> u32 {
        self.limit = self.limit.max(f64::from(rule.min));
        match self.stage {
            Stage::Start => self.start(window, rule, now),
            Stage::Follow => self.follow(window, rule, now),
            Stage::Drain => self.stage = Stage::Measure,
            Stage::Measure => self.measure(window.latency_us, rule, now, rng),
        }
        self.limit = self.limit.clamp(f64::from(rule.min), f64::from(rule.max.max(rule.min)));
        let lowered = matches!(self.stage, Stage::Drain | Stage::Measure);
        let limit = if lowered { self.measurement.limit } else { self.limit };
        (limit as u32).max(1)
    }

    fn start(&mut self, window: Window, rule: &GradientRule, now: Mono) {
        if self.unhurried_us == 0.0 || window.latency_us < self.unhurried_us {
            self.unhurried_us = window.latency_us;
        }
        if self.ratio(window, rule) < 1.0 {
            self.begin_measurement(window, rule, now);
        } else if self.is_used(window) {
            self.limit *= 2.0;
        }
    }

    fn follow(&mut self, window: Window, rule: &GradientRule, now: Mono) {
        if window.latency_us < self.unhurried_us {
            self.unhurried_us += (window.latency_us - self.unhurried_us) * DRIFT;
        }
        if self.is_used(window) {
            let wanted = self.limit * self.ratio(window, rule) + self.limit.sqrt();
            self.limit += (wanted - self.limit) * SMOOTHING;
        }
        let since = self.limit / self.measured_limit;
        if now >= self.measure_at || !(0.5..=2.0).contains(&since) {
            self.begin_measurement(window, rule, now);
        }
    }

    fn begin_measurement(&mut self, window: Window, rule: &GradientRule, now: Mono) {
        let limit = (self.limit / 2.0).max(1.0);
        self.measurement = Measurement { began: now, limit, before_us: window.latency_us };
        // Where there is nothing to find, nobody is held up for it.
        self.stage = if rule.min < rule.max { Stage::Drain } else { Stage::Follow };
    }

    /// Answers that got faster by a lower limit were hurried at the one before, and may be so still.
    fn measure(&mut self, latency_us: f64, rule: &GradientRule, now: Mono, rng: &mut Rng) {
        let Measurement { limit, before_us, .. } = self.measurement;
        let fell = latency_us < before_us * FALLEN && latency_us + SLACK_US < before_us;
        if fell && limit > 1.0 {
            self.measurement.limit = (limit / 2.0).max(1.0);
            self.measurement.before_us = latency_us;
            self.stage = Stage::Drain;
            return;
        }
        self.unhurried_us = latency_us.min(self.unhurried_us * RAISE_MAX);
        self.stage = Stage::Follow;
        self.plan_measurement(rule, now, rng);
    }

    /// Not all proxies before a service measure at once, and none measures for more than a small part of the time.
    fn plan_measurement(&mut self, rule: &GradientRule, now: Mono, rng: &mut Rng) {
        let jitter = 0.75 + (rng.u64() >> 11) as f64 / (1u64 << 53) as f64 / 2.0;
        let took = Duration::from_micros(now.since_us(self.measurement.began));
        self.measure_at = now.after(rule.measure_every.mul_f64(jitter).max(took * REST));
        self.measured_limit = self.limit;
    }

    /// How long the next window is at least.
    fn window(&self, rule: &GradientRule) -> Duration {
        let whole_us = match self.stage {
            // What began before the limit was lowered is to be gone.
            Stage::Drain => self.measurement.before_us.min(self.unhurried_us * DRAIN_MAX),
            _ => self.unhurried_us,
        };
        rule.window.max(Duration::from_micros(whole_us as u64))
    }

    /// How long answers may take.
    fn allowed_us(&self, rule: &GradientRule) -> f64 {
        self.unhurried_us + (self.unhurried_us * rule.tolerance).max(SLACK_US)
    }

    /// 1 where answers are as fast as they may be, and less where they are slower.
    fn ratio(&self, window: Window, rule: &GradientRule) -> f64 {
        (self.allowed_us(rule) / window.latency_us.max(1.0)).clamp(RATIO_MIN, 1.0)
    }

    /// Whether the limit was felt. Where it was not, latency says nothing about it.
    fn is_used(&self, window: Window) -> bool {
        f64::from(window.peak) >= self.limit / 2.0
    }
}

/// Fewer answers say little.
const ANSWERS_MIN: u32 = 32;
/// The most that a window takes off is half of the limit.
const RATIO_MIN: f64 = 0.5;
/// How much of what is found a window changes.
const SMOOTHING: f64 = 0.5;
/// How much of a better latency is believed at once.
const DRIFT: f64 = 0.1;
/// Answers are never so fast that this much more would be a sign of a crowd.
const SLACK_US: f64 = 2_000.0;
/// What half of the limit leaves of the latency at most, where the limit was more than there are hands.
const FALLEN: f64 = 0.8;
/// How many times longer than before a measurement finds that answers take unhurried, at most.
const RAISE_MAX: f64 = 2.0;
/// How many times longer than unhurried is waited for what is under way.
const DRAIN_MAX: f64 = 10.0;
/// How many times longer than a measurement the pause after it is.
const REST: u32 = 20;

#[cfg(test)]
mod tests;
