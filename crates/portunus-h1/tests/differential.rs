//! Other parsers beside ours: what we accept, and write again, they must read as we do.
//!
//! A request that another parser reads as two is a hole for smuggling. That another one refuses
//! what we accept is none; where we refuse more than others, the reasons are listed.

mod httparse;
mod hyper;
mod peers;

use crate::{
    corpus,
    message::{Outcome, Request, read_request},
};

/// What a reader of a stream saw: whole requests in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    method: Vec<u8>,
    target: Vec<u8>,
    body: Vec<u8>,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let Request { method, target, body, .. } = request.clone();
        Self { method, target, body }
    }

    fn sentinel() -> Self {
        Self { method: b"GET".to_vec(), target: b"/sentinel".to_vec(), body: Vec::new() }
    }
}

/// A request of the corpus that we accept.
struct Accepted {
    name: String,
    ours: Seen,
    /// As the client sent it, without what follows.
    sent: Vec<u8>,
    /// As we forward it.
    forwarded: Vec<u8>,
}

/// CONNECT is left out: behind it there are no more requests. So is HTTP/1.0 without a host, to
/// which the data path gives one before it is forwarded.
fn accepted() -> Vec<Accepted> {
    let cases = corpus::read("requests.txt").into_iter().filter_map(|case| {
        match read_request(&case.bytes) {
            Outcome::Whole { message, len, again, .. }
                if message.method != b"CONNECT" && !message.host.is_empty() =>
            {
                let (sent, ours) = (case.bytes[..len].to_vec(), Seen::of(&message));
                Some(Accepted { name: case.name, ours, sent, forwarded: again })
            }
            _ => None,
        }
    });
    cases.collect()
}

/// `request` with another one behind it, which tells whether both ends of the first were seen
/// alike.
fn with_sentinel(request: &[u8]) -> Vec<u8> {
    let sentinel = b"GET /sentinel HTTP/1.1\r\nHost: sentinel\r\nConnection: close\r\n\r\n";
    [request, &sentinel[..]].concat()
}

/// Fails when a peer that takes the request reads something else than we do.
fn check(peer: &str, accepted: &Accepted, seen: &[Seen]) {
    let expected = [accepted.ours.clone(), Seen::sentinel()];
    assert!(seen.is_empty() || seen == expected, "{peer} on {}: {seen:?}", accepted.name);
}
