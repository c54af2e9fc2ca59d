//! From the claims of a token to who asks, and to headers for the upstream.

use bytes::Bytes;
use portunus_base::Wall;
use portunus_exchange::Exchange;
use portunus_filter::HeaderName;
use portunus_http::{is_field_value, is_protected, names_are_alike};
use portunus_identity::{Consumers, Credential, Identity, claim};
use portunus_spec::{Named, Reader, Spanned};
use serde_json::{Map, Value};

use crate::{Fault, rules};

/// How claims become an identity.
#[derive(Clone, Debug)]
pub struct IdentityRule {
    /// What found it out.
    pub method: &'static str,
    /// The claim that names the consumer.
    pub consumer_claim: Option<String>,
    /// The claim with the groups.
    pub groups_claim: String,
    /// Whether only consumers are let through.
    pub consumers_only: bool,
}

impl IdentityRule {
    /// Who it is, in the words of the token and here. A consumer is found by a credential that a claim proves, else by
    /// the name in the claim of the configuration.
    ///
    /// # Errors
    /// The credential is past its life, or it is nobody who is known here and must be.
    pub fn identity(
        &self,
        claims: Map<String, Value>,
        expires: Option<Wall>,
        consumers: &Consumers,
        now: Wall,
    ) -> Result<Identity, Fault> {
        let text = |name: &str| claim(&claims, name).and_then(Value::as_str);
        let subject = text("sub").or_else(|| text("client_id")).unwrap_or("").into();
        let credential = credential(&claims, consumers, now)?;
        let consumer = match credential {
            Some(credential) => Some(&credential.consumer),
            None => {
                self.consumer_claim.as_deref().and_then(text).and_then(|it| consumers.by_name(it))
            }
        };
        if consumer.is_none() && self.consumers_only {
            return Err(Fault::NoConsumer);
        }
        let of_consumer = consumer.iter().flat_map(|consumer| consumer.groups.iter().cloned());
        let groups = self.groups(of_consumer.collect(), &claims);
        let end = credential.and_then(|credential| credential.not_after);
        Ok(Identity {
            method: self.method,
            subject,
            credential: credential.map(|it| &*it.id).or_else(|| text("jti")).unwrap_or("").into(),
            consumer: consumer.cloned(),
            groups: groups.into(),
            scopes: rules::scopes(&claims).map(Box::from).collect(),
            expires: [expires, end].into_iter().flatten().min(),
            claims,
        })
    }

    /// The groups of the consumer, and those of the claims.
    fn groups(&self, mut groups: Vec<Box<str>>, claims: &Map<String, Value>) -> Vec<Box<str>> {
        let of_claims = claim(claims, &self.groups_claim).map_or(&[][..], items);
        for group in of_claims.iter().filter_map(Value::as_str) {
            if !groups.iter().any(|known| **known == *group) {
                groups.push(group.into());
            }
        }
        groups
    }
}

/// The credential that a claim proves; of several, one that is alive, and that of the claim whose name comes first.
fn credential<'c>(
    claims: &Map<String, Value>,
    consumers: &'c Consumers,
    now: Wall,
) -> Result<Option<&'c Credential>, Fault> {
    let issuer = claims.get("iss").and_then(Value::as_str);
    let proven = consumers.claims().filter_map(|name| {
        let value = claim(claims, name)?.as_str()?;
        let credential = consumers.claim(issuer, name, value)?;
        Some((credential.is_expired(now), name, credential))
    });
    match proven.min_by_key(|(is_expired, name, _)| (*is_expired, *name)) {
        Some((true, ..)) => Err(Fault::CredentialExpired),
        proven => Ok(proven.map(|(.., credential)| credential)),
    }
}

/// The items of a list; a value alone is a list of one.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        value => std::slice::from_ref(value),
    }
}

/// Headers for the upstream, made of claims.
#[derive(Debug)]
pub struct ForwardedClaims {
    headers: Box<[(Bytes, String)]>,
}

/// Values for them, ready to be set.
pub type ReadyHeaders = Box<[(Bytes, Bytes)]>;

impl ForwardedClaims {
    /// Checks the names: headers by the claim that they tell.
    pub fn build(written: &Named<String>, reader: &mut Reader<'_>) -> Option<Self> {
        let fine = written.iter().map(|(name, _)| check_name(name, reader)).collect::<Vec<_>>();
        let pair = |(name, claim): &(Spanned<String>, String)| {
            (Bytes::copy_from_slice(name.as_bytes()), claim.clone())
        };
        let headers = written.iter().map(pair).collect();
        fine.iter().all(|fine| *fine).then_some(Self { headers })
    }

    /// Whether a claim is told under this name, or one that some servers take for the same.
    #[must_use]
    pub fn guards(&self, name: &[u8]) -> bool {
        self.headers.iter().any(|(known, _)| names_are_alike(known, name))
    }

    /// Takes away what the client sent under these names, also under those that some servers take for the same.
    pub fn remove_copies(&self, exchange: &mut Exchange) {
        if self.headers.is_empty() {
            return;
        }
        let headers = &mut exchange.request.headers;
        if headers.iter().any(|header| self.guards(header.name)) {
            headers.retain(|header| !self.guards(header.name));
        }
    }

    /// The headers that claims give. A claim that is not there, or cannot stand in a header, gives none.
    pub fn ready(&self, claims: &Map<String, Value>) -> ReadyHeaders {
        let ready = |(name, path): &(Bytes, String)| {
            let value = header_text(claim(claims, path)?)?;
            let is_fine =
                !value.is_empty() && value.trim() == value && is_field_value(value.as_bytes());
            is_fine.then(|| (name.clone(), Bytes::from(value)))
        };
        self.headers.iter().filter_map(ready).collect()
    }
}

/// Sets headers on the request to the upstream.
pub fn set_headers(headers: &ReadyHeaders, exchange: &mut Exchange) {
    for (name, value) in headers {
        exchange.request.headers.set(name, value);
    }
}

/// A claim as a header's value: text as it is, lists of texts and numbers with commas, everything else as JSON.
fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            let items: Option<Vec<String>> = items.iter().map(header_text).collect();
            // A comma within an item would make two of it.
            items.filter(|items| items.iter().all(|it| !it.contains(','))).map(|it| it.join(", "))
        }
        value => Some(value.to_string()),
    }
}

fn check_name(name: &Spanned<String>, reader: &mut Reader<'_>) -> bool {
    let Some(header) = HeaderName::read(name, name.span, reader) else { return false };
    if is_protected(header.id) {
        let error = reader.error(name.span, format!("`{}` cannot be set from a claim", name.value));
        error.help("choose a name of your own, such as `X-User`");
        return false;
    }
    true
}

#[cfg(test)]
mod tests;
