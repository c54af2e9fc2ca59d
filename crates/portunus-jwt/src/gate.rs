//! What the filters of bearer tokens share: finding the token, saying who asks, refusing.

use std::sync::Arc;

use portunus_base::Wall;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::{BuildCx, FilterCx, FilterReason, Verdict, identify};
use portunus_identity::{Consumers, Identity};
use portunus_spec::{Named, Spanned, check};
use portunus_telemetry::DecisionId;
use serde_json::{Map, Value};

use crate::challenge::{self, check_realm};
use crate::claims::{self, ForwardedClaims, IdentityRule, ReadyHeaders};
use crate::token_cache::{CacheBounds, TokenCache};
use crate::token_place::{FromSpec, Shown, TokenPlace};
use crate::{Fault, FaultKind, Rules};

/// What the filters of bearer tokens share.
pub(crate) struct Gate {
    place: TokenPlace,
    pub(crate) rules: Rules,
    identity: IdentityRule,
    forward: ForwardedClaims,
    optional: bool,
    strip: bool,
    realm: String,
    decisions: Decisions,
}

/// What users write for it.
pub(crate) struct GateParts<'s> {
    pub(crate) from: Option<&'s FromSpec>,
    pub(crate) rules: Rules,
    pub(crate) identity: IdentityRule,
    pub(crate) forward_claims: &'s Named<String>,
    pub(crate) optional: bool,
    pub(crate) strip: bool,
    pub(crate) realm: &'s Spanned<String>,
}

/// What became of a token.
pub(crate) enum Judged {
    Accepted(Arc<Accepted>),
    Refused(Fault),
    /// It cannot be checked now.
    Unavailable(&'static FilterReason),
    /// Something must be waited for first.
    Wait(Verdict),
}

/// A token that was accepted: everything that a request with it gets.
#[derive(Debug)]
pub(crate) struct Accepted {
    identity: Arc<Identity>,
    headers: ReadyHeaders,
    /// When it must be checked anew.
    pub(crate) expires: Option<Wall>,
}

impl Gate {
    /// Checks what users wrote.
    pub(crate) fn build(parts: GateParts<'_>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let place = TokenPlace::build(parts.from, cx.reader);
        let forward = ForwardedClaims::build(parts.forward_claims, cx.reader);
        check(parts.realm, cx.reader, |realm| check_realm(realm)).then_some(())?;
        Some(Self {
            place: place?,
            rules: parts.rules,
            identity: parts.identity,
            forward: forward?,
            optional: parts.optional,
            strip: parts.strip,
            realm: parts.realm.value.clone(),
            decisions: Decisions::new(cx),
        })
    }

    /// Removes what the client says in the place of claims, and what the logs must not say. Before anything else.
    pub(crate) fn prepare(&self, exchange: &mut Exchange) {
        self.forward.remove_copies(exchange);
        self.hide(exchange);
    }

    /// Keeps the token out of the logs.
    pub(crate) fn hide(&self, exchange: &mut Exchange) {
        self.place.hide(exchange);
    }

    /// Whether requests without a token pass.
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether a claim is told under this name.
    pub(crate) fn guards(&self, name: &[u8]) -> bool {
        self.forward.guards(name)
    }

