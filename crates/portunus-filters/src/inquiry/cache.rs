//! What a service has said, remembered for a while on each worker. Bounded in entries and bytes.

use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use portunus_base::Mono;
use portunus_exchange::{Exchange, ReplyBody, Template};
use portunus_filter::{BuildCx, SlotId};
use portunus_http::RequestHead;
use portunus_identity::KeyHash;
use portunus_spec::{Spanned, spec};

use super::flight::{Flight, Joined, Landing};
use super::{Decision, Edits};
use crate::every::every;

spec! {
    /// For how long answers of the service are remembered, on each worker.
    pub struct CacheSpec {
        short = ttl;
        /// For how long it is remembered that a request may pass.
        ttl: Duration,
        /// For how long it is remembered that it may not; `0s` for not at all.
        deny_ttl: Duration = Duration::ZERO,
        /// What must be the same for an answer to hold, with variables: `["{header.authorization}", "{method}"]`.
        /// Without it: all that the service is told.
        key: Vec<Spanned<String>> = Vec::new(),
        /// How many answers are remembered; of more the oldest is forgotten.
        max: usize = 10_000,
    }
}

/// How answers are remembered.
pub(crate) struct CachePlan {
    pub(super) times: Times,
    /// Empty for all that the service is told.
    key: Vec<Template>,
    pub(super) max: usize,
    pub(super) slot: SlotId,
}

/// For how long answers are remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) allow: Duration,
    pub(super) deny: Duration,
}

impl Times {
    /// Zero for an answer that is for one exchange alone.
    fn of(self, decision: &Decision) -> Duration {
        match decision {
            _ if sets_cookie(decision) => Duration::ZERO,
            Decision::Allow(_) => self.allow,
            Decision::Deny(reply) if matches!(reply.status, 401 | 403) => self.deny,
            Decision::Deny(_) => Duration::ZERO,
        }
    }

    pub(super) fn keeps(self, decision: &Decision) -> bool {
        !self.of(decision).is_zero()
    }
}

impl CachePlan {
    pub(crate) fn build(spec: &CacheSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let key = every(spec.key.iter().map(|text| cx.template(text)));
        if let Some(first) = spec.key.iter().find(|_| key.as_deref().is_some_and(is_fixed)) {
            let error = cx.reader.error(first.span, "this key is the same for all requests");
            error.help("write what tells callers apart, such as `{header.authorization}`");
            return None;
        }
        Some(Self {
            times: Times { allow: spec.ttl, deny: spec.deny_ttl },
            key: key?,
            max: spec.max.max(1),
            slot: cx.slot(),
        })
    }

    /// What is asked, as a hash: it has credentials in it, and may be long.
    pub(super) fn key(
        &self,
        exchange: &Exchange,
        head: &RequestHead,
        identity: impl FnOnce() -> Bytes,
    ) -> KeyHash {
        let mut text = Vec::new();
        for part in &self.key {
            let start = text.len();
            part.render(exchange, &mut text);
            end_part(&mut text, start);
        }
        if self.key.is_empty() {
            let (query, identity) = (head.query().unwrap_or(b""), identity());
            let fixed = [head.method_text(), head.authority(), head.path(), query, &identity];
            let headers = head.headers.iter().flat_map(|header| [header.name, header.value]);
            for part in fixed.into_iter().chain(headers) {
                let start = text.len();
                text.extend_from_slice(part);
                end_part(&mut text, start);
            }
        }
        KeyHash::of(&text)
    }
}

/// Writes the length of a part behind it, so that no two lists of parts make the same text.
fn end_part(text: &mut Vec<u8>, start: usize) {
    let len = (text.len() - start) as u64;
    text.extend_from_slice(&len.to_le_bytes());
}

fn is_fixed(key: &[Template]) -> bool {
    key.iter().all(|part| part.as_literal().is_some())
}

/// The answers that one worker remembers.
#[derive(Debug, Default)]
pub(super) struct AnswerCache {
    answers: HashMap<KeyHash, Remembered>,
    /// In the order in which they came.
    order: VecDeque<(KeyHash, u64)>,
    flights: HashMap<KeyHash, Weak<Flight>>,
    bytes: usize,
    /// Tells apart answers that came for one key one after the other.
    count: u64,
}

#[derive(Debug)]
struct Remembered {
    decision: Decision,
    until: Mono,
    bytes: usize,
    number: u64,
}

impl AnswerCache {
    pub(super) fn find(&self, key: &KeyHash, now: Mono) -> Option<Decision> {
        let found = self.answers.get(key).filter(|found| found.until > now)?;
        Some(found.decision.clone())
    }

    /// Joins the question under way, or begins one.
    pub(super) fn join(&mut self, key: KeyHash, max: usize) -> Joined {
        let under_way = self.flights.get(&key).and_then(Weak::upgrade);
        if let Some(flight) = under_way.filter(|flight| flight.is_under_way()) {
            return Joined::Follower(flight);
        }
        if self.flights.len() >= max {
            self.flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Rc::new(Flight::default());
        self.flights.insert(key, Rc::downgrade(&flight));
        Joined::Leader(Landing::of(flight))
    }

    /// A question is answered.
    pub(super) fn land(&mut self, key: &KeyHash) {
        self.flights.remove(key);
    }

    pub(super) fn keep(&mut self, plan: &CachePlan, key: KeyHash, decision: &Decision, now: Mono) {
        let ttl = plan.times.of(decision);
        if ttl.is_zero() {
            return;
        }
        self.count += 1;
        let bytes = weight(decision);
        let remembered = Remembered {
            decision: decision.clone(),
            until: now.after(ttl),
            bytes,
            number: self.count,
        };
        let before = self.answers.insert(key, remembered);
        self.bytes = self.bytes + bytes - before.map_or(0, |before| before.bytes);
        self.order.push_back((key, self.count));
        while self.answers.len() > plan.max
            || self.bytes > BYTES_MAX
            || self.order.len() > plan.max * 2
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((key, number)) = self.order.pop_front() else { return };
        if self.answers.get(&key).is_some_and(|found| found.number == number)
            && let Some(gone) = self.answers.remove(&key)
        {
            self.bytes -= gone.bytes;
        }
    }
}

/// A cookie is for one client alone.
fn sets_cookie(decision: &Decision) -> bool {
    let headers = match decision {
        Decision::Allow(edits) => &edits.to_client,
        Decision::Deny(reply) => &reply.headers,
    };
    headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"set-cookie"))
}

fn weight(decision: &Decision) -> usize {
    let pairs = |list: &[(Bytes, Bytes)]| -> usize {
        list.iter().map(|(name, value)| name.len() + value.len() + PAIR_BYTES).sum()
    };
    let content = match decision {
        Decision::Allow(Edits { remove, set, append, to_client }) => {
            let removed: usize = remove.iter().map(|name| name.len() + PAIR_BYTES).sum();
            removed + pairs(set) + pairs(append) + pairs(to_client)
        }
        Decision::Deny(reply) => {
            let body = match &reply.body {
                ReplyBody::Whole(body) => body.len(),
                ReplyBody::Empty | ReplyBody::Problem => 0,
            };
            pairs(&reply.headers) + body
        }
    };
    content + ENTRY_BYTES
}

/// What one worker remembers at most, in bytes.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// What an answer takes beside its content.
const ENTRY_BYTES: usize = 256;
const PAIR_BYTES: usize = 64;
