//! The filters of a route, without anybody to call.

use std::cell::RefCell;
use std::sync::Arc;

use portunus_base::{Mono, Rng, Wall};
use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Reply};
use portunus_filter::{
    BodyMode, BodyPiece, CallAnswer, CallRequest, Calls, Chain, FilterCx, Link, LocalFuture,
    Locals, Verdict, Way,
};
use portunus_identity::Directory;
use portunus_telemetry::Shard;

use super::text;
use crate::Compiled;
use crate::explain::{Answer, Step, StepVerdict};

/// What the filters did.
pub(super) struct Filtered {
    pub(super) steps: Vec<Step>,
    /// The answer of the one that answered.
    pub(super) answer: Option<Answer>,
}

/// Shows the request to the filters, as the data path does: the heads first, then the body to those that need it. `serves`
/// is false where no route takes the request: then only those have the body that need it whole.
pub(super) fn run(
    compiled: &Compiled,
    chain: &Chain,
    exchange: &mut Exchange,
    body: &[u8],
    serves: bool,
) -> Filtered {
    let mut rig = Rig::new(compiled, exchange.timings.wall);
    let mut seen = see_heads(&mut rig, compiled, chain, exchange);
    see_body(&mut rig, compiled, chain, exchange, body, serves, &mut seen);
    let Seen { steps, reply, .. } = seen;
    Filtered { steps, answer: reply.map(|reply| answer(compiled, chain, exchange, reply)) }
}

/// What came of the hooks so far.
struct Seen {
    steps: Vec<Step>,
    reply: Option<Reply>,
    /// How many filters stand before the one that answered; all where none did.
    count: usize,
    /// The filter that ended the request did so without an answer of its own.
    failed: bool,
}

/// Shows the body: what filters say of it comes before the answer of one that stands after them.
fn see_body(
    rig: &mut Rig,
    compiled: &Compiled,
    chain: &Chain,
    exchange: &mut Exchange,
    body: &[u8],
    serves: bool,
    seen: &mut Seen,
) {
    let goes_on = serves && seen.reply.is_none();
    let mode = match chain.body_mode_before(seen.count, Way::Request, exchange) {
        BodyMode::Stream if goes_on => Some(usize::MAX),
        BodyMode::Buffer(bytes_max) if !seen.failed => Some(bytes_max),
        _ => None,
    };
    let allowed = exchange.request_body_max.unwrap_or(u64::MAX);
    let too_large = body.len() as u64 > allowed || mode.is_some_and(|max| body.len() > max);
    if too_large && (goes_on || mode.is_some()) {
        seen.reply = Some(failure(ProxyError::client(ErrorKind::BodyTooLarge)));
        return;
    }
    let mut body = body.to_vec();
    let mut refusal = None;
    for link in chain.links().iter().take(seen.count).filter(|_| mode.is_some()) {
        if refusal.is_some() || !link.needs_body(Way::Request, exchange) {
            continue;
        }
        let before = body.clone();
        let mut step = rig.step(compiled, link, exchange, &mut refusal, |exchange, cx| {
            let mut piece = BodyPiece { bytes: &mut body, end: true };
            link.filter.on_request_body(exchange, &mut piece, cx)
        });
        if body != before {
            step.changes.push(format!("the body becomes {}", shown_body(&body)));
        }
        seen.steps.push(step);
    }
    if refusal.is_some() {
        seen.reply = refusal;
    }
}

fn see_heads(rig: &mut Rig, compiled: &Compiled, chain: &Chain, exchange: &mut Exchange) -> Seen {
    exchange.phase = Phase::Request;
    let count = chain.links().len();
    let mut seen = Seen { steps: Vec::new(), reply: None, count, failed: false };
    for (at, link) in chain.links().iter().enumerate() {
        let step = if !link.interest.phases.has(Phase::Request) {
            Step::quiet(link, StepVerdict::LooksLater)
        } else if seen.reply.is_some() {
            Step::quiet(link, StepVerdict::NotReached)
        } else {
            let step = rig.step(compiled, link, exchange, &mut seen.reply, |exchange, cx| {
                link.filter.on_request(exchange, cx)
            });
            if seen.reply.is_some() {
                seen.count = at;
                seen.failed = matches!(step.verdict, StepVerdict::Fails { .. });
            }
            step
        };
        seen.steps.push(step);
    }
    seen
}

