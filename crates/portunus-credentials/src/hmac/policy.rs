//! What a signature must cover, and how old it may be.

use std::time::Duration;

use portunus_base::Wall;
use portunus_exchange::Exchange;
use portunus_spec::{Problem, Reader, Spanned, check};

use super::{HmacSpec, NonceChoice};
use crate::signature::{Component, SignatureFault, SignatureInput, Signed};

/// What a signature must cover, and how old it may be.
#[derive(Debug)]
pub(super) struct Policy {
    /// None for the whole request line.
    required: Option<Box<[Component]>>,
    covers_body: bool,
    digest: Component,
    window_s: i64,
    leeway_s: i64,
    nonce_required: bool,
    label: Option<Box<str>>,
    tag: Option<Box<str>>,
}

impl Policy {
    pub(super) fn build(spec: &HmacSpec, reader: &mut Reader<'_>) -> Option<Self> {
        let digest = Component::parse(DIGEST).ok()?;
        let window = check(&spec.window, reader, |window| match window.as_secs() {
            1..=WINDOW_S_MAX => Ok(()),
            _ => Err(Problem::new("not from one second to a day").help("write 5m")),
        });
        let required = match &spec.components {
            Some(names) => Some(components(names, reader)?),
            None => None,
        };
        let is_digest = |component: &Component| component.covers(&digest);
        let covers_body = required.as_ref().is_none_or(|list| list.iter().any(is_digest));
        let required = required.map(|list| list.into_iter().filter(|it| !is_digest(it)).collect());
        window.then(|| Self {
            required,
            covers_body,
            window_s: seconds(spec.window.value),
            leeway_s: seconds(spec.leeway),
            nonce_required: spec.nonce == NonceChoice::Required,
            label: spec.label.as_deref().map(Box::from),
            tag: spec.tag.as_deref().map(Box::from),
            digest,
        })
    }

    /// Whether bodies are looked at.
    pub(super) fn covers_body(&self) -> bool {
        self.covers_body
    }

    /// Whether a signature covers the digest of the body.
    pub(super) fn covers_digest(&self, input: &SignatureInput) -> bool {
        input.covers(&self.digest)
    }

    /// Whether it is a signature that is looked for.
    pub(super) fn is_wanted(&self, signed: &Signed) -> bool {
        self.label.as_ref().is_none_or(|label| *label == signed.label)
            && self.tag.as_ref().is_none_or(|tag| signed.input.tag.as_ref() == Some(tag))
    }

    /// Checks what a signature covers and when it was made. Answers when it ends, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(super) fn check(
        &self,
        input: &SignatureInput,
        exchange: &Exchange,
        now: Wall,
    ) -> Result<u64, SignatureFault> {
        let covered = match &self.required {
            Some(required) => required.iter().all(|component| input.covers(component)),
            None => covers_request_line(input, exchange.target.1.is_some()),
        };
        if !covered {
            return Err(SignatureFault::NotCovered);
        }
        if self.nonce_required && input.nonce.is_none() {
            return Err(SignatureFault::NoNonce);
        }
        self.end(input, now)
    }

    fn end(&self, input: &SignatureInput, now: Wall) -> Result<u64, SignatureFault> {
        let now_s = i64::try_from(now.0 / 1_000_000).unwrap_or(i64::MAX);
        let created = input.created.ok_or(SignatureFault::NoCreated)?;
        if created > now_s.saturating_add(self.leeway_s) {
            return Err(SignatureFault::InFuture);
        }
        let end = created.saturating_add(self.window_s);
        if now_s > end || input.expires.is_some_and(|expires| now_s > expires) {
            return Err(SignatureFault::Expired);
        }
        u64::try_from(end).map_err(|_| SignatureFault::Expired)
    }
}

/// Whether the method and all of the target are covered. A query that is there counts, so that none can be added.
fn covers_request_line(input: &SignatureInput, has_query: bool) -> bool {
    let has = |name: &str| input.components.iter().any(|it| it.identifier() == name);
    let path =
        has(r#""@request-target""#) || (has(r#""@path""#) && (has(r#""@query""#) || !has_query));
    has(r#""@method""#) && (has(r#""@target-uri""#) || (has(r#""@authority""#) && path))
}

fn components(names: &[Spanned<String>], reader: &mut Reader<'_>) -> Option<Vec<Component>> {
    let read = |name: &Spanned<String>| match Component::parse(name) {
        Ok(component) => Some(component),
        Err(_) => {
            let message = format!("`{}` is no component of a request", name.value);
            let error = reader.error(name.span, message);
            error.help("write a header in small letters, or one of @method, @target-uri, @authority, @path, @query");
            None
        }
    };
    let found: Vec<_> = names.iter().filter_map(read).collect();
    (found.len() == names.len()).then_some(found)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

const DIGEST: &str = "content-digest";
const WINDOW_S_MAX: u64 = 24 * 60 * 60;
