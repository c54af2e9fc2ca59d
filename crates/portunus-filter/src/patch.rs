//! Edits that a waiting filter wants made when the exchange goes on.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::Exchange;
use portunus_identity::Identity;

use crate::identify;

/// Edits of an exchange, made after a [`crate::Verdict::Suspend`].
#[derive(Debug, Default)]
pub struct Patch {
    /// Who asks.
    pub identity: Option<Arc<Identity>>,
    /// Request headers to set: name and value; no value removes the header.
    pub request_headers: Vec<(Bytes, Option<Bytes>)>,
    /// Headers that the answer to the client gets, whoever makes it.
    pub response_headers: Vec<(Bytes, Bytes)>,
    /// Attributes to set.
    pub attributes: Vec<(&'static str, Bytes)>,
}

impl Patch {
    /// Makes the edits.
    pub fn apply(&self, exchange: &mut Exchange) {
        if let Some(identity) = &self.identity {
            identify(exchange, Arc::clone(identity));
        }
        for (name, value) in &self.request_headers {
            match value {
                Some(value) => exchange.request.headers.set(name, value),
                None => _ = exchange.request.headers.remove(name),
            }
        }
        for (name, value) in &self.response_headers {
            exchange.response_extra.append(name, value);
        }
        for (name, value) in &self.attributes {
            exchange.attributes.set(name, value);
        }
    }
}
