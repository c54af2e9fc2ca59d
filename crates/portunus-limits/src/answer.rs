//! What clients are told of limits: headers on all answers, and the refusal.

use bytes::Bytes;
use portunus_base::Rate;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::{BuildCx, FilterReason};
use portunus_http::HeaderId;
use portunus_identity::Plan;
use portunus_resilience::Admission;
use portunus_spec::{Spanned, spec_enum};
use portunus_telemetry::DecisionId;
use smallvec::SmallVec;

spec_enum! {
    /// Which headers tell clients of the limit.
    pub(crate) enum HeadersChoice {
        /// `RateLimit-Policy` and `RateLimit`.
        Standard = "standard",
        /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, of the rate that is nearest to its end.
        Legacy = "legacy",
        /// Both kinds.
        Both = "both",
        /// None, beside `Retry-After` on refusals.
        None = "none",
    }
}

/// What became of a request under all rates that hold for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) allowed: bool,
    pub(crate) each: SmallVec<[(Rate, Admission); 4]>,
}

impl Outcome {
    /// What follows from the answers of all rates.
    pub(crate) fn of_all(each: SmallVec<[(Rate, Admission); 4]>) -> Self {
        Self { allowed: each.iter().all(|(_, admission)| admission.allowed), each }
    }

    /// Whole seconds until the request may come again, rounded up.
    pub(crate) fn retry_after_s(&self) -> u64 {
        let waits = self.each.iter().map(|(_, admission)| admission.retry_after_us);
        seconds(waits.max().unwrap_or(0)).max(1)
    }

    /// The rate that a client hits next: the one that refused for longest, else the one with the least left.
    fn tightest(&self) -> Option<&(Rate, Admission)> {
        let tight = |(_, it): &&(Rate, Admission)| {
            (u64::MAX - it.retry_after_us, it.remaining, it.reset_us)
        };
        self.each.iter().min_by_key(tight)
    }

    /// For people: `7 of 100/s left`.
    pub(crate) fn shown(&self) -> String {
        let one = |(rate, it): &(Rate, Admission)| format!("{} of {rate} left", it.remaining);
        self.each.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// The refusal.
    pub(crate) fn refusal(&self, reason: &'static str, detail: &str) -> Reply {
        let mut text = itoa::Buffer::new();
        let seconds = text.format(self.retry_after_s());
        let reply = Reply::problem(429, reason).with_detail(detail);
        reply.with_header("Retry-After", Bytes::copy_from_slice(seconds.as_bytes()))
    }
}

/// Writes the headers of one limit.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) name: Box<str>,
    pub(crate) choice: HeadersChoice,
}

impl Teller {
    /// The headers of the policy of that name.
    pub(crate) fn build(
        name: Option<&Spanned<String>>,
        choice: HeadersChoice,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        if let Some(name) = name.filter(|name| !is_name(name)) {
            let error = cx.reader.error(name.span, "this cannot be the name of a limit");
            error.help("it stands in a header: use letters, digits, spaces, and no quotes");
            return None;
        }
        let name = name.map_or("default", |name| name.value.as_str());
        Some(Self { name: name.into(), choice })
    }

    /// Puts the headers on whatever answer the request gets. A plan's limits have its name; `scratch` keeps its memory.
    pub(crate) fn tell(
        &self,
        plan: Option<&Plan>,
        outcome: &Outcome,
        exchange: &mut Exchange,
        scratch: &mut Vec<u8>,
    ) {
        if outcome.each.is_empty() {
            return;
        }
        let extra = &mut exchange.response_extra;
        let name = plan.map(|plan| &*plan.name).filter(|name| is_name(name));
        let name = name.unwrap_or(&self.name);
        if matches!(self.choice, HeadersChoice::Standard | HeadersChoice::Both) {
            extra.append_id(HeaderId::RatelimitPolicy, items(scratch, name, outcome, policy));
            extra.append_id(HeaderId::Ratelimit, items(scratch, name, outcome, service));
        }
        if matches!(self.choice, HeadersChoice::Legacy | HeadersChoice::Both)
            && let Some((rate, tight)) = outcome.tightest()
        {
            let mut text = itoa::Buffer::new();
            extra.append(b"X-RateLimit-Limit", text.format(rate.count).as_bytes());
            extra.append(b"X-RateLimit-Remaining", text.format(tight.remaining).as_bytes());
            extra.append(b"X-RateLimit-Reset", text.format(seconds(tight.reset_us)).as_bytes());
        }
    }
}

