//! A circuit breaker: who fails too often is left alone for a while, and is then tried with a few requests.
//!
//! One is shared by all workers. It is a word of state, and counts of what came out of late in slots of time. Each word
//! is changed by compare-and-swap and stands for itself, so all orderings are `Relaxed`: an outcome that is counted some
//! nanoseconds late moves the moment at which the breaker opens, nothing else.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use portunus_base::Mono;

/// Whether requests pass, and what came of those that did.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Breaker {
    /// [`CLOSED`], or a [`Pause`].
    state: AtomicU64,
    slots: [AtomicU64; SLOTS as usize],
    opened: AtomicU64,
    half_opened: AtomicU64,
    closed: AtomicU64,
}

impl Breaker {
    /// Asks for one request to pass.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn ask(&self, rule: &BreakerRule, now: Mono) -> Result<Pass, Duration> {
        let mut word = self.state.load(Relaxed);
        loop {
            if word == CLOSED {
                return Ok(Pass { probe_of: None });
            }
            let pause = Pause::of(word);
            let left_us = pause.until.since_us(now);
            if left_us > 0 {
                return Err(Duration::from_micros(left_us));
            }
            if pause.taken >= rule.probes() {
                return Err(PROBES_WAIT);
            }
            let next = Pause { taken: pause.taken + 1, ..pause };
            match self.state.compare_exchange_weak(word, next.word(), Relaxed, Relaxed) {
                Ok(_) => {
                    self.half_opened.fetch_add(u64::from(pause.taken == 0), Relaxed);
                    return Ok(Pass { probe_of: Some(pause.until) });
                }
                Err(newer) => word = newer,
            }
        }
    }

    /// Tells what came of a request that passed.
    pub fn settle(&self, pass: Pass, failed: bool, rule: &BreakerRule, now: Mono) {
        match (pass.probe_of, failed) {
            (None, _) => self.count(failed, rule, now),
            (Some(until), true) => {
                let again = Pause::begin(rule, now).word();
                if self.change(until, |_| again).is_some() {
                    self.opened.fetch_add(1, Relaxed);
                }
            }
            (Some(until), false) => self.passed(until, rule),
        }
    }

    /// Nothing came of a request that passed: somebody else may be tried in its place.
    pub fn forget(&self, pass: Pass) {
        if let Some(until) = pass.probe_of {
            let less = |pause: Pause| Pause { taken: pause.taken.saturating_sub(1), ..pause };
            self.change(until, |pause| less(pause).word());
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn stand(&self, now: Mono) -> BreakerStand {
        match self.state.load(Relaxed) {
            CLOSED => BreakerStand::Closed,
            word if Pause::of(word).until.since_us(now) > 0 => BreakerStand::Open,
            _ => BreakerStand::HalfOpen,
        }
    }

    /// How often it came to stand where.
    #[must_use]
    pub fn turns(&self) -> BreakerTurns {
        BreakerTurns {
            opened: self.opened.load(Relaxed),
            half_opened: self.half_opened.load(Relaxed),
            closed: self.closed.load(Relaxed),
        }
    }

    /// A probe was good; the last one that is needed closes the breaker.
    fn passed(&self, until: Mono, rule: &BreakerRule) {
        let is_last = |pause: Pause| pause.passed + 1 >= rule.probes();
        let now = Pause::of(self.state.load(Relaxed));
        if now.until == until && is_last(now) {
            // Before it closes: what is counted from then on must not meet the failures that opened it.
            self.slots.iter().for_each(|slot| slot.store(0, Relaxed));
        }
        let before = self.change(until, |pause| match is_last(pause) {
            true => CLOSED,
            false => Pause { passed: pause.passed + 1, ..pause }.word(),
        });
        self.closed.fetch_add(u64::from(before.is_some_and(is_last)), Relaxed);
    }

    /// Changes the state, if it is still the pause until then. What it was before the change.
    fn change(&self, until: Mono, step: impl Fn(Pause) -> u64) -> Option<Pause> {
        let same = |word: u64| word != CLOSED && Pause::of(word).until == until;
        let step = |word| same(word).then(|| step(Pause::of(word)));
        self.state.fetch_update(Relaxed, Relaxed, step).ok().map(Pause::of)
    }

    fn count(&self, failed: bool, rule: &BreakerRule, now: Mono) {
        let number = rule.slot_number(now);
        let Some(slot) = self.slots.get((number % SLOTS) as usize) else { return };
        let step = |word| Some(Tally::of(word).at(number).with(failed).word());
        // The step never declines.
        let _ = slot.fetch_update(Relaxed, Relaxed, step);
        if failed && self.is_too_much(rule, number) {
            let pause = Pause::begin(rule, now).word();
            let opens = self.state.compare_exchange(CLOSED, pause, Relaxed, Relaxed);
            self.opened.fetch_add(u64::from(opens.is_ok()), Relaxed);
        }
    }

    fn is_too_much(&self, rule: &BreakerRule, number: u64) -> bool {
        let tallies = self.slots.iter().map(|slot| Tally::of(slot.load(Relaxed)));
        let recent = tallies.filter(|tally| tally.is_recent(number));
        let add = |(all, bad), tally: Tally| (all + tally.requests, bad + tally.failures);
        let (requests, failures) = recent.fold((0, 0), add);
        requests >= u64::from(rule.min_requests)
            && failures as f64 >= rule.error_rate * requests as f64
    }
}

/// When a breaker opens and how it closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerRule {
    /// The share of failures from which on it opens, in parts of 1.0.
    pub error_rate: f64,
    /// The span in which outcomes count; an eighth of it is how fine it slides.
    pub over: Duration,
    /// How long it lets nothing pass.
    pub open_for: Duration,
    /// Fewer outcomes than this within the span say nothing.
    pub min_requests: u32,
    /// How many requests pass after that, and must be good for it to close; 1 to 255.
    pub probes: u32,
}

