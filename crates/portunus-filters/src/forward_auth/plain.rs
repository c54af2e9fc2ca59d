//! The service is asked over plain HTTP, and its status is the answer.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Reason, Reply, ReplyBody};
use portunus_filter::CallAnswer;
use portunus_http::{Header, HeaderId, HeaderList, RequestHead};

use crate::inquiry::{Decision, Destination, Edits, Form, NamePattern};
use portunus_filter::HeaderName;

pub(super) struct Plain {
    pub(super) to: Destination,
    /// None for the default.
    pub(super) copy_request: Option<Vec<HeaderName>>,
    pub(super) copy_answer: Arc<[NamePattern]>,
    pub(super) copy_to_client: Vec<HeaderName>,
    pub(super) with_body: bool,
}

impl Form for Plain {
    fn question(&self, exchange: &Exchange, body: &Bytes) -> (RequestHead, Bytes) {
        let asked = &exchange.request;
        let mut head = self.to.head(if self.with_body { b"POST" } else { b"GET" }, exchange);
        for header in asked.headers.iter().filter(|header| self.copies(header.id, header.name)) {
            head.headers.append(header.name, header.value);
        }
        for id in [HeaderId::ContentType, HeaderId::ContentEncoding] {
            if self.with_body
                && let Some(value) = asked.headers.value_of(id)
            {
                head.headers.set_id(id, value);
            }
        }
        tell_of_request(exchange, &mut head.headers);
        (head, body.clone())
    }

    fn decision(&self, answer: CallAnswer) -> Option<Decision> {
        match answer.status {
            200..300 => Some(Decision::Allow(self.edits(&answer))),
            300..600 => Some(Decision::Deny(Box::new(self.refusal(answer)))),
            _ => None,
        }
    }
}

impl Plain {
    fn copies(&self, id: HeaderId, name: &[u8]) -> bool {
        match &self.copy_request {
            Some(names) => names.iter().any(|known| known.text.eq_ignore_ascii_case(name)),
            None => {
                let prefix = name.get(..FORWARDED.len());
                matches!(id, HeaderId::Authorization | HeaderId::Cookie)
                    || prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(FORWARDED))
            }
        }
    }

    /// Several headers of one name are one value (RFC 9110 section 5.3).
    fn edits(&self, answer: &CallAnswer) -> Edits {
        let mut edits = Edits::default();
        let copied =
            |header: &Header<'_>| self.copy_answer.iter().any(|names| names.fits(header.name));
        for header in answer.headers.iter().filter(copied) {
            let told = |(name, _): &(Bytes, Bytes)| name.eq_ignore_ascii_case(header.name);
            if !edits.set.iter().any(told) {
                let values: Vec<&[u8]> = answer.headers.values(header.name).collect();
                let value = Bytes::from(values.join(&b", "[..]));
                edits.set.push((Bytes::copy_from_slice(header.name), value));
            }
        }
        for name in &self.copy_to_client {
            let values = answer.headers.values(&name.text);
            let pair = |value| (Bytes::copy_from_slice(&name.text), Bytes::copy_from_slice(value));
            edits.to_client.extend(values.map(pair));
        }
        edits
    }

    fn refusal(&self, answer: CallAnswer) -> Reply {
        let copied = |header: &Header<'_>| {
            let named = |name: &HeaderName| name.text.eq_ignore_ascii_case(header.name);
            goes_to_client(header.id) || self.copy_to_client.iter().any(named)
        };
        let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        let headers = answer.headers.iter().filter(copied);
        let mut reply = Reply::plain(answer.status, ReplyBody::Empty);
        reply.reason = Some(Reason("auth.forward_denied"));
        reply.headers = headers.map(|header| (copy(header.name), copy(header.value))).collect();
        if !answer.body.is_empty() {
            reply.body = ReplyBody::Whole(Bytes::from(answer.body));
        }
        reply
    }
}

fn tell_of_request(exchange: &Exchange, headers: &mut HeaderList) {
    let asked = &exchange.request;
    let mut uri = asked.path().to_vec();
    if let Some(query) = asked.query() {
        uri.push(b'?');
        uri.extend_from_slice(query);
    }
    headers.set_id(HeaderId::XForwardedMethod, asked.method_text());
    headers.set_id(HeaderId::XForwardedUri, &uri);
    headers.set_id(HeaderId::XForwardedHost, asked.authority());
    headers.set_id(HeaderId::XForwardedProto, exchange.client.scheme.text().as_bytes());
    headers.set_id(HeaderId::XForwardedFor, exchange.client.ip.to_string().as_bytes());
}

/// What a refusal needs to be understood: where to log in, and how to read the body.
fn goes_to_client(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::CacheControl
            | HeaderId::ContentEncoding
            | HeaderId::ContentLanguage
            | HeaderId::ContentType
            | HeaderId::Location
            | HeaderId::RetryAfter
            | HeaderId::SetCookie
            | HeaderId::WwwAuthenticate
    )
}

const FORWARDED: &[u8] = b"X-Forwarded-";
