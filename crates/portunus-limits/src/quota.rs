//! `quota`: so many in a day or a month of the calendar, kept over restarts.

mod book;

use std::sync::Arc;

use portunus_base::{Clock as _, Rate, SystemClock};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason};
use portunus_identity::Plan;
use portunus_redis::{Ask as Wait, SharedError, SharedSpan};
use portunus_resilience::{Calendar, Period};
use portunus_spec::{Spanned, spec};
use smallvec::SmallVec;

use crate::answer::{HeadersChoice, NO_KEY, NO_PLAN, NO_STORE, Outcome};
use crate::cost::Cost;
use crate::key::PerSpec;
use crate::meter::{Ask, Asked, Counting, Meter, MeterSpec};
use crate::remote::{FailChoice, Remote, StoreChoice, forget, later, narrow};
use crate::written::{Missing, NoPlan, RatesSpec, differ, place, room, with_per, written_apart};
pub use book::{QuotaBook, QuotaFuture, QuotaPersistence, QuotaRow};

spec! {
    /// Lets so many requests pass in a day or a month of the calendar, in UTC.
    pub(crate) struct QuotaFields {
        short = limit;
        /// How many: `10000/d`, `1000000/month`, both, or `plan` for the quotas of the consumer's plan.
        limit: RatesSpec,
        /// Who has a quota of their own; as in `rate_limit`.
        per: Vec<Spanned<PerSpec>> = vec![Spanned::none(PerSpec::consumer())],
        /// What a request costs; as in `rate_limit`.
        cost: Cost = Cost::Fixed(1),
        /// What happens to a request that has nothing of what `per` says.
        missing: Missing = Missing::Share,
        /// With `plan`: what happens to a request of no consumer who has one. It is refused with 403 unless set.
        no_plan: Option<Spanned<NoPlan>>,
        /// The name that clients see. Quotas of one name share what was used.
        name: Option<Spanned<String>>,
        /// Which headers tell clients of the quota.
        headers: HeadersChoice = HeadersChoice::Standard,
        /// How many bits of an IPv6 address are one client.
        ipv6_prefix: Spanned<u16> = Spanned::none(64),
        /// For how many clients there is room, at 32 bytes for each and each period. Of more, the one that has used least
        /// is forgotten.
        keys_max: Spanned<usize> = Spanned::none(100_000),
        /// Where is counted: in this process, or in Redis for all nodes together.
        store: Spanned<StoreChoice> = Spanned::none(StoreChoice::Local),
        /// What happens where Redis does not answer.
        fail: FailChoice = FailChoice::Open,
        /// Only counts what it would refuse.
        dry_run: bool = false,
    }
}

/// `quota`, as it is written.
pub struct QuotaSpec(QuotaFields);

with_per!(QuotaSpec, QuotaFields, "limit");

impl Buildable for QuotaSpec {
    const NAME: &'static str = "quota";
    const DOC: &'static str = "Lets so many requests pass in a day or a month of the calendar.";
    const REASONS: &'static [FilterReason] = &[
        NO_KEY,
        NO_PLAN,
        NO_STORE,
        FilterReason::new(
            Quota::REASON,
            429,
            "More requests came in a day or a month than a `quota` allows.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let spec = self.0;
        let book = cx.state(QuotaBook::STATE, QuotaBook::in_memory);
        let quota = Quota::build(&spec, &book, cx);
        let seed = book.seed();
        cx.background(book);
        let meter = MeterSpec {
            per: &spec.per,
            ipv6_prefix: &spec.ipv6_prefix,
            cost: spec.cost,
            missing: spec.missing,
            no_plan: NoPlan::build(spec.no_plan.as_ref(), &spec.limit, cx),
            name: spec.name.as_ref(),
            headers: spec.headers,
            dry_run: spec.dry_run,
        };
        Meter::build(meter, seed, quota, cx)
    }
}

struct Quota {
    limits: Limits,
    /// Of days and of months, as far as they are needed.
    calendars: SmallVec<[(Period, Arc<Calendar>); 2]>,
    remote: Option<Remote>,
}

enum Limits {
    Written(SmallVec<[Rate; 2]>),
    Plan,
}

impl Quota {
    fn build(spec: &QuotaFields, book: &QuotaBook, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let limits = Limits::build(&spec.limit, cx);
        let room = room(&spec.keys_max, &spec.per, cx);
        let written = written_apart(&spec.cost, spec.dry_run);
        let name = place(spec.name.as_ref(), &spec.per, &written, cx);
        let remote = Remote::build(&spec.store, spec.fail, format!("quota {name}"), cx);
        let (limits, room, remote) = (limits?, room?, remote?);
        let needed = |period: &Period| match &limits {
            Limits::Plan => true,
            Limits::Written(rates) => rates.iter().any(|rate| Period::of(*rate) == Some(*period)),
        };
        let now = SystemClock.wall();
        let periods = [Period::Day, Period::Month].into_iter().filter(needed);
        let calendars = periods.map(|period| (period, book.calendar(&name, period, room, now)));
        let calendars = calendars.collect();
        Some(Self { limits, calendars, remote })
    }