    /// Finds the token, has it checked, and does what follows.
    pub(crate) fn judge<C>(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        check: C,
    ) -> Verdict
    where
        C: FnOnce(&[u8], &mut FilterCx<'_>) -> Judged,
    {
        let judged = match self.place.find(&exchange.request) {
            Shown::Nothing => return self.pass_or_ask(cx),
            Shown::Several => Judged::Refused(Fault::Several),
            Shown::Token(token) => check(token, cx),
        };
        match judged {
            Judged::Accepted(accepted) => {
                cx.count(self.decisions.accepted);
                self.admit(&accepted, exchange);
                Verdict::Continue
            }
            Judged::Refused(fault) => self.refuse(&fault, cx),
            Judged::Wait(wait) => wait,
            Judged::Unavailable(reason) => {
                cx.count(self.decisions.unavailable);
                cx.note(|| reason.doc.to_owned());
                let reply = Reply::problem(reason.status, reason.code);
                Verdict::reply(reply.with_detail(reason.doc))
            }
        }
    }

    /// Who asks, from claims that hold at `now`.
    ///
    /// # Errors
    /// It is nobody who is let through.
    pub(crate) fn accept(
        &self,
        claims: Map<String, Value>,
        consumers: &Consumers,
        now: Wall,
    ) -> Result<Arc<Accepted>, Fault> {
        let headers = self.forward.ready(&claims);
        let end = self.rules.end(&claims);
        let identity = Arc::new(self.identity.identity(claims, end, consumers, now)?);
        let expires = identity.expires;
        Ok(Arc::new(Accepted { identity, headers, expires }))
    }

    fn admit(&self, accepted: &Accepted, exchange: &mut Exchange) {
        if self.strip {
            self.place.strip(exchange);
        }
        claims::set_headers(&accepted.headers, exchange);
        identify(exchange, Arc::clone(&accepted.identity));
    }

    fn pass_or_ask(&self, cx: &mut FilterCx<'_>) -> Verdict {
        cx.count(self.decisions.missing);
        if self.optional {
            cx.note(|| "no token: the request passes as nobody".to_owned());
            return Verdict::Continue;
        }
        cx.note(|| FilterReason::MISSING.doc.to_owned());
        Verdict::reply(challenge::missing(&self.realm))
    }

    fn refuse(&self, fault: &Fault, cx: &mut FilterCx<'_>) -> Verdict {
        let (reason, decision) = match fault.kind() {
            FaultKind::Invalid => (&FilterReason::INVALID, self.decisions.invalid),
            FaultKind::Expired => (&FilterReason::EXPIRED, self.decisions.expired),
            FaultKind::Forbidden => (&FilterReason::FORBIDDEN, self.decisions.forbidden),
        };
        cx.count(decision);
        cx.note(|| fault.to_string());
        let scopes = self.rules.scopes.join(" ");
        Verdict::reply(challenge::refused(&self.realm, reason, &fault.to_string(), &scopes))
    }
}

impl Accepted {
    /// Who asks, in the words of the token.
    pub(crate) fn subject(&self) -> &str {
        &self.identity.subject
    }
}

/// What a worker remembers of accepted tokens. It holds for one set of keys and one set of consumers.
#[derive(Default)]
pub(crate) struct AcceptedLocal {
    cache: TokenCache<Arc<Accepted>>,
    generation: u64,
    consumers: Option<Arc<Consumers>>,
}

impl AcceptedLocal {
    /// Forgets everything where keys or consumers are others than before. Answers whether it did.
    pub(crate) fn renew(&mut self, generation: u64, consumers: &Arc<Consumers>) -> bool {
        let is_same = |known: &Arc<Consumers>| Arc::ptr_eq(known, consumers);
        if self.generation == generation && self.consumers.as_ref().is_some_and(is_same) {
            return false;
        }
        self.cache.clear();
        (self.generation, self.consumers) = (generation, Some(Arc::clone(consumers)));
        true
    }

    /// What is known of a token.
    pub(crate) fn find(&mut self, token: &[u8], now: Wall) -> Option<Arc<Accepted>> {
        self.cache.find(token, now).cloned()
    }

    /// Remembers a token until its end, and not beyond `latest`.
    pub(crate) fn keep(
        &mut self,
        token: &[u8],
        accepted: &Arc<Accepted>,
        latest: Wall,
        bounds: CacheBounds,
    ) {
        let end = accepted.expires.map_or(latest, |end| end.min(latest));
        self.cache.keep(token, Arc::clone(accepted), end, bounds);
    }
}

/// What is counted.
struct Decisions {
    accepted: DecisionId,
    missing: DecisionId,
    invalid: DecisionId,
    expired: DecisionId,
    forbidden: DecisionId,
    unavailable: DecisionId,
}

impl Decisions {
    fn new(cx: &mut BuildCx<'_, '_>) -> Self {
        Self {
            accepted: cx.decision("accepted"),
            missing: cx.decision("missing"),
            invalid: cx.decision("invalid"),
            expired: cx.decision("expired"),
            forbidden: cx.decision("forbidden"),
            unavailable: cx.decision("unavailable"),
        }
    }
}
