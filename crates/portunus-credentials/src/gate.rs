//! What all filters of this crate do with what they found: let through or refuse, and count it.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::{BuildCx, FilterCx, FilterReason, Verdict, identify};
use portunus_identity::Identity;
use portunus_telemetry::DecisionId;

/// Lets requests through or refuses them.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// The value of `WWW-Authenticate`.
    challenge: Bytes,
    /// What a request without a credential lacks, in one sentence.
    lacks: &'static str,
    optional: bool,
    counted: Counted,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    passed: DecisionId,
    missing: DecisionId,
    invalid: DecisionId,
    expired: DecisionId,
    busy: DecisionId,
}

/// Why a request is refused. The text is a sentence for the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// It has no credential.
    Missing,
    /// It has a wrong one.
    Invalid(&'static str),
    /// It has one that is past its life.
    Expired(&'static str),
    /// It cannot be checked now.
    Busy,
}

impl Gate {
    /// The gate of the filter that is built.
    pub(crate) fn build(
        challenge: String,
        lacks: &'static str,
        optional: bool,
        cx: &mut BuildCx<'_, '_>,
    ) -> Self {
        let counted = Counted {
            passed: cx.decision("passed"),
            missing: cx.decision("missing"),
            invalid: cx.decision("invalid"),
            expired: cx.decision("expired"),
            busy: cx.decision("busy"),
        };
        Self { challenge: challenge.into(), lacks, optional, counted }
    }

    /// Whether requests without a credential go on.
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Lets a request through as that identity.
    pub(crate) fn pass(
        &self,
        exchange: &mut Exchange,
        identity: Identity,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        cx.count(self.counted.passed);
        cx.note(|| format!("it is {}, by {}", identity.name(), identity.credential));
        identify(exchange, Arc::new(identity));
        Verdict::Continue
    }

    /// Refuses a request; one without a credential may go on where none is needed.
    pub(crate) fn refuse(&self, refusal: Refusal, cx: &mut FilterCx<'_>) -> Verdict {
        let (counted, reply) = match refusal {
            Refusal::Missing => {
                (self.counted.missing, self.unauthorized("auth.missing", self.lacks))
            }
            Refusal::Invalid(why) => (self.counted.invalid, self.unauthorized("auth.invalid", why)),
            Refusal::Expired(why) => (self.counted.expired, self.unauthorized("auth.expired", why)),
            Refusal::Busy => (self.counted.busy, busy()),
        };
        cx.count(counted);
        if refusal == Refusal::Missing && self.optional {
            cx.note(|| "no credential, and none is needed".to_owned());
            return Verdict::Continue;
        }
        cx.note(|| reply.detail.clone().unwrap_or_default());
        Verdict::reply(reply)
    }

    fn unauthorized(&self, reason: &'static str, why: &str) -> Reply {
        let reply = Reply::problem(401, reason).with_detail(why);
        reply.with_header("WWW-Authenticate", self.challenge.clone())
    }
}

fn busy() -> Reply {
    let reply = Reply::problem(503, "auth.busy").with_header("Retry-After", "1");
    reply.with_detail("Too many credentials are being checked.")
}

/// The reasons of a filter that checks at once.
pub(crate) const REASONS: &[FilterReason] =
    &[FilterReason::MISSING, FilterReason::INVALID, FilterReason::EXPIRED];
/// The reasons of a filter whose checks may pile up.
pub(crate) const REASONS_WITH_BUSY: &[FilterReason] =
    &[FilterReason::MISSING, FilterReason::INVALID, FilterReason::EXPIRED, FilterReason::BUSY];