/// The answer that a reply becomes, once the filters that look at answers have seen it.
pub(super) fn answer(
    compiled: &Compiled,
    chain: &Chain,
    exchange: &mut Exchange,
    reply: Reply,
) -> Answer {
    exchange.phase = Phase::Response;
    let mut rig = Rig::new(compiled, exchange.timings.wall);
    let mut detail = reply.detail.clone();
    take_over(exchange, &reply);
    for link in chain.links().iter().rev() {
        if !link.interest.phases.has(Phase::Response) {
            continue;
        }
        let replaced = match rig.hook(|cx| link.filter.on_response(exchange, cx)) {
            Verdict::Continue | Verdict::Suspend(_) => continue,
            Verdict::Reply(reply) => *reply,
            Verdict::Fail(error) => failure(error),
        };
        take_over(exchange, &replaced);
        detail = replaced.detail;
        break;
    }
    exchange.merge_extra();
    let headers = exchange.response.headers.iter();
    Answer {
        status: exchange.response.status,
        reason: exchange.reason.map(|reason| reason.to_string()),
        detail,
        headers: headers.map(|header| (text(header.name), text(header.value))).collect(),
    }
}

/// The reply of a failure, as far as it can come about without an upstream.
pub(super) fn failure(error: ProxyError) -> Reply {
    match error.kind {
        ErrorKind::Filter { code, status } | ErrorKind::BadRequest { code, status } => {
            Reply::problem(status, code)
        }
        ErrorKind::BodyTooLarge => Reply::problem(413, "limit.body"),
        ErrorKind::NoEndpoint => Reply::problem(503, "upstream.none_usable"),
        _ => Reply::problem(502, "upstream.failed"),
    }
}

fn take_over(exchange: &mut Exchange, reply: &Reply) {
    exchange.reason = reply.reason.or(exchange.reason);
    exchange.response.clear();
    exchange.response.set_status(reply.status);
    for (name, value) in &reply.headers {
        exchange.response.headers.append(name, value);
    }
}

/// What a worker gives to filters: the time of the request, always the same random numbers, the consumers of the configuration,
/// and nobody to call.
struct Rig {
    wall: Wall,
    rng: Rng,
    locals: Locals,
    calls: Heard,
    directory: Directory,
    shard: Shard,
    notes: Vec<String>,
}

impl Rig {
    fn new(compiled: &Compiled, wall: Wall) -> Self {
        let directory = Directory::default();
        directory.publish(Arc::new(compiled.consumers.table().build()));
        Self {
            wall,
            rng: Rng::seeded(0),
            locals: Locals::default(),
            calls: Heard::default(),
            directory,
            shard: Shard::default(),
            notes: Vec::new(),
        }
    }

