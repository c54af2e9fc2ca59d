//! Envoy's external authorisation, version 3, over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! The numbers are those of `external_auth.proto` and `attribute_context.proto`.

use bytes::Bytes;
use portunus_exchange::{Exchange, Reason, Reply, ReplyBody};
use portunus_filter::CallAnswer;
use portunus_http::{HeaderId, RequestHead, Version, is_field_value, is_token_byte};

use crate::inquiry::{Decision, Destination, Edits, Form, may_write};
use crate::protobuf::{Value, Writer, fields};
use portunus_filter::HeaderName;

pub(super) struct ExtAuthz {
    pub(super) to: Destination,
    /// None for all.
    pub(super) copy_request: Option<Vec<HeaderName>>,
    pub(super) with_body: bool,
}

impl Form for ExtAuthz {
    fn question(&self, exchange: &Exchange, body: &Bytes) -> (RequestHead, Bytes) {
        let mut head = self.to.head(b"POST", exchange);
        head.set_path(METHOD);
        head.set_query(None);
        head.headers.set_id(HeaderId::ContentType, b"application/grpc");
        head.headers.set_id(HeaderId::Te, b"trailers");
        (head, framed(&self.check(exchange, body, Told::All)))
    }

    fn identity(&self, exchange: &Exchange, body: &Bytes, _question: &Bytes) -> Bytes {
        self.check(exchange, body, Told::Lasting).into()
    }

    fn decision(&self, answer: CallAnswer) -> Option<Decision> {
        // An answer of the headers alone has it there; without one, the call came to no end.
        let status = answer.trailers.value(b"grpc-status");
        let status = status.or_else(|| answer.headers.value(b"grpc-status"));
        if answer.status != 200 || status != Some(b"0") {
            return None;
        }
        decision(unframed(&answer.body)?)
    }
}

/// How much of a request is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    All,
    /// What another request may have in common with it: not its time, its number, and the port that it came from.
    Lasting,
}

impl ExtAuthz {
    /// `CheckRequest`
    fn check(&self, exchange: &Exchange, body: &Bytes, told: Told) -> Vec<u8> {
        let mut message = Writer::default();
        message.message(1, |attributes| self.attributes(exchange, body, told, attributes));
        message.into_bytes()
    }

    /// `AttributeContext`
    fn attributes(&self, exchange: &Exchange, body: &Bytes, told: Told, to: &mut Writer) {
        let client = &exchange.client;
        to.message(1, |source| {
            let port = if told == Told::All { client.port } else { 0 };
            address(&client.ip.to_string(), port, source);
            let certificate = exchange.client_certificate();
            let principal = certificate
                .map(|it| it.uris.first().or_else(|| it.dns_names.first()).unwrap_or(&it.subject));
            source.text(4, principal.map_or(b"", |it| it.as_bytes()));
        });
        to.message(2, |it| address(&client.local.ip().to_string(), client.local.port(), it));
        to.message(4, |request| {
            let micros = if told == Told::All { exchange.timings.wall.0 } else { 0 };
            request.message(1, |time| {
                time.number(1, micros / 1_000_000);
                time.number(2, micros % 1_000_000 * 1_000);
            });
            request.message(2, |http| self.http(exchange, body, told, http));
        });
        if let Some(name) = exchange.tls.as_ref().and_then(|tls| tls.server_name.as_deref()) {
            to.message(12, |session| session.text(1, name.as_bytes()));
        }
    }

    /// `AttributeContext.HttpRequest`
    fn http(&self, exchange: &Exchange, body: &Bytes, told: Told, to: &mut Writer) {
        let asked = &exchange.request;
        if told == Told::All {
            to.text(1, exchange.attributes.value("request_id").unwrap_or(b""));
        }
        to.text(2, asked.method_text());
        self.headers(exchange, told, to);
        let mut target = asked.path().to_vec();
        if let Some(query) = asked.query() {
            target.push(b'?');
            target.extend_from_slice(query);
        }
        to.text(4, &target);
        to.text(5, asked.authority());
        to.text(6, exchange.client.scheme.text().as_bytes());
        // -1 for a length that is not known, as the sixty-four bits that it has.
        to.number(9, length(exchange, body, self.with_body).unwrap_or(u64::MAX));
        to.text(10, if asked.version >= Version::H2 { b"HTTP/2" } else { b"HTTP/1.1" });
        match std::str::from_utf8(body) {
            Ok(text) => to.text(11, text.as_bytes()),
            Err(_) => to.bytes(12, body),
        }
    }

