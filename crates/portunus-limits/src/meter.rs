//! What `rate_limit` and `quota` have in common: whose request it is, what it costs, and what is answered.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portunus_base::{Mono, Wall};
use portunus_exchange::{Exchange, Phase, PhaseSet, Reason};
use portunus_filter::{
    Again, BuildCx, Filter, FilterCx, Interest, LocalFuture, Patch, Resume, SlotId, Verdict,
};
use portunus_identity::Plan;
use portunus_resilience::Seed;
use portunus_spec::Spanned;

use crate::answer::{self, Decisions, HeadersChoice, Outcome, Teller};
use crate::cost::Cost;
use crate::key::{Keys, PerSpec};
use crate::written::{Missing, NoPlan};

/// Counts for whom it is asked.
pub(crate) trait Counting: Send + Sync + 'static {
    /// The reason of refusals.
    const REASON: &'static str;
    /// What refusals say.
    const DETAIL: &'static str;

    /// Whether the limits are those of plans. Then the plan of whoever asks is given to all that follows.
    fn is_by_plan(&self) -> bool;

    /// The most that is ever given at once.
    fn largest(&self, plan: Option<&Plan>) -> u64;

    /// Takes the cost, if it is there.
    fn admit(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked;

    /// What would be said, without taking anything.
    fn peek(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked;

    /// Takes the cost, whether it is there or not.
    fn charge(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>);

    /// What to say where the shared store does not answer.
    fn failed(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked;
}

/// What is asked for.
pub(crate) struct Ask<'a> {
    pub(crate) key: u64,
    /// What the key is made of.
    pub(crate) parts: &'a [u8],
    pub(crate) cost: u64,
    pub(crate) plan: Option<&'a Plan>,
    pub(crate) now: Mono,
    pub(crate) wall: Wall,
}

/// What was answered.
#[expect(clippy::large_enum_variant, reason = "it is the usual one, and lives on the stack")]
pub(crate) enum Asked {
    /// At once.
    Now(Outcome),
    /// By the shared store, which takes a while; `None` when it does not answer.
    Later(LocalFuture<Option<Outcome>>),
    /// Nothing: no limit holds.
    Free,
    /// Nothing: the shared store does not answer.
    Failed,
    /// Nothing, and so the request must not pass.
    Closed,
}

/// The filter of a limit.
pub(crate) struct Meter<C> {
    counting: C,
    keys: Keys,
    cost: Cost,
    missing: Missing,
    no_plan: NoPlan,
    teller: Teller,
    dry_run: bool,
    decisions: Decisions,
    slot: SlotId,
    /// What it knows its requests by.
    mark: [u8; 8],
}

/// The settings of a meter.
pub(crate) struct MeterSpec<'a> {
    pub(crate) per: &'a [Spanned<PerSpec>],
    pub(crate) ipv6_prefix: &'a Spanned<u16>,
    pub(crate) cost: Cost,
    pub(crate) missing: Missing,
    /// `None` where it makes no sense.
    pub(crate) no_plan: Option<NoPlan>,
    pub(crate) name: Option<&'a Spanned<String>>,
    pub(crate) headers: HeadersChoice,
    pub(crate) dry_run: bool,
}

impl<C: Counting> Meter<C> {
    pub(crate) fn build(
        spec: MeterSpec<'_>,
        seed: Seed,
        counting: Option<C>,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Arc<dyn Filter>> {
        let keys = Keys::build(spec.per, spec.ipv6_prefix, seed, cx);
        let teller = Teller::build(spec.name, spec.headers, cx);
        let (counting, keys, teller, no_plan) = (counting?, keys?, teller?, spec.no_plan?);
        let decisions = Decisions::build(cx);
        Some(Arc::new(Self {
            counting,
            keys,
            cost: spec.cost,
            missing: spec.missing,
            no_plan,
            teller,
            dry_run: spec.dry_run,
            decisions,
            slot: cx.slot(),
            mark: next_mark(),
        }))
    }

    /// Whose request it is; what to answer where it is nobody's.
    fn key(&self, exchange: &Exchange, wall: Wall, scratch: &mut Vec<u8>) -> Result<u64, Verdict> {
        match (self.keys.key(exchange, wall, scratch), self.missing) {
            (Some(key), _) => Ok(key),
            (None, Missing::Share) => Ok(self.keys.of_the_rest(scratch)),
            (None, Missing::Skip) => Err(Verdict::Continue),
            (None, Missing::Refuse) => Err(Verdict::reply(answer::no_key())),
        }
    }

    fn plan(&self, exchange: &Exchange) -> Option<Arc<Plan>> {
        let identity = exchange.identity.as_ref().filter(|_| self.counting.is_by_plan())?;
        identity.consumer.as_ref()?.plan.clone()
    }
}

impl<C: Counting> Filter for Meter<C> {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request);
        let phases = if self.cost.is_known_after() { phases.with(Phase::Finish) } else { phases };
        Interest { phases, ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        if self.counting.is_by_plan() && self.plan(exchange).is_none() {
            return self.without_plan(cx);
        }
        let ask = |counting: &C, ask: &Ask<'_>, cx: &mut FilterCx<'_>| {
            let only_looks = cx.offline || self.cost.is_known_after();
            if only_looks { counting.peek(ask, cx) } else { counting.admit(ask, cx) }
        };
        self.asking(exchange, cx, ask)
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let answer = again.state.and_then(|state| state.downcast::<Option<Outcome>>().ok());
        let answer = answer.and_then(|answer| *answer);
        self.asking(exchange, cx, |_, _, _| answer.map_or(Asked::Failed, Asked::Now))
    }

