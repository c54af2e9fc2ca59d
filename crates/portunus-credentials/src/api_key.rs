//! `api_key`: keys that a client shows as they are.

mod place;

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::is_token_byte;
use portunus_identity::{Identity, KeyHash};
use portunus_spec::{Problem, Reader, Spanned, check, spec};

use crate::gate::{Gate, REASONS, Refusal};
use place::{Fault, Place};

spec! {
    /// Asks for an API key of a consumer.
    ///
    /// Keys are compared by their hash. A consumer may have several keys, so that one can take the place of another
    /// while both hold.
    pub struct ApiKeySpec {
        short = header;
        /// The header with the key; `X-Api-Key` unless a place is written. In `Authorization` the key stands after
        /// `ApiKey` or `Bearer`.
        header: Option<Spanned<String>>,
        /// The parameter of the query with the key.
        query: Option<Spanned<String>>,
        /// The cookie with the key.
        cookie: Option<Spanned<String>>,
        /// Whether the key is taken out of what goes to the upstream.
        strip: bool = true,
        /// Whether a request without a key goes on, without an identity.
        optional: bool = false,
    }
}

impl Buildable for ApiKeySpec {
    const NAME: &'static str = "api_key";
    const DOC: &'static str = "Asks for an API key of a consumer.";
    const REASONS: &'static [FilterReason] = REASONS;

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let places = self.places(cx.reader)?;
        let first = places.first().map(Place::to_string).unwrap_or_default();
        let challenge = format!("ApiKey realm=\"{first}\"");
        let gate = Gate::build(challenge, "The request has no API key.", self.optional, cx);
        Some(Arc::new(ApiKey { places, strip: self.strip, gate }))
    }
}

impl ApiKeySpec {
    fn places(&self, reader: &mut Reader<'_>) -> Option<Box<[Place]>> {
        let given = [
            (&self.header, Place::header as fn(&str) -> Place),
            (&self.query, Place::query),
            (&self.cookie, Place::cookie),
        ];
        let mut places = Vec::new();
        let mut fine = true;
        for (name, make) in given {
            let Some(name) = name else { continue };
            fine &= check(name, reader, |name| check_name(name));
            places.push(make(name));
        }
        if places.is_empty() {
            places.push(Place::header(HEADER));
        }
        fine.then(|| places.into())
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    if !name.is_empty() && name.bytes().all(is_token_byte) {
        return Ok(());
    }
    Err(Problem::new(format!("`{name}` is not a name")).help("write letters, digits, `-` and `_`"))
}

struct ApiKey {
    places: Box<[Place]>,
    strip: bool,
    gate: Gate,
}

impl Filter for ApiKey {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn forget(&self, exchange: &mut Exchange) {
        self.places.iter().for_each(|place| place.hide(exchange));
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.forget(exchange);
        match self.identity(exchange, cx) {
            Ok(identity) => {
                for place in self.places.iter().filter(|_| self.strip) {
                    place.strip(&mut exchange.request);
                }
                self.gate.pass(exchange, identity, cx)
            }
            Err(refusal) => self.gate.refuse(refusal, cx),
        }
    }
}

impl ApiKey {
    fn identity(&self, exchange: &Exchange, cx: &FilterCx<'_>) -> Result<Identity, Refusal> {
        let key = self.key(exchange)?;
        let consumers = cx.directory.load();
        let credential = consumers.key(&KeyHash::of(&key)).ok_or(Refusal::Invalid(UNKNOWN))?;
        if credential.is_expired(cx.wall) {
            return Err(Refusal::Expired("The API key has expired."));
        }
        let subject = &credential.consumer.name;
        Ok(Identity::of_credential(ApiKeySpec::NAME, credential, subject))
    }

    /// The one key of the request.
    fn key(&self, exchange: &Exchange) -> Result<Vec<u8>, Refusal> {
        let mut found = None;
        for place in &self.places {
            let key = match place.find(&exchange.request) {
                Err(Fault::Twice) => return Err(Refusal::Invalid(TWICE)),
                Ok(None) => continue,
                Ok(Some(key)) => key,
            };
            if found.replace(key).is_some() {
                return Err(Refusal::Invalid(TWICE));
            }
        }
        let key = found.ok_or(Refusal::Missing)?;
        match key.len() {
            1..=KEY_BYTES_MAX => Ok(key),
            0 => Err(Refusal::Invalid("The API key is empty.")),
            _ => Err(Refusal::Invalid("The API key is too long.")),
        }
    }
}

const HEADER: &str = "X-Api-Key";
const UNKNOWN: &str = "The API key is not known.";
const TWICE: &str = "The request has more than one API key.";
/// Longer keys are not looked for.
const KEY_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
