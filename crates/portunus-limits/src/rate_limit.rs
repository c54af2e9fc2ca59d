//! `rate_limit`: so many requests in a time, for each client or for all.

mod counters;
mod rates;
mod remote_rates;

use std::sync::Arc;

use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason};
use portunus_identity::Plan;
use portunus_resilience::Budget;
use portunus_spec::{Spanned, spec, spec_enum};

use crate::answer::{HeadersChoice, NO_KEY, NO_PLAN, NO_STORE};
use crate::cost::Cost;
use crate::key::{PerSpec, process_seed};
use crate::meter::{Ask, Asked, Counting, Meter, MeterSpec};
use crate::remote::{FailChoice, StoreChoice};
use crate::written::{Missing, NoPlan, RatesSpec, place, room, with_per, written_apart};
use counters::Counters;
use rates::Rates;
use remote_rates::RemoteRates;

spec! {
    /// Lets so many requests pass in a time, for each client or for all together.
    pub(crate) struct RateLimitFields {
        short = rate;
        /// How many: one rate or several, all of which must hold, or `plan` for the rates of the consumer's plan.
        rate: RatesSpec,
        /// Who has a budget of their own: `client_ip`, `connection`, `consumer`, `route`, `host`, `header:NAME`,
        /// `claim:NAME`, `cookie:NAME`, `param:NAME`, a text with variables, or a list of these. Without it all share one;
        /// with `rate: plan` it is `consumer`.
        per: Vec<Spanned<PerSpec>> = Vec::new(),
        /// How many may come at once. Without it as many as the rate says.
        burst: Option<Spanned<u64>>,
        /// How requests are counted.
        algorithm: Spanned<Algorithm> = Spanned::none(Algorithm::Gcra),
        /// What a request costs: a number, or what a header or the size of the answer says.
        cost: Cost = Cost::Fixed(1),
        /// What happens to a request that has nothing of what `per` says.
        missing: Missing = Missing::Share,
        /// With `plan`: what happens to a request of no consumer who has one. It is refused with 403 unless set.
        no_plan: Option<Spanned<NoPlan>>,
        /// The name that clients see. Limits of one name and the same rates share their budgets.
        name: Option<Spanned<String>>,
        /// Which headers tell clients of the limit.
        headers: HeadersChoice = HeadersChoice::Standard,
        /// How many bits of an IPv6 address are one client.
        ipv6_prefix: Spanned<u16> = Spanned::none(64),
        /// For how many clients at once there is room, at 32 bytes for each and each rate. Of more, the one that has used
        /// least is forgotten.
        keys_max: Spanned<usize> = Spanned::none(100_000),
        /// Where is counted: in this process, or in Redis for all nodes together.
        store: Spanned<StoreChoice> = Spanned::none(StoreChoice::Local),
        /// How Redis is asked.
        mode: ModeChoice = ModeChoice::Exact,
        /// How much a worker takes ahead from Redis in `mode: batch`. Without it a hundredth of the burst.
        batch: Option<Spanned<u32>>,
        /// What happens where Redis does not answer.
        fail: FailChoice = FailChoice::Open,
        /// Only counts what it would refuse.
        dry_run: bool = false,
    }
}

spec_enum! {
    /// How requests are counted.
    pub(crate) enum Algorithm {
        /// A budget that fills up evenly (GCRA).
        Gcra = "gcra",
        /// The last window, by two counters.
        SlidingWindow = "sliding_window",
    }
}

spec_enum! {
    /// How Redis is asked.
    pub(crate) enum ModeChoice {
        /// For each request: exact over all nodes, in one round trip.
        Exact = "exact",
        /// For many at once: without a round trip, and wrong by at most `batch` for each worker of each node.
        Batch = "batch",
    }
}

/// `rate_limit`, as it is written.
pub struct RateLimitSpec(RateLimitFields);

with_per!(RateLimitSpec, RateLimitFields, "rate");

