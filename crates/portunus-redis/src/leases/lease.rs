//! What one worker holds of one budget. Pure: the time is passed in.

use std::rc::Rc;

use portunus_base::Mono;
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::script::{Admission, Answer, RATES, Take};

/// What one worker holds of one budget.
#[derive(Debug, Default)]
pub(super) struct Lease {
    tokens: u32,
    /// How many to ask for next.
    size: u32,
    /// How many may be held unspent.
    batch: u32,
    /// When Redis answered last.
    asked: Mono,
    /// When Redis gave the oldest of the tokens.
    held: Mono,
    /// Until then `refused_cost` cannot pass, by the last answer.
    refused_until: Mono,
    refused_cost: u32,
    /// What Redis said of the rates when it answered last.
    each: SmallVec<[Admission; RATES]>,
    /// Somebody asks, and tells when the answer is there.
    pub(super) asking: Option<Rc<Notify>>,
    /// What requests wait for.
    pub(super) waiting: u32,
}

/// What became of a request at a lease.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// It passes, or is refused by what Redis said just now.
    Local(Answer),
    /// Redis must be asked.
    Short,
}

impl Lease {
    pub(super) fn take(&mut self, cost: u32, now: Mono) -> Taken {
        let age = now.since_us(self.asked);
        if cost <= self.tokens && age < KEPT_US {
            self.tokens -= cost;
            return Taken::Local(self.answer(true, cost, now));
        }
        if now < self.refused_until && cost >= self.refused_cost {
            return Taken::Local(self.answer(false, cost, now));
        }
        Taken::Short
    }

    /// So few tokens that it is time to ask for more.
    pub(super) fn is_low(&self) -> bool {
        self.size >= AHEAD_MIN && self.tokens < self.size / 4
    }

    /// What to ask for, when `need` cannot wait and at most `batch` may be held.
    pub(super) fn wish(&mut self, need: u32, batch: u32, now: Mono) -> Take {
        let age = now.since_us(self.asked);
        self.batch = batch;
        self.size = match self.size {
            size if age < BUSY_US => size.saturating_mul(2),
            size if age > IDLE_US => size / 2,
            size => size,
        };
        self.size = self.size.clamp(1, batch.max(1));
        let back = if age >= KEPT_US { std::mem::take(&mut self.tokens) } else { 0 };
        let lacking = need.saturating_sub(self.tokens);
        let others = self.waiting.saturating_sub(need);
        let held = self.tokens.saturating_sub(need);
        // A lease of one is what this request takes itself.
        let size = if need == 0 { self.size } else { self.size - 1 };
        let want = lacking.saturating_add(others).saturating_add(size.saturating_sub(held));
        let back_age_us = now.since_us(self.held);
        Take { need: lacking.max(1), want: want.max(1), force: false, back, back_age_us }
    }

    /// Puts in what Redis gave.
    pub(super) fn fill(&mut self, take: &Take, answer: &Answer, now: Mono) {
        if self.tokens == 0 {
            self.held = now;
        }
        self.tokens = self.tokens.saturating_add(answer.taken);
        self.asked = now;
        self.each.clone_from(&answer.each);
        if answer.allowed {
            self.refused_until = Mono(0);
        } else {
            let wait = answer.tightest().retry_after_us.min(REFUSED_MAX_US);
            self.refused_until = Mono(now.0.saturating_add(wait));
            self.refused_cost = self.tokens.saturating_add(take.need);
        }
    }

    /// A request waits no more. What was brought for those that went away is not held beyond the batch.
    pub(super) fn leave(&mut self, cost: u32) {
        self.waiting = self.waiting.saturating_sub(cost);
        if self.waiting == 0 {
            self.tokens = self.tokens.min(self.batch);
        }
    }

    /// What Redis said, with what has been spent and the time that has passed since.
    fn answer(&self, allowed: bool, cost: u32, now: Mono) -> Answer {
        let age = now.since_us(self.asked);
        let of = |rate: &Admission| Admission {
            allowed: allowed || rate.allowed,
            remaining: rate.remaining.saturating_add(u64::from(self.tokens)),
            retry_after_us: if allowed { 0 } else { rate.retry_after_us.saturating_sub(age) },
            reset_us: rate.reset_us.saturating_sub(age),
        };
        Answer { allowed, each: self.each.iter().map(of).collect(), taken: cost }
    }
}

/// A lease of this size asks ahead.
const AHEAD_MIN: u32 = 8;
/// A lease that is spent within a second was too small.
const BUSY_US: u64 = 1_000_000;
/// A lease that lasts longer than that was too large.
const IDLE_US: u64 = 5_000_000;
/// How long tokens are held.
pub(super) const KEPT_US: u64 = 10_000_000;
/// A refusal is believed that long: others may have given tokens back.
const REFUSED_MAX_US: u64 = 1_000_000;

#[cfg(test)]
mod tests;