    /// A map by name in lower case; several lines of one name are one value.
    fn headers(&self, exchange: &Exchange, told: Told, to: &mut Writer) {
        let headers = &exchange.request.headers;
        let mut known: Vec<Vec<u8>> = Vec::new();
        for header in headers.iter() {
            let name = header.name.to_ascii_lowercase();
            let wanted = self.copy_request.as_ref().is_none_or(|names| {
                names.iter().any(|known| known.text.eq_ignore_ascii_case(&name))
            });
            let is_passing = matches!(header.id, HeaderId::XRequestId | HeaderId::Traceparent);
            if !wanted || known.contains(&name) || is_passing && told == Told::Lasting {
                continue;
            }
            let values: Vec<&[u8]> = headers.values(&name).collect();
            let value = values.join(if header.id == HeaderId::Cookie { &b"; "[..] } else { b"," });
            to.message(3, |entry| {
                entry.text(1, &name);
                entry.text(2, &value);
            });
            known.push(name);
        }
    }
}

fn length(exchange: &Exchange, body: &Bytes, whole: bool) -> Option<u64> {
    if whole {
        return Some(body.len() as u64);
    }
    let length = exchange.request.headers.value_of(HeaderId::ContentLength)?;
    std::str::from_utf8(length).ok()?.parse().ok()
}

/// `Peer.address.socket_address`
fn address(ip: &str, port: u16, to: &mut Writer) {
    to.message(1, |address| {
        address.message(1, |socket| {
            socket.text(2, ip.as_bytes());
            socket.number(3, port.into());
        });
    });
}

/// A message with the prefix of gRPC: not compressed, and its length.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

fn unframed(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<5>()?;
    let [0, length @ ..] = *prefix else { return None };
    (message.len() == u32::from_be_bytes(length) as usize).then_some(message)
}

/// `CheckResponse`
fn decision(message: &[u8]) -> Option<Decision> {
    let (mut code, mut allowed, mut denied) = (0, &[][..], &[][..]);
    for (field, value) in fields(message)? {
        match field {
            1 => code = number_of(value.bytes(), 1)?,
            2 => denied = value.bytes(),
            3 => allowed = value.bytes(),
            _ => {}
        }
    }
    if code == 0 {
        return Some(Decision::Allow(edits(allowed)?));
    }
    Some(Decision::Deny(Box::new(refusal(denied)?)))
}

/// `OkHttpResponse`
fn edits(message: &[u8]) -> Option<Edits> {
    let mut edits = Edits::default();
    for (field, value) in fields(message)? {
        match field {
            2 => {
                let option = HeaderOption::read(value)?;
                if option.is_header() {
                    let list = if option.append { &mut edits.append } else { &mut edits.set };
                    list.push((option.name, option.value));
                }
            }
            5 if may_write(value.bytes()) => {
                edits.remove.push(Bytes::copy_from_slice(value.bytes()))
            }
            6 => {
                let option = HeaderOption::read(value)?;
                if option.is_header() {
                    edits.to_client.push((option.name, option.value));
                }
            }
            _ => {}
        }
    }
    Some(edits)
}

/// `DeniedHttpResponse`
fn refusal(message: &[u8]) -> Option<Reply> {
    let mut reply = Reply::problem(403, "auth.forward_denied");
    for (field, value) in fields(message)? {
        match field {
            1 => {
                let status = u16::try_from(number_of(value.bytes(), 1)?).unwrap_or(0);
                if (200..600).contains(&status) {
                    reply.status = status;
                }
            }
            2 => {
                let option = HeaderOption::read(value)?;
                if option.is_header() {
                    reply.headers.push((option.name, option.value));
                }
            }
            3 => reply.body = ReplyBody::Whole(Bytes::copy_from_slice(value.bytes())),
            _ => {}
        }
    }
    reply.reason = Some(Reason("auth.forward_denied"));
    Some(reply)
}

/// `HeaderValueOption`
struct HeaderOption {
    name: Bytes,
    value: Bytes,
    append: bool,
}

impl HeaderOption {
    fn read(option: Value<'_>) -> Option<Self> {
        let (mut name, mut text, mut raw, mut append) = (&[][..], &[][..], &[][..], false);
        for (field, value) in fields(option.bytes())? {
            match field {
                1 => {
                    for (field, value) in fields(value.bytes())? {
                        match field {
                            1 => name = value.bytes(),
                            2 => text = value.bytes(),
                            3 => raw = value.bytes(),
                            _ => {}
                        }
                    }
                }
                2 => append = number_of(value.bytes(), 1)? != 0,
                _ => {}
            }
        }
        let value = if text.is_empty() { raw } else { text };
        let copy = Bytes::copy_from_slice;
        Some(Self { name: copy(name), value: copy(value), append })
    }

    /// True for what may stand in a message.
    fn is_header(&self) -> bool {
        let token = !self.name.is_empty() && self.name.iter().all(|byte| is_token_byte(*byte));
        token && is_field_value(&self.value) && may_write(&self.name)
    }
}

/// A number in a message; 0 when it is not there.
fn number_of(message: &[u8], wanted: u32) -> Option<u64> {
    let fields = fields(message)?;
    let found = fields.iter().rev().find(|(field, _)| *field == wanted);
    Some(found.map_or(0, |(_, value)| value.number()))
}

const METHOD: &[u8] = b"/envoy.service.auth.v3.Authorization/Check";

#[cfg(test)]
mod tests;
