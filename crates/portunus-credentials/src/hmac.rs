//! `hmac`: signed requests (RFC 9421).

mod keys;
mod policy;

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{ByteSize, Wall};
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, SlotId,
    Verdict, Way,
};
use portunus_http::HeaderId;
use portunus_identity::{Consumers, Identity};
use portunus_spec::{Named, Secret, Spanned, spec, spec_enum};

use crate::gate::{Gate, REASONS_WITH_BUSY, Refusal};
use crate::marks;
use crate::nonces::{Nonces, Seen};
use crate::signature::{
    Message, SignatureFault, SignatureInput, Signed, base, check_digest, parse,
};
use keys::{Keys, KnownKey};
use policy::Policy;

spec! {
    /// Asks for a signature of the request (HTTP message signatures, RFC 9421).
    ///
    /// Keys are those of consumers, and those written here. Shared secrets sign by HMAC, key pairs by RSA, ECDSA or
    /// Ed25519. The body is covered by its `Content-Digest` (RFC 9530), which is checked.
    pub struct HmacSpec {
        /// Keys beside those of consumers, by the `keyid` of their signatures.
        keys: Named<KeySpec> = Named::default(),
        /// What must be signed, such as `@method`, `@path`, `content-type`. Without it: the method, and the whole
        /// target. `content-digest` is meant for requests with a body; it is in the list unless a list is written.
        components: Option<Vec<Spanned<String>>>,
        /// How old a signature may be.
        window: Spanned<Duration> = Spanned::none(Duration::from_secs(300)),
        /// How far the clocks of clients may be ahead.
        leeway: Duration = Duration::from_secs(30),
        /// Whether signatures need a nonce, which is taken once.
        nonce: NonceChoice = NonceChoice::Optional,
        /// How many nonces are remembered at once.
        nonces_max: usize = 100_000,
        /// The label of the signature; without it the first one with a known key counts.
        label: Option<String>,
        /// What the signature must be for: its `tag`.
        tag: Option<String>,
        /// The largest body whose digest is checked; larger ones are answered with 413.
        body_max: ByteSize = ByteSize(1 << 20),
        /// Whether a request without a signature goes on, without an identity.
        optional: bool = false,
    }
}

spec! {
    /// A key that checks signatures.
    pub struct KeySpec {
        /// The secret that both sides know, of at least 16 bytes; its bytes in base64 after `base64:`.
        secret: Option<Spanned<Secret>>,
        /// The public key in PEM.
        public: Option<Spanned<Secret>>,
        /// The only algorithm that the key may be used with, such as `rsa-pss-sha512`.
        algorithm: Option<Spanned<String>>,
    }
}

spec_enum! {
    /// Whether signatures need a nonce.
    pub enum NonceChoice {
        /// Each signature must have one.
        Required = "required",
        /// One that is there is taken once.
        Optional = "optional",
        /// They are not looked at: a signature may be used again until it is too old.
        Ignored = "ignored",
    }
}

impl Buildable for HmacSpec {
    const NAME: &'static str = "hmac";
    const DOC: &'static str = "Asks for a signature of the request.";
    const REASONS: &'static [FilterReason] = REASONS_WITH_BUSY;

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let keys = Keys::build(&self.keys, cx.reader);
        let policy = Policy::build(&self, cx.reader);
        let (keys, policy) = (keys?, policy?);
        let nonces = match self.nonce {
            NonceChoice::Ignored => None,
            NonceChoice::Optional | NonceChoice::Required => Some(self.nonces(cx)?),
        };
        let lacks = "The request has no signature.";
        let gate = Gate::build("Signature".to_owned(), lacks, self.optional, cx);
        let body_max = usize::try_from(self.body_max.0).unwrap_or(usize::MAX);
        Some(Arc::new(Hmac { keys, policy, nonces, body_max, slot: cx.slot(), gate }))
    }
}

