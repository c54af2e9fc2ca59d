//! A circuit breaker: who fails too often is left alone for a while, and is then tried with a few requests.
//!
//! One is shared by all workers. It is a word of state, and counts of what came out of late in slots of time. Each word
//! is changed by compare-and-swap and stands for itself, so all orderings are `Relaxed`: an outcome that is counted some
//! nanoseconds late moves the moment at which the breaker opens, nothing else.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use portunus_base::Mono;

use crate::sync::AtomicU64;

/// Whether requests pass, and what came of those that did.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Breaker {
    /// A [`State`].
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
            let state = State::of(word);
            if state.is_closed() {
                return Ok(Pass { epoch: state.epoch, is_probe: false });
            }
            let left_us = state.left_us(now);
            if left_us > 0 {
                return Err(Duration::from_micros(left_us));
            }
            // The rule may want fewer than it did.
            if state.passed >= rule.probes() {
                self.close(word);
                word = self.state.load(Relaxed);
                continue;
            }
            let next = state.with_probe(rule, now).ok_or(PROBES_WAIT)?;
            match self.state.compare_exchange_weak(word, next.word(), Relaxed, Relaxed) {
                Ok(_) => {
                    self.half_opened.fetch_add(u64::from(!state.tried), Relaxed);
                    return Ok(Pass { epoch: state.epoch, is_probe: true });
                }
                Err(newer) => word = newer,
            }
        }
    }

    /// Tells what came of a request that passed. What passed before the breaker opened says nothing any more.
    pub fn settle(&self, pass: Pass, failed: bool, rule: &BreakerRule, now: Mono) {
        match (pass.is_probe, failed) {
            (false, _) => self.count(pass, failed, rule, now),
            (true, true) => {
                if self.change(pass, |state| state.open(rule, now)).is_some() {
                    self.opened.fetch_add(1, Relaxed);
                }
            }
            (true, false) => self.passed(pass, rule),
        }
    }

    /// Nothing came of a request that passed: somebody else may be tried in its place.
    pub fn forget(&self, pass: Pass) {
        if pass.is_probe {
            let less = |state: State| state.taken.saturating_sub(1).max(state.passed);
            self.change(pass, |state| State { taken: less(state), ..state });
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn stand(&self, now: Mono) -> BreakerStand {
        match State::of(self.state.load(Relaxed)) {
            state if state.is_closed() => BreakerStand::Closed,
            state if state.left_us(now) > 0 => BreakerStand::Open,
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
    fn passed(&self, pass: Pass, rule: &BreakerRule) {
        let more = |state: State| State {
            passed: (state.passed + 1).min(PROBES_MAX),
            taken: state.taken.max(state.passed + 1).min(PROBES_MAX),
            ..state
        };
        if let Some(before) = self.change(pass, more)
            && more(before).passed >= rule.probes()
        {
            self.close(more(before).word());
        }
    }

    /// Closes the breaker, if it still is in this state. Whoever changed it meanwhile sees that it is to be closed, or
    /// has opened it again.
    fn close(&self, word: u64) {
        // Before it closes: what is counted from then on must not meet the failures that opened it.
        self.slots.iter().for_each(|slot| slot.store(0, Relaxed));
        let closed = State::of(word).closed().word();
        let closes = self.state.compare_exchange(word, closed, Relaxed, Relaxed);
        self.closed.fetch_add(u64::from(closes.is_ok()), Relaxed);
    }

    /// Changes the state, if the pass is still one of its probes. What it was before the change.
    fn change(&self, pass: Pass, step: impl Fn(State) -> State) -> Option<State> {
        let same = |state: &State| !state.is_closed() && state.epoch == pass.epoch;
        let step = |word| Some(State::of(word)).filter(same).map(|state| step(state).word());
        self.state.fetch_update(Relaxed, Relaxed, step).ok().map(State::of)
    }

    fn count(&self, pass: Pass, failed: bool, rule: &BreakerRule, now: Mono) {
        let closed = State { epoch: pass.epoch, ..State::default() };
        if self.state.load(Relaxed) != closed.word() {
            return;
        }
        let number = rule.slot_number(now);
        let Some(slot) = self.slots.get((number % SLOTS) as usize) else { return };
        let step = |word| Some(Tally::of(word).at(number).with(failed).word());
        // The step never declines.
        let _ = slot.fetch_update(Relaxed, Relaxed, step);
        if failed && self.is_too_much(rule, number) {
            let open = closed.open(rule, now).word();
            let opens = self.state.compare_exchange(closed.word(), open, Relaxed, Relaxed);
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
    /// What the breaker's epoch was.
    epoch: u64,
    /// The breaker was half-open.
    is_probe: bool,
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

/// Where a breaker stands, all of it in one word.
#[derive(Clone, Copy, Default)]
struct State {
    /// The end of the pause, in milliseconds; 0 while it is closed. Once tried: since when there are probes without a
    /// break.
    until_ms: u64,
    /// How often it opened; comes round.
    epoch: u64,
    /// The pause is over: a probe has passed.
    tried: bool,
    /// Probes that passed, and were neither forgotten nor too old.
    taken: u64,
    /// Those of them that were good.
    passed: u64,
}

impl State {
    fn is_closed(self) -> bool {
        self.until_ms == 0
    }

    fn closed(self) -> Self {
        Self { epoch: self.epoch, ..Self::default() }
    }

    fn open(self, rule: &BreakerRule, now: Mono) -> Self {
        let until_ms = millis(now.after(rule.open_for));
        Self { until_ms, epoch: (self.epoch + 1) & EPOCH_MAX, ..Self::default() }
    }

    /// How much of the pause is left.
    fn left_us(self, now: Mono) -> u64 {
        if self.tried { 0 } else { Mono(self.until_ms * MS).since_us(now) }
    }

    /// One probe more. Those that nothing came of for as long as a pause takes hold nobody up any longer: they only
    /// count if something comes of them.
    fn with_probe(self, rule: &BreakerRule, now: Mono) -> Option<Self> {
        let open_for_us = u64::try_from(rule.open_for.as_micros()).unwrap_or(u64::MAX);
        let are_old = now.since_us(Mono(self.until_ms * MS)) >= open_for_us.max(MS);
        let taken = if are_old { self.passed } else { self.taken };
        let begins = !self.tried || taken == self.passed;
        let until_ms = if begins { millis(now) } else { self.until_ms };
        let next = Self { until_ms, tried: true, taken: taken + 1, ..self };
        (taken < rule.probes()).then_some(next)
    }

    fn of(word: u64) -> Self {
        let upper = word >> (2 * PROBES_BITS);
        Self {
            until_ms: upper >> (EPOCH_BITS + 1),
            epoch: upper >> 1 & EPOCH_MAX,
            tried: upper & 1 == 1,
            taken: word >> PROBES_BITS & PROBES_MAX,
            passed: word & PROBES_MAX,
        }
    }

    fn word(self) -> u64 {
        let upper = (self.until_ms << EPOCH_BITS | self.epoch) << 1 | u64::from(self.tried);
        (upper << PROBES_BITS | self.taken) << PROBES_BITS | self.passed
    }
}

/// Whole milliseconds, never none.
fn millis(at: Mono) -> u64 {
    (at.0 / MS).clamp(1, UNTIL_MS_MAX)
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

/// Slots of the span. A power of two, so that places stay in order when numbers come round.
const SLOTS: u64 = 8;
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const NUMBER_MAX: u64 = (1 << (64 - 2 * COUNT_BITS)) - 1;
const PROBES_BITS: u32 = 8;
const PROBES_MAX: u64 = (1 << PROBES_BITS) - 1;
const EPOCH_BITS: u32 = 9;
const EPOCH_MAX: u64 = (1 << EPOCH_BITS) - 1;
/// Milliseconds since the start of the process, for more than eight years.
const UNTIL_MS_MAX: u64 = u64::MAX >> (2 * PROBES_BITS + EPOCH_BITS + 1);
/// A millisecond, in microseconds.
const MS: u64 = 1_000;
/// While probes are under way, their outcome is soon known.
const PROBES_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