impl Buildable for RateLimitSpec {
    const NAME: &'static str = "rate_limit";
    const DOC: &'static str = "Lets so many requests pass in a time, for each client or for all.";
    const REASONS: &'static [FilterReason] = &[
        NO_KEY,
        NO_PLAN,
        NO_STORE,
        FilterReason::new(
            RateLimit::REASON,
            429,
            "More requests came than a `rate_limit` lets pass.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let mut spec = self.0;
        if spec.per.is_empty() && matches!(spec.rate, RatesSpec::Plan) {
            spec.per.push(Spanned::none(PerSpec::consumer()));
        }
        let counting = RateLimit::build(&spec, cx);
        let meter = MeterSpec {
            per: &spec.per,
            ipv6_prefix: &spec.ipv6_prefix,
            cost: spec.cost,
            missing: spec.missing,
            no_plan: NoPlan::build(spec.no_plan.as_ref(), &spec.rate, cx),
            name: spec.name.as_ref(),
            headers: spec.headers,
            dry_run: spec.dry_run,
        };
        Meter::build(meter, process_seed(), counting, cx)
    }
}

struct RateLimit {
    rates: Rates,
    counters: Counters,
    remote: Option<RemoteRates>,
}

impl RateLimit {
    fn build(spec: &RateLimitFields, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let rates = Rates::build(spec, cx);
        let room = room(&spec.keys_max, &spec.per, cx);
        // What shapes the counters is in their name: a filter that is written otherwise begins anew.
        let written = written_apart(&spec.cost, spec.dry_run);
        let place = place(spec.name.as_ref(), &spec.per, &written, cx);
        let name = rates.as_ref().map(|rates| format!("rate_limit {rates} {place}"));
        let remote = RemoteRates::build(spec, rates.as_ref(), name.clone()?, cx);
        let (rates, room, name, remote) = (rates?, room?, name?, remote?);
        let is_local = remote.as_ref().is_none_or(RemoteRates::falls_back);
        let state = format!("{name} {room}");
        let room = if is_local { room } else { 1 };
        let counters = Counters::build(&state, spec.algorithm.value, &rates, room, cx);
        Some(Self { rates, counters, remote })
    }
}

impl Counting for RateLimit {
    const REASON: &'static str = "limit.rate";
    const DETAIL: &'static str = "Too many requests have come.";

    fn is_by_plan(&self) -> bool {
        matches!(self.rates, Rates::Plan)
    }

    fn largest(&self, plan: Option<&Plan>) -> u64 {
        self.rates.of(plan).iter().map(Budget::burst).min().unwrap_or(u64::MAX)
    }

    fn admit(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        match (self.rates.of(ask.plan).as_slice(), &self.remote) {
            ([], _) => Asked::Free,
            (budgets, Some(remote)) => remote.admit(budgets, ask, cx),
            (budgets, None) => Asked::Now(self.counters.admit(budgets, ask)),
        }
    }

    fn peek(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        match (self.rates.of(ask.plan).as_slice(), &self.remote) {
            ([], _) => Asked::Free,
            (budgets, Some(remote)) => remote.peek(budgets, ask, cx),
            (budgets, None) => Asked::Now(self.counters.peek(budgets, ask)),
        }
    }

    fn charge(&self, ask: &Ask<'_>, _cx: &mut FilterCx<'_>) {
        match (self.rates.of(ask.plan).as_slice(), &self.remote) {
            ([], _) => {}
            (budgets, Some(remote)) => remote.charge(budgets, ask),
            (budgets, None) => self.counters.charge(budgets, ask),
        }
    }

    fn failed(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        match &self.remote {
            Some(remote) if !remote.falls_back() => remote.failed(cx),
            _ => Asked::Now(self.counters.admit(&self.rates.of(ask.plan), ask)),
        }
    }
}

#[cfg(test)]
mod tests;
