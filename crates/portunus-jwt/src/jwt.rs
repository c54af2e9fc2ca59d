//! `jwt`: lets requests with a good JSON Web Token pass.

mod keys;

use std::sync::Arc;
use std::time::Duration;

use portunus_base::Wall;
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{
    Again, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Patch, Resume, SlotId,
    Verdict,
};
use portunus_spec::{Named, Spanned, spec};

use crate::claims::IdentityRule;
use crate::gate::{AcceptedLocal, Gate, GateParts, Judged};
use crate::token_cache::CacheBounds;
use crate::token_place::FromSpec;
use crate::turns::WAIT_MAX;
use crate::{Algorithm, Fault, KeySet, KeySource, LEEWAY, Rules, TOKEN_BYTES_MAX, Verified};
pub use keys::{JwksSpec, KeySpec};
use keys::{Keys, build_keys};

spec! {
    /// Lets requests with a good JSON Web Token pass (RFC 7519), and says who asks.
    ///
    /// Keys are found by OpenID Connect Discovery from the `issuer`, unless `jwks` or `keys` name them. Checked are the
    /// signature, `iss`, `aud`, `exp`, `nbf`, `iat`, and what `claims` and `scopes` ask for.
    pub struct JwtSpec {
        short = issuer;
        /// Who must have made the token: its `iss`.
        issuer: Option<Spanned<String>>,
        /// For whom the token must be: one of these must be in its `aud`. Without it, for whomever.
        audience: Vec<String> = Vec::new(),
        /// Where the issuer's keys are, when discovery is not to be asked.
        jwks: Option<Spanned<JwksSpec>>,
        /// Keys written here, in place of fetched ones.
        keys: Vec<Spanned<KeySpec>> = Vec::new(),
        /// Algorithms that are accepted. Without it: all that the keys are for, and no shared secrets among fetched keys.
        algorithms: Vec<Spanned<Algorithm>> = Vec::new(),
        /// How far the clocks of the issuer and of this machine may be apart.
        leeway: Duration = LEEWAY,
        /// Whether tokens without `exp` are refused.
        require_exp: bool = true,
        /// What the token must say in `typ`, such as `at+jwt` (RFC 9068).
        r#type: Option<String>,
        /// Claims that must be there: one value, a list of which one must fit, or nothing for any value. Dots lead into objects.
        claims: Named<Vec<String>> = Named::default(),
        /// Scopes that must all be in `scope` or `scp`.
        scopes: Vec<String> = Vec::new(),
        /// Headers for the upstream, each with the claim that it tells. What the client sent under these names is always removed.
        forward_claims: Named<String> = Named::default(),
        /// Where the token stands. Without it: `Authorization: Bearer`.
        from: Option<FromSpec>,
        /// The claim that names the consumer. Credentials of consumers that are a claim are found without it.
        consumer_claim: Option<String>,
        /// The claim with the groups of who asks.
        groups_claim: String = "groups".to_owned(),
        /// Whether only tokens of consumers are let through.
        consumers_only: bool = false,
        /// Whether requests without a token pass too, as nobody. A bad token is still refused.
        optional: bool = false,
        /// Whether the token is taken out of the request to the upstream.
        strip: bool = false,
        /// What `WWW-Authenticate` calls this.
        realm: Spanned<String> = Spanned::none("api".to_owned()),
        /// How many tokens that were checked each worker remembers; 0 checks each one anew.
        cache: usize = 4096,
    }
}

impl Buildable for JwtSpec {
    const NAME: &'static str = "jwt";
    const DOC: &'static str = "Lets requests with a good JSON Web Token pass, and says who asks.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::MISSING,
        FilterReason::INVALID,
        FilterReason::EXPIRED,
        FilterReason::FORBIDDEN,
        NO_KEYS,
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let keys = build_keys(&self, cx);
        let rules = Rules {
            issuer: self.issuer.map(|issuer| issuer.value),
            audiences: self.audience,
            kind: self.r#type,
            leeway: self.leeway,
            needs_expiry: self.require_exp,
            claims: self.claims.0.into_iter().map(|(name, it)| (name.value, it)).collect(),
            scopes: self.scopes,
        };
        let identity = IdentityRule {
            method: "jwt",
            consumer_claim: self.consumer_claim,
            groups_claim: self.groups_claim,
            consumers_only: self.consumers_only,
        };
        let parts = GateParts {
            from: self.from.as_ref(),
            rules,
            identity,
            forward_claims: &self.forward_claims,
            optional: self.optional,
            strip: self.strip,
            realm: &self.realm,
        };
        let gate = Gate::build(parts, cx);
        let cache = CacheBounds::of_tokens(self.cache);
        Some(Arc::new(Jwt { gate: gate?, keys: keys?, cache, slot: cx.slot() }))
    }
}

