//! What `rate_limit` and `quota` have in common: whose request it is, what it costs, and what is answered.

use std::any::Any;
use std::sync::Arc;

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
use crate::written::Missing;

/// Counts for whom it is asked.
pub(crate) trait Counting: Send + Sync + 'static {
    /// The reason of refusals.
    const REASON: &'static str;
    /// What refusals say.
    const DETAIL: &'static str;

    /// Whether the limits are those of plans. Then the plan of whoever asks is given to all that follows.
    fn is_by_plan(&self) -> bool;

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
    teller: Teller,
    dry_run: bool,
    decisions: Decisions,
    slot: SlotId,
}

/// The settings of a meter.
pub(crate) struct MeterSpec<'a> {
    pub(crate) per: &'a [Spanned<PerSpec>],
    pub(crate) ipv6_prefix: &'a Spanned<u16>,
    pub(crate) cost: Cost,
    pub(crate) missing: Missing,
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
        let (counting, keys, teller) = (counting?, keys?, teller?);
        let decisions = Decisions::build(cx);
        Some(Arc::new(Self {
            counting,
            keys,
            cost: spec.cost,
            missing: spec.missing,
            teller,
            dry_run: spec.dry_run,
            decisions,
            slot: cx.slot(),
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
        if let Ok(key) = self.key(exchange, cx.wall, &mut scratch) {
            let plan = self.plan(exchange);
            let cost = self.cost.after(exchange);
            let (plan, parts) = (plan.as_deref(), scratch.as_slice());
            self.counting.charge(&Ask { key, parts, cost, plan, now: cx.now, wall: cx.wall }, cx);
        }
        *cx.local(self.slot) = scratch;
    }
}

impl<C: Counting> Meter<C> {
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
                let plan = self.plan(exchange);
                let cost = self.cost.before(exchange);
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