/// A list of items, one a rate (draft-ietf-httpapi-ratelimit-headers-11; RFC 9651 section 3.1).
fn items<'s>(
    scratch: &'s mut Vec<u8>,
    name: &str,
    outcome: &Outcome,
    parameters: fn(&Rate, &Admission) -> [(&'static str, u64); 2],
) -> &'s [u8] {
    scratch.clear();
    for (rate, admission) in &outcome.each {
        if !scratch.is_empty() {
            scratch.extend_from_slice(b", ");
        }
        scratch.push(b'"');
        scratch.extend_from_slice(name.as_bytes());
        if outcome.each.len() > 1 {
            // Names must differ.
            scratch.extend_from_slice(unit(rate).as_bytes());
        }
        scratch.push(b'"');
        for (key, value) in parameters(rate, admission) {
            scratch.extend_from_slice(key.as_bytes());
            scratch.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
    }
    scratch
}

fn policy(rate: &Rate, _: &Admission) -> [(&'static str, u64); 2] {
    [(";q=", rate.count), (";w=", rate.window.as_secs())]
}

fn service(_: &Rate, admission: &Admission) -> [(&'static str, u64); 2] {
    [(";r=", admission.remaining), (";t=", seconds(admission.reset_us))]
}

fn unit(rate: &Rate) -> &'static str {
    match rate.window.as_secs() {
        1 => "/s",
        60 => "/m",
        3600 => "/h",
        86_400 => "/d",
        _ => "/month",
    }
}

/// Whether a text may be the name of a policy: it stands in quotes in a header.
pub(crate) fn is_name(text: &str) -> bool {
    let fine = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.bytes().all(fine)
}

fn seconds(us: u64) -> u64 {
    us.div_ceil(1_000_000)
}

/// How often a limit decided what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decisions {
    pub(crate) allowed: DecisionId,
    pub(crate) limited: DecisionId,
    pub(crate) would_limit: DecisionId,
}

impl Decisions {
    pub(crate) fn build(cx: &mut BuildCx<'_, '_>) -> Self {
        Self {
            allowed: cx.decision("allowed"),
            limited: cx.decision("limited"),
            would_limit: cx.decision("would_limit"),
        }
    }

    pub(crate) fn of(&self, allowed: bool, dry_run: bool) -> DecisionId {
        match (allowed, dry_run) {
            (true, _) => self.allowed,
            (false, true) => self.would_limit,
            (false, false) => self.limited,
        }
    }
}

/// The answer where `missing: refuse` is written.
pub(crate) fn no_key() -> Reply {
    Reply::problem(NO_KEY.status, NO_KEY.code).with_detail("The request does not say whose it is.")
}

/// The answer to a request of nobody who has a plan.
pub(crate) fn no_plan() -> Reply {
    let reply = Reply::problem(NO_PLAN.status, NO_PLAN.code);
    reply.with_detail("Whoever sent the request has no plan.")
}

/// The answer where `fail: closed` is written, and the shared store does not answer.
pub(crate) fn no_store() -> Reply {
    let reply = Reply::problem(NO_STORE.status, NO_STORE.code);
    let reply = reply.with_detail("The limit of this service cannot be checked.");
    reply.with_header("Retry-After", Bytes::from_static(b"1"))
}

pub(crate) const NO_STORE: FilterReason = FilterReason::new(
    "limit.store",
    503,
    "The shared store of a limit does not answer, and `fail: closed` is set.",
);

pub(crate) const NO_PLAN: FilterReason = FilterReason::new(
    "limit.plan",
    403,
    "A limit is that of plans, the request is of no consumer who has one, and `no_plan: skip` is not set.",
);

pub(crate) const NO_KEY: FilterReason = FilterReason::new(
    "limit.key",
    403,
    "The request has nothing of what a limit tells clients apart by, and `missing: refuse` is set.",
);

#[cfg(test)]
mod tests;