struct Jwt {
    gate: Gate,
    keys: Keys,
    cache: CacheBounds,
    slot: SlotId,
}

impl Filter for Jwt {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.gate.guards(name)
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn forget(&self, exchange: &mut Exchange) {
        self.gate.hide(exchange);
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.gate.prepare(exchange);
        self.gate.judge(exchange, cx, |token, cx| self.check(token, true, cx))
    }

    fn on_again(&self, exchange: &mut Exchange, _again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        self.gate.judge(exchange, cx, |token, cx| self.check(token, false, cx))
    }
}

impl Jwt {
    fn check(&self, token: &[u8], may_wait: bool, cx: &mut FilterCx<'_>) -> Judged {
        let source = match &self.keys {
            Keys::Written(keys) => {
                let checked = self.check_with(keys, 0, token, cx);
                return checked.unwrap_or_else(Judged::Refused);
            }
            Keys::Fetched(source) => source,
        };
        let keys = source.keys();
        let without_key = match keys.as_ref() {
            Some(keys) => match self.check_with(&keys.set, keys.generation, token, cx) {
                Err(fault @ Fault::UnknownKey) => Judged::Refused(fault),
                checked => return checked.unwrap_or_else(Judged::Refused),
            },
            None => Judged::Unavailable(&NO_KEYS),
        };
        // Nobody is asked for the key of a token that would be refused all the same.
        match crate::check_unsigned(token, TOKEN_BYTES_MAX, &self.gate.rules, cx.wall) {
            Err(fault) => Judged::Refused(fault),
            Ok(verified) if cx.offline => self.believe(verified, cx),
            Ok(_) if may_wait => wait(source, cx).unwrap_or(without_key),
            Ok(_) => without_key,
        }
    }

    fn check_with(
        &self,
        keys: &KeySet,
        generation: u64,
        token: &[u8],
        cx: &mut FilterCx<'_>,
    ) -> Result<Judged, Fault> {
        let (consumers, now) = (cx.directory.load(), cx.wall);
        let local: &mut AcceptedLocal = cx.local(self.slot);
        local.renew(generation, &consumers);
        if let Some(accepted) = local.find(token, now) {
            cx.note(|| "the token was checked before".to_owned());
            return Ok(Judged::Accepted(accepted));
        }
        let verified = crate::verify(token, TOKEN_BYTES_MAX, keys, &self.gate.rules, now)?;
        let accepted = self.gate.accept(verified.claims, &consumers, now)?;
        local.keep(token, &accepted, NO_END, self.cache);
        cx.note(|| format!("the token of `{}` is good", accepted.subject()));
        Ok(Judged::Accepted(accepted))
    }

    /// Where nothing may be fetched, claims are believed, and it is said that they are.
    fn believe(&self, verified: Verified, cx: &mut FilterCx<'_>) -> Judged {
        cx.note(|| UNSIGNED.to_owned());
        let consumers = cx.directory.load();
        let accepted = self.gate.accept(verified.claims, &consumers, cx.wall);
        accepted.map_or_else(Judged::Refused, Judged::Accepted)
    }
}

/// Waits for keys that are fetched anew. None where that is of no use.
fn wait(source: &KeySource, cx: &mut FilterCx<'_>) -> Option<Judged> {
    let wait = source.ask(cx.now)?;
    cx.note(|| format!("the keys are fetched anew, for {WAIT_MAX:?} at most"));
    Some(Judged::Wait(Verdict::Suspend(Box::pin(async move {
        wait.await;
        Resume::Again(Patch::default(), Again::default())
    }))))
}

const NO_KEYS: FilterReason =
    FilterReason::new("auth.keys_unavailable", 503, "The keys of the issuer could not be fetched.");

const UNSIGNED: &str =
    "the claims are good; the signature was not checked, as nothing is fetched here";

/// The end of what does not end.
const NO_END: Wall = Wall(u64::MAX);

#[cfg(test)]
mod tests;