    /// The limits that hold, each with its calendar.
    fn each(&self, plan: Option<&Plan>) -> impl Iterator<Item = (Rate, &Calendar)> {
        let rates: SmallVec<[Rate; 2]> = match &self.limits {
            Limits::Written(rates) => rates.clone(),
            Limits::Plan => plan.into_iter().flat_map(|plan| plan.quotas.iter().copied()).collect(),
        };
        rates.into_iter().filter_map(|rate| {
            let period = Period::of(rate)?;
            let (_, calendar) = self.calendars.iter().find(|(known, _)| *known == period)?;
            Some((rate, &**calendar))
        })
    }

    /// The days and months that Redis counts in.
    fn spans(&self, ask: &Ask<'_>) -> SmallVec<[SharedSpan; 2]> {
        let span = |(rate, calendar): (Rate, &Calendar)| {
            let (start, left_us) = calendar.span(ask.wall);
            let period = calendar.period().word();
            SharedSpan { period, limit: rate.count, start, left_us }
        };
        self.each(ask.plan).map(span).collect()
    }

    fn later(&self, wait: Result<Wait, SharedError>, ask: &Ask<'_>, least: u64) -> Asked {
        let rates: SmallVec<[Rate; 4]> = self.each(ask.plan).map(|(rate, _)| rate).collect();
        if rates.is_empty() { Asked::Free } else { later(wait, rates, least) }
    }

    fn looked(&self, ask: &Ask<'_>) -> Outcome {
        let look = |(rate, calendar): (Rate, &Calendar)| {
            (rate, calendar.peek(ask.key, rate.count, ask.cost, ask.wall))
        };
        Outcome::of_all(self.each(ask.plan).map(look).collect())
    }

    /// Takes the cost from all quotas, or from none.
    fn taken(&self, ask: &Ask<'_>) -> Outcome {
        let mut outcome = Outcome { allowed: true, ..Outcome::default() };
        for (at, (rate, calendar)) in self.each(ask.plan).enumerate() {
            let admission = calendar.admit(ask.key, rate.count, ask.cost, ask.wall);
            outcome.each.push((rate, admission));
            if !admission.allowed {
                let before = self.each(ask.plan).take(at);
                before.for_each(|(_, calendar)| calendar.refund(ask.key, ask.cost, ask.wall));
                return Outcome { allowed: false, ..self.looked(ask) };
            }
        }
        outcome
    }
}

impl Limits {
    fn build(written: &RatesSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let RatesSpec::List(list) = written else { return Some(Self::Plan) };
        let mut fine = differ(list, cx);
        for rate in list {
            if Period::of(rate.value).is_none() || rate.value.count == 0 {
                let message = format!("`{}` is no quota", rate.value);
                let help = "write 10000/d or 1000000/month; for shorter times use `rate_limit`";
                cx.reader.error(rate.span, message).help(help);
                fine = false;
            }
        }
        fine.then(|| Self::Written(list.iter().map(|rate| rate.value).collect()))
    }
}

impl Counting for Quota {
    const REASON: &'static str = "limit.quota";
    const DETAIL: &'static str = "The quota is used up.";

    fn is_by_plan(&self) -> bool {
        matches!(self.limits, Limits::Plan)
    }

    fn largest(&self, plan: Option<&Plan>) -> u64 {
        self.each(plan).map(|(rate, _)| rate.count).min().unwrap_or(u64::MAX)
    }

    fn admit(&self, ask: &Ask<'_>, _cx: &mut FilterCx<'_>) -> Asked {
        let Some(remote) = &self.remote else { return asked(self.taken(ask)) };
        let spans = self.spans(ask);
        let wait = remote.redis.admit_in(&spans, &remote.key(ask), narrow(ask.cost));
        self.later(wait, ask, 0)
    }

    fn peek(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        let Some(remote) = &self.remote else { return asked(self.looked(ask)) };
        if cx.offline {
            cx.note(|| "Redis is not asked".to_owned());
            return Asked::Free;
        }
        let wait = remote.redis.admit_in(&self.spans(ask), &remote.key(ask), 0);
        self.later(wait, ask, ask.cost)
    }

    fn charge(&self, ask: &Ask<'_>, _cx: &mut FilterCx<'_>) {
        if let Some(remote) = &self.remote {
            let spans = self.spans(ask);
            forget(remote.redis.charge_in(&spans, &remote.key(ask), narrow(ask.cost)));
            return;
        }
        let each = self.each(ask.plan);
        each.for_each(|(_, calendar)| calendar.charge(ask.key, ask.cost, ask.wall));
    }

    fn failed(&self, ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        match &self.remote {
            Some(remote) if !remote.falls_back() => remote.failed(cx),
            _ => asked(self.taken(ask)),
        }
    }
}

fn asked(outcome: Outcome) -> Asked {
    if outcome.each.is_empty() { Asked::Free } else { Asked::Now(outcome) }
}

#[cfg(test)]
mod tests;
