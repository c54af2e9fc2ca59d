//! The counters of a limit, for several rates at once.

use std::sync::Arc;

use portunus_base::hash_pair;
use portunus_filter::BuildCx;
use portunus_resilience::{Admission, Budget, Gcra, SlidingWindow, Window};

use super::Algorithm;
use super::rates::Rates;
use crate::answer::Outcome;
use crate::meter::Ask;

/// The counters of a limit.
#[derive(Debug)]
pub(super) enum Counters {
    /// One table for all rates: the key tells them apart.
    Gcra(Arc<Gcra>),
    /// A table for each rate.
    Sliding(Arc<Vec<SlidingWindow>>),
}

impl Counters {
    /// The counters of that name: those that there are, or new ones.
    pub(super) fn build(
        state: &str,
        algorithm: Algorithm,
        rates: &Rates,
        room: usize,
        cx: &BuildCx<'_, '_>,
    ) -> Self {
        match algorithm {
            Algorithm::Gcra => {
                Self::Gcra(cx.state(state, || Gcra::new(room * rates.written().len().max(1))))
            }
            Algorithm::SlidingWindow => {
                let windows = rates.written().iter().filter_map(|it| Window::new(it.rate()).ok());
                let tables = || windows.map(|window| SlidingWindow::new(window, room)).collect();
                Self::Sliding(cx.state(state, tables))
            }
        }
    }

    /// Takes the cost from all budgets, or from none.
    pub(super) fn admit(&self, budgets: &[Budget], ask: &Ask<'_>) -> Outcome {
        let mut outcome = Outcome { allowed: true, ..Outcome::default() };
        for (at, budget) in budgets.iter().enumerate() {
            let admission = self.admit_one(at, budget, ask);
            outcome.each.push((budget.rate(), admission));
            if !admission.allowed {
                self.give_back(budgets, at, ask);
                return self.refused(budgets, outcome, ask);
            }
        }
        outcome
    }

    /// What [`Counters::admit`] would say.
    pub(super) fn peek(&self, budgets: &[Budget], ask: &Ask<'_>) -> Outcome {
        let look = |(at, budget): (usize, &Budget)| (budget.rate(), self.peek_one(at, budget, ask));
        Outcome::of_all(budgets.iter().enumerate().map(look).collect())
    }

    /// Takes the cost, whether it is there or not.
    pub(super) fn charge(&self, budgets: &[Budget], ask: &Ask<'_>) {
        for (at, budget) in budgets.iter().enumerate() {
            match self {
                Self::Gcra(gcra) => gcra.charge(key_of(ask.key, at), budget, ask.cost, ask.now),
                Self::Sliding(tables) => {
                    tables
                        .get(at)
                        .into_iter()
                        .for_each(|table| table.charge(ask.key, ask.cost, ask.now));
                }
            }
        }
    }

    /// Completes an outcome that ended with a refusal: what the rates say of which nothing was taken.
    fn refused(&self, budgets: &[Budget], outcome: Outcome, ask: &Ask<'_>) -> Outcome {
        if budgets.len() == 1 {
            return Outcome { allowed: false, ..outcome };
        }
        Outcome { allowed: false, ..self.peek(budgets, ask) }
    }

    fn give_back(&self, budgets: &[Budget], count: usize, ask: &Ask<'_>) {
        for (at, budget) in budgets.iter().enumerate().take(count) {
            match self {
                Self::Gcra(gcra) => gcra.refund(key_of(ask.key, at), budget, ask.cost),
                Self::Sliding(tables) => {
                    tables
                        .get(at)
                        .into_iter()
                        .for_each(|table| table.refund(ask.key, ask.cost, ask.now));
                }
            }
        }
    }

    fn admit_one(&self, at: usize, budget: &Budget, ask: &Ask<'_>) -> Admission {
        match self {
            Self::Gcra(gcra) => gcra.admit(key_of(ask.key, at), budget, ask.cost, ask.now),
            Self::Sliding(tables) => {
                tables.get(at).map_or(FREE, |table| table.admit(ask.key, ask.cost, ask.now))
            }
        }
    }

    fn peek_one(&self, at: usize, budget: &Budget, ask: &Ask<'_>) -> Admission {
        match self {
            Self::Gcra(gcra) => gcra.peek(key_of(ask.key, at), budget, ask.cost, ask.now),
            Self::Sliding(tables) => {
                tables.get(at).map_or(FREE, |table| table.peek(ask.key, ask.cost, ask.now))
            }
        }
    }
}

/// The key of a budget among those of one client.
fn key_of(key: u64, at: usize) -> u64 {
    if at == 0 { key } else { hash_pair(key, at as u64) }
}

/// The answer of a table that is not there: each rate has one.
const FREE: Admission =
    Admission { allowed: true, remaining: u64::MAX, retry_after_us: 0, reset_us: 0 };

#[cfg(test)]
mod tests;