impl BreakerRule {
    fn probes(&self) -> u64 {
        u64::from(self.probes).clamp(1, PROBES_MAX)
    }

    fn slot_number(&self, now: Mono) -> u64 {
        let over_us = u64::try_from(self.over.as_micros()).unwrap_or(u64::MAX);
        (now.0 / (over_us / SLOTS).max(1)) & NUMBER_MAX
    }
}

/// A request passed; what comes of it is to be told with this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Pass {
    /// The end of the pause that it is a probe after.
    probe_of: Option<Mono>,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BreakerStand {
    /// All requests pass.
    Closed,
    /// A few pass, to see.
    HalfOpen,
    /// None passes.
    Open,
}

/// How often a breaker came to stand where.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BreakerTurns {
    /// It opened.
    pub opened: u64,
    /// It let requests pass, to see.
    pub half_opened: u64,
    /// It closed.
    pub closed: u64,
}

/// A breaker that is open, and later half-open.
#[derive(Clone, Copy)]
struct Pause {
    until: Mono,
    /// Probes that passed and were not forgotten.
    taken: u64,
    /// Those of them that were good.
    passed: u64,
}

impl Pause {
    fn begin(rule: &BreakerRule, now: Mono) -> Self {
        let until = now.after(rule.open_for).0.clamp(1, UNTIL_MAX);
        Self { until: Mono(until), taken: 0, passed: 0 }
    }

    fn of(word: u64) -> Self {
        let until = Mono(word >> (2 * PROBES_BITS));
        Self { until, taken: word >> PROBES_BITS & PROBES_MAX, passed: word & PROBES_MAX }
    }

    fn word(self) -> u64 {
        (self.until.0 << PROBES_BITS | self.taken) << PROBES_BITS | self.passed
    }
}

/// What came out within one slot of time.
#[derive(Clone, Copy)]
struct Tally {
    number: u64,
    requests: u64,
    failures: u64,
}

impl Tally {
    fn of(word: u64) -> Self {
        let (requests, failures) = (word & COUNT_MAX, word >> COUNT_BITS & COUNT_MAX);
        Self { number: word >> (2 * COUNT_BITS), requests, failures }
    }

    fn word(self) -> u64 {
        (self.number << COUNT_BITS | self.failures) << COUNT_BITS | self.requests
    }

    /// The tally for an outcome of now: an empty one where this one is old. Another worker's clock may be ahead.
    fn at(self, number: u64) -> Self {
        let is_old = (1..=NUMBER_MAX / 2).contains(&age(number, self.number));
        if is_old { Self { number, requests: 0, failures: 0 } } else { self }
    }

    /// One outcome more. A full tally loses half of both counts: their ratio is what matters.
    fn with(self, failed: bool) -> Self {
        let full = u32::from(self.requests == COUNT_MAX);
        let (requests, failures) = (self.requests >> full, self.failures >> full);
        Self { requests: requests + 1, failures: failures + u64::from(failed), ..self }
    }

    fn is_recent(self, number: u64) -> bool {
        age(number, self.number) < SLOTS || age(self.number, number) == 1
    }
}

/// How many slots `number` is behind `now`; numbers come round.
fn age(now: u64, number: u64) -> u64 {
    now.wrapping_sub(number) & NUMBER_MAX
}

const CLOSED: u64 = 0;
/// Slots of the span. A power of two, so that places stay in order when numbers come round.
const SLOTS: u64 = 8;
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const NUMBER_MAX: u64 = (1 << (64 - 2 * COUNT_BITS)) - 1;
const PROBES_BITS: u32 = 8;
const PROBES_MAX: u64 = (1 << PROBES_BITS) - 1;
/// Microseconds since the start of the process, for nearly nine years.
const UNTIL_MAX: u64 = u64::MAX >> (2 * PROBES_BITS);
/// While probes are under way, their outcome is soon known.
const PROBES_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