impl HmacSpec {
    /// The nonces that were seen, also before a reload. All filters share one table, so that what one of them took is
    /// not taken by another.
    fn nonces(&self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<Nonces>> {
        let mut key = [0; 32];
        if aws_lc_rs::rand::fill(&mut key).is_err() {
            cx.reader.error(cx.span, "the system gives no random numbers");
            return None;
        }
        let name = format!("nonces {}", self.nonces_max);
        Some(cx.state(&name, || Nonces::new(self.nonces_max, &key)))
    }
}

struct Hmac {
    keys: Keys,
    policy: Policy,
    nonces: Option<Arc<Nonces>>,
    body_max: usize,
    slot: SlotId,
    gate: Gate,
}

impl Filter for Hmac {
    fn interest(&self) -> Interest {
        let request_body = match self.policy.covers_body() {
            true => BodyNeed::Buffered(self.body_max),
            false => BodyNeed::None,
        };
        let phases = PhaseSet::NONE.with(Phase::Request);
        Interest { phases, request_body, ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let found = self.check(exchange, cx);
        let (identity, digest_covered) = match found {
            Ok(found) => found,
            Err(refusal) => return self.gate.refuse(refusal, cx),
        };
        marks::set(exchange, DIGEST, self.slot, digest_covered.into());
        self.gate.pass(exchange, identity, cx)
    }

    fn needs_body(&self, _way: Way, exchange: &Exchange) -> bool {
        marks::get(exchange, DIGEST, self.slot).is_some()
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let checked = match marks::get(exchange, DIGEST, self.slot) {
            // Nobody signed, and nobody had to.
            None => Ok(()),
            Some(0) if piece.bytes.is_empty() => Ok(()),
            Some(0) => Err(SignatureFault::BodyNotCovered),
            Some(_) => check_digest(&exchange.request.headers, piece.bytes),
        };
        match checked {
            Ok(()) => Verdict::Continue,
            Err(fault) => self.gate.refuse(refusal(fault), cx),
        }
    }
}

impl Hmac {
    /// Who signed, and whether the signature covers the digest of the body.
    fn check(
        &self,
        exchange: &mut Exchange,
        cx: &FilterCx<'_>,
    ) -> Result<(Identity, bool), Refusal> {
        let signatures = parse(&exchange.request.headers).map_err(refusal)?;
        if signatures.is_empty() {
            return Err(Refusal::Missing);
        }
        let consumers = cx.directory.load();
        let (signed, known) = self.choose(&signatures, &consumers).map_err(refusal)?;
        if known.credential.is_some_and(|credential| credential.is_expired(cx.wall)) {
            return Err(Refusal::Expired("The key of the signature has expired."));
        }
        let end_s = self.policy.check(&signed.input, exchange, cx.wall).map_err(refusal)?;
        let text = base(&signed.input, &message(exchange)).map_err(refusal)?;
        known.verify(&signed.input, &text, &signed.signature).map_err(refusal)?;
        if !cx.offline {
            self.take_nonce(&signed.input, end_s, exchange, cx.wall)?;
        }
        Ok((known.identity(), self.policy.covers_digest(&signed.input)))
    }

    /// The signature that counts, and its key.
    fn choose<'s, 'k>(
        &'k self,
        signatures: &'s [Signed],
        consumers: &'k Consumers,
    ) -> Result<(&'s Signed, KnownKey<'k>), SignatureFault> {
        let mut wanted =
            signatures.iter().filter(|signed| self.policy.is_wanted(signed)).peekable();
        wanted.peek().ok_or(SignatureFault::NoSuchLabel)?;
        let known = |signed: &'s Signed| {
            let key = self.keys.find(signed.input.key_id.as_deref()?, consumers)?;
            Some((signed, key))
        };
        wanted.find_map(known).ok_or(SignatureFault::UnknownKey)
    }

    fn take_nonce(
        &self,
        input: &SignatureInput,
        end_s: u64,
        exchange: &mut Exchange,
        now: Wall,
    ) -> Result<(), Refusal> {
        let (Some(nonces), Some(nonce)) = (&self.nonces, &input.nonce) else { return Ok(()) };
        let key_id = input.key_id.as_deref().unwrap_or_default();
        let name = [key_id.as_bytes(), nonce.as_bytes()].join(&b' ');
        if exchange.attributes.value(NONCE) == Some(&name) {
            return Ok(());
        }
        match nonces.see(key_id, nonce, now.0 / 1_000_000, end_s + CLOCKS_APART_S) {
            Seen::New => exchange.attributes.set(NONCE, &name),
            Seen::Before => return Err(refusal(SignatureFault::Replayed)),
            Seen::Full => return Err(Refusal::Busy),
        }
        Ok(())
    }
}

fn refusal(fault: SignatureFault) -> Refusal {
    match fault {
        SignatureFault::Expired => Refusal::Expired(fault.sentence()),
        _ => Refusal::Invalid(fault.sentence()),
    }
}

/// The request as the client sent it: filters before this one may have changed path and query.
fn message(exchange: &Exchange) -> Message<'_> {
    let request = &exchange.request;
    let (path, query) = exchange.target;
    Message {
        method: request.method_text(),
        scheme: exchange.client.scheme.text(),
        default_port: exchange.client.scheme.default_port(),
        authority: request.headers.value_of(HeaderId::Host).unwrap_or_else(|| request.authority()),
        path: request.headers.text(path),
        query: query.map(|query| request.headers.text(query)),
        form: request.form,
        headers: &request.headers,
    }
}

/// The attribute that remembers the nonce that this request has taken, for one more filter of this kind in its chain.
const NONCE: &str = "hmac_nonce";

/// How far the clocks of two workers are apart at most, rounded up: a nonce outlives its signature by as much.
const CLOCKS_APART_S: u64 = 2;

/// The attribute that remembers whether the signature covers the digest of the body.
const DIGEST: &str = "hmac";

#[cfg(test)]
mod tests;