    fn on_finish(&self, exchange: &Exchange, cx: &mut FilterCx<'_>) {
        if cx.offline || exchange.reason == Some(Reason(C::REASON)) {
            return;
        }
        let mut scratch = std::mem::take(cx.local::<Vec<u8>>(self.slot));
        scratch.clear();
        if let Some(parts) = self.noted(exchange) {
            scratch.extend_from_slice(parts);
            let key = self.keys.of(&scratch);
            let plan = self.plan(exchange);
            let cost = self.cost.after(exchange);
            let (plan, parts) = (plan.as_deref(), scratch.as_slice());
            self.counting.charge(&Ask { key, parts, cost, plan, now: cx.now, wall: cx.wall }, cx);
        }
        *cx.local(self.slot) = scratch;
    }
}

impl<C: Counting> Meter<C> {
    /// Remembers whose request it was, for when its cost is known: a filter before this one may have answered it, and a
    /// later one may change what the key is read from.
    fn note(&self, exchange: &mut Exchange, parts: &[u8]) {
        if self.noted(exchange).is_some() {
            return;
        }
        let mut all = exchange.attributes.value(NOTED).unwrap_or_default().to_vec();
        all.extend_from_slice(&self.mark);
        all.extend_from_slice(&(parts.len() as u64).to_le_bytes());
        all.extend_from_slice(parts);
        exchange.attributes.set(NOTED, &all);
    }

    /// What the key of the request was made of, if it came here.
    fn noted<'e>(&self, exchange: &'e Exchange) -> Option<&'e [u8]> {
        let mut rest = exchange.attributes.value(NOTED)?;
        loop {
            let (mark, after) = rest.split_first_chunk::<8>()?;
            let (length, after) = after.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (parts, after) = after.split_at_checked(length)?;
            if *mark == self.mark {
                return Some(parts);
            }
            rest = after;
        }
    }

    fn without_plan(&self, cx: &mut FilterCx<'_>) -> Verdict {
        cx.note(|| "nobody who has a plan".to_owned());
        match self.no_plan {
            NoPlan::Skip => Verdict::Continue,
            NoPlan::Refuse => {
                cx.count(self.decisions.of(false, self.dry_run));
                if self.dry_run { Verdict::Continue } else { Verdict::reply(answer::no_plan()) }
            }
        }
    }

    /// Asks for the request, and does as is answered.
    fn asking(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        ask: impl FnOnce(&C, &Ask<'_>, &mut FilterCx<'_>) -> Asked,
    ) -> Verdict {
        // The buffer is taken out for as long as the counters need the rest of the worker.
        let mut scratch = std::mem::take(cx.local::<Vec<u8>>(self.slot));
        let verdict = match self.key(exchange, cx.wall, &mut scratch) {
            Err(verdict) => verdict,
            Ok(key) => {
                if self.cost.is_known_after() {
                    self.note(exchange, &scratch);
                }
                let plan = self.plan(exchange);
                let largest = || self.counting.largest(plan.as_deref());
                let cost = self.cost.before(exchange, largest);
                let (now, wall) = (cx.now, cx.wall);
                let asks = Ask { key, parts: &scratch, cost, plan: plan.as_deref(), now, wall };
                let asked = match ask(&self.counting, &asks, cx) {
                    Asked::Failed => self.counting.failed(&asks, cx),
                    asked => asked,
                };
                self.settle(asked, plan.as_deref(), exchange, &mut scratch, cx)
            }
        };
        *cx.local(self.slot) = scratch;
        verdict
    }

    fn settle(
        &self,
        asked: Asked,
        plan: Option<&Plan>,
        exchange: &mut Exchange,
        scratch: &mut Vec<u8>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let wall = cx.wall;
        let outcome = match asked {
            Asked::Now(outcome) => outcome,
            Asked::Later(wait) => {
                return Verdict::Suspend(Box::pin(async move {
                    let state: Box<dyn Any> = Box::new(wait.await);
                    Resume::Again(Patch::default(), Again { step: 0, state: Some(state) })
                }));
            }
            Asked::Closed if !self.dry_run => return Verdict::reply(answer::no_store()),
            Asked::Free | Asked::Failed | Asked::Closed => {
                cx.note(|| format!("{}: not limited", self.keys.shown(exchange, wall)));
                return Verdict::Continue;
            }
        };
        cx.note(|| format!("{}: {}", self.keys.shown(exchange, wall), outcome.shown()));
        cx.count(self.decisions.of(outcome.allowed, self.dry_run));
        if !self.dry_run {
            self.teller.tell(plan, &outcome, exchange, scratch);
        }
        match outcome.allowed || self.dry_run {
            true => Verdict::Continue,
            false => Verdict::reply(outcome.refusal(C::REASON, C::DETAIL)),
        }
    }
}

fn next_mark() -> [u8; 8] {
    static MARKS: AtomicU64 = AtomicU64::new(0);
    MARKS.fetch_add(1, Ordering::Relaxed).to_le_bytes()
}

/// The attribute with what keys were made of, for filters whose cost is known afterwards.
const NOTED: &str = "limit_noted";
