//! The refusals of members, and which of them the client gets.

use std::fmt;

use bytes::Bytes;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::{Patch, Verdict};

/// The refusals so far, in the order of the members.
#[derive(Default)]
pub(super) struct Refused(Vec<Refusal>);

struct Refusal {
    name: &'static str,
    patch: Patch,
    reply: Box<Reply>,
}

/// How much a refusal says about the request, least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Weight {
    /// It may not, for reasons that are none of a credential: its address.
    Elsewhere,
    /// It has no credential.
    Missing,
    /// It has a wrong one.
    Wrong,
    /// It could not be checked.
    Unchecked,
}

/// True for a reply after which another member is asked: it says who may not, or that nobody knows. A login that
/// went wrong in the middle, or a page, is an answer.
pub(super) fn is_refusal(reply: &Reply) -> bool {
    let reason = reason(reply);
    let unchecked = reply.status == 503 && reason.starts_with("auth.");
    matches!(reply.status, 401 | 403) || reason == MISSING || unchecked
}

fn reason(reply: &Reply) -> &'static str {
    reply.reason.map_or("", |reason| reason.0)
}

impl Refused {
    /// One more.
    pub(super) fn add(&mut self, name: &'static str, patch: Patch, reply: Box<Reply>) {
        self.0.push(Refusal { name, patch, reply });
    }

    /// True when no member found a credential.
    pub(super) fn are_all_missing(&self) -> bool {
        self.0.iter().all(|it| it.weight() <= Weight::Missing)
    }

    /// The answer: the weightiest refusal, of equal ones the first; with the challenges of all.
    pub(super) fn answer(mut self, exchange: &mut Exchange) -> Verdict {
        let weights = self.0.iter().map(Refusal::weight);
        let Some(most) = weights.clone().max() else { return Verdict::Continue };
        let at = weights.clone().position(|weight| weight == most).unwrap_or(0);
        let Refusal { patch, mut reply, .. } = self.0.remove(at);
        if reply.status == 401 {
            for challenge in self.0.iter().flat_map(|it| challenges(&it.reply)) {
                if !challenges(&reply).any(|known| known == challenge) {
                    reply.headers.push((Bytes::from_static(CHALLENGE), challenge.clone()));
                }
            }
        }
        patch.apply(exchange);
        Verdict::Reply(reply)
    }
}

impl Refusal {
    fn weight(&self) -> Weight {
        match (self.reply.status, reason(&self.reply)) {
            (500.., _) => Weight::Unchecked,
            (_, MISSING) => Weight::Missing,
            (401, _) => Weight::Wrong,
            (_, reason) if reason.starts_with("auth.") => Weight::Wrong,
            _ => Weight::Elsewhere,
        }
    }
}

/// For `explain`: who refused, and why.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Refusal { name, reply, .. }) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { "; " };
            write!(f, "{before}{name}: {} {}", reply.status, reason(reply))?;
        }
        Ok(())
    }
}

fn challenges(reply: &Reply) -> impl Iterator<Item = &Bytes> {
    let named = |(name, _): &&(Bytes, Bytes)| name.eq_ignore_ascii_case(CHALLENGE);
    reply.headers.iter().filter(named).map(|(_, value)| value)
}

const CHALLENGE: &[u8] = b"WWW-Authenticate";
const MISSING: &str = "auth.missing";