    fn hook<R>(&mut self, call: impl FnOnce(&mut FilterCx<'_>) -> R) -> R {
        let Self { wall, rng, locals, calls, directory, shard, notes } = self;
        call(&mut FilterCx {
            now: Mono(0),
            wall: *wall,
            rng,
            locals,
            calls,
            directory,
            shard,
            offline: true,
            notes: Some(notes),
        })
    }

    /// Calls a hook, and tells what came of it.
    fn step(
        &mut self,
        compiled: &Compiled,
        link: &Link,
        exchange: &mut Exchange,
        reply: &mut Option<Reply>,
        call: impl FnOnce(&mut Exchange, &mut FilterCx<'_>) -> Verdict,
    ) -> Step {
        self.notes.clear();
        let before = State::of(exchange);
        let verdict = match self.hook(|cx| call(exchange, cx)) {
            Verdict::Continue => StepVerdict::Continues,
            Verdict::Suspend(_) => self.asked(compiled),
            Verdict::Fail(error) => {
                *reply = Some(failure(error));
                StepVerdict::Fails { error: error.to_string() }
            }
            Verdict::Reply(made) => {
                let made = reply.insert(*made);
                let reason = made.reason.map(|reason| reason.to_string());
                StepVerdict::Replies { status: made.status, reason }
            }
        };
        let changes = before.changes(&State::of(exchange));
        let notes = std::mem::take(&mut self.notes);
        Step { filter: link.name.to_owned(), verdict, notes, changes }
    }

    /// What a filter that waits has asked for.
    fn asked(&self, compiled: &Compiled) -> StepVerdict {
        let Some(request) = self.calls.list.borrow_mut().pop() else {
            return StepVerdict::Waits;
        };
        let upstream = compiled.snapshot.upstream(request.upstream);
        let mut call =
            format!("{} {}", text(request.head.method_text()), text(request.head.path()));
        if let Some(query) = request.head.query() {
            call.push('?');
            call.push_str(&text(query));
        }
        let name = upstream.map_or_else(String::new, |upstream| upstream.plan.name.to_string());
        StepVerdict::Asks { upstream: name, call }
    }
}

/// Hears calls and never answers.
#[derive(Default)]
struct Heard {
    list: RefCell<Vec<CallRequest>>,
}

impl Calls for Heard {
    fn call(&self, request: CallRequest) -> LocalFuture<Result<CallAnswer, ProxyError>> {
        self.list.borrow_mut().push(request);
        Box::pin(std::future::pending())
    }
}

impl Step {
    fn quiet(link: &Link, verdict: StepVerdict) -> Self {
        Self { filter: link.name.to_owned(), verdict, notes: Vec::new(), changes: Vec::new() }
    }
}

/// What filters can change of a request.
struct State {
    target: String,
    headers: Vec<String>,
    extra: Vec<String>,
    body_max: Option<u64>,
}

impl State {
    fn of(exchange: &Exchange) -> Self {
        let line = |header: portunus_http::Header<'_>| {
            format!("{}: {}", text(header.name), text(header.value))
        };
        Self {
            target: target(exchange),
            headers: exchange.request.headers.iter().map(line).collect(),
            extra: exchange.response_extra.iter().map(line).collect(),
            body_max: exchange.request_body_max,
        }
    }

    fn changes(&self, after: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.target != after.target {
            changes.push(format!("{} becomes {}", self.target, after.target));
        }
        let lines = [
            ("removes", missing(&self.headers, &after.headers)),
            ("sets", missing(&after.headers, &self.headers)),
            ("adds to the answer", missing(&after.extra, &self.extra)),
        ];
        for (word, lines) in lines {
            changes.extend(lines.map(|line| format!("{word} {line}")));
        }
        if let Some(max) = after.body_max.filter(|_| self.body_max != after.body_max) {
            changes.push(format!("allows a body of {}", portunus_base::ByteSize(max)));
        }
        changes
    }
}

/// The beginning of a body, as text.
fn shown_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let start: String = text.chars().take(BODY_SHOWN_MAX).collect();
    let more = if start.len() < text.len() { " ..." } else { "" };
    format!("{start}{more}")
}

/// Method and target, as in a request line.
pub(super) fn target(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let query = request.query().map(|query| format!("?{}", text(query))).unwrap_or_default();
    format!("{}{query}", text(request.path()))
}

fn missing<'l>(all: &'l [String], from: &'l [String]) -> impl Iterator<Item = &'l String> {
    all.iter().filter(|line| !from.contains(line))
}

/// The longest beginning of a body that is shown, in characters.
const BODY_SHOWN_MAX: usize = 500;
