//! What all tests of filters need: trees with places, building through the registry, exchanges, a service to call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{ListenerId, Mono, Rng, RouteId, UpstreamId, Wall};
use portunus_exchange::{Exchange, ProxyError, Reply, ReplyBody};
use portunus_filter::{
    BodyPiece, BuildCx, CallAnswer, CallRequest, Calls, Filter, FilterCx, LocalFuture, Locals,
    Resume, Slots, UpstreamNames, Verdict,
};
use portunus_route::{
    ConnectionFacts, HostPattern, NoRecorder, PathPattern, RouteRule, RouterBuilder,
};
use portunus_spec::{Diagnostic, Lookup, Node, Reader, Sources, Span, Spanned, Value};

/// A map of texts.
pub(crate) fn texts(entries: &[(&str, &str)]) -> Node {
    Node::map(entries.iter().map(|(key, value)| (*key, Value::plain(value).into())))
}

/// A list of texts.
pub(crate) fn list(items: &[&str]) -> Node {
    Node::seq(items.iter().map(|item| Node::text(*item)))
}

/// Builds a filter through the registry; the mistakes when there are any.
pub(crate) fn build(name: &str, node: Node) -> Result<Arc<dyn Filter>, Vec<Diagnostic>> {
    let (filter, mut found) = build_with_warnings(name, node);
    found.retain(|diagnostic| diagnostic.severity == portunus_spec::Severity::Error);
    assert_eq!(filter.is_none(), !found.is_empty(), "{found:?}");
    for diagnostic in &found {
        assert!(!diagnostic.span.is_none(), "without a place: {diagnostic:?}");
    }
    filter.ok_or(found)
}

pub(crate) fn build_with_warnings(
    name: &str,
    mut node: Node,
) -> (Option<Arc<dyn Filter>>, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let source = sources.add("test.yaml", " ".repeat(1000));
    place(&mut node, &mut 0, &mut |at| Span::new(source, at, at + 1));
    let files = Files(HashMap::from([("404.html", "<style>p {}</style>")]));
    let mut reader = Reader::at(&files, "use[0]");
    let mut cx = BuildCx {
        reader: &mut reader,
        span: Span::NONE,
        params: &["id", "rest"],
        upstreams: &mut Upstreams,
        slots: &mut Slots::default(),
    };
    let filter = (crate::find(name).unwrap().build)(&node, &mut cx);
    (filter, reader.finish().iter().cloned().collect())
}

/// The mistakes of a filter that must not build, as text.
pub(crate) fn mistakes(name: &str, node: Node) -> String {
    let Err(found) = build(name, node) else { panic!("no mistake was found") };
    let line = |diagnostic: &Diagnostic| {
        format!("{} ({})", diagnostic.message, diagnostic.help.as_deref().unwrap_or(""))
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Gives each node and key a place of its own, as if it had been read from a file.
fn place(node: &mut Node, next: &mut usize, span: &mut impl FnMut(usize) -> Span) {
    *next += 1;
    node.span = span(*next);
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| place(item, next, span)),
        Value::Map(entries) => {
            for entry in entries {
                *next += 1;
                entry.key.span = span(*next);
                place(&mut entry.value, next, span);
            }
        }
        _ => {}
    }
}

/// A request: `PUT /orders/7?x=1`, to `shop.example.com`, on the route `/orders/{id}/**` where it fits.
pub(crate) fn exchange(line: &str) -> Exchange {
    let mut exchange = Exchange::default();
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    exchange.request.set_method(method.as_bytes());
    exchange.request.set_path(path.as_bytes());
    exchange.request.set_query(query.map(str::as_bytes));
    exchange.request.set_authority(b"shop.example.com:8080");
    exchange.request.headers.append(b"Host", b"shop.example.com:8080");
    exchange.client.ip = "192.0.2.7".parse().unwrap();
    let mut routes = RouterBuilder::new();
    for path in ["/orders/{id}", "/orders/{id}/**"] {
        let (host, path) = (HostPattern::parse("*").unwrap(), PathPattern::parse(path).unwrap());
        routes.add(RouteRule { id: RouteId(0), host, path, conditions: Vec::new() });
    }
    let facts = ConnectionFacts { listener: ListenerId(0), client_ip: exchange.client.ip };
    let routes = routes.build().unwrap();
    let _ = routes.find(&exchange.request, &facts, &mut exchange.params, &mut NoRecorder);
    exchange
}

/// A worker's part: time, randomness, slots, and a service that answers as told.
pub(crate) struct Rig {
    pub(crate) wall: Wall,
    pub(crate) rng: Rng,
    pub(crate) locals: Locals,
    pub(crate) service: Service,
}

/// Keeps the calls that it got.
#[derive(Default)]
pub(crate) struct Service {
    pub(crate) calls: RefCell<Vec<CallRequest>>,
    pub(crate) answers: RefCell<Vec<Result<CallAnswer, ProxyError>>>,
}

impl Calls for Service {
    fn call(&self, request: CallRequest) -> LocalFuture<Result<CallAnswer, ProxyError>> {
        self.calls.borrow_mut().push(request);
        let answer = self.answers.borrow_mut().remove(0);
        Box::pin(async { answer })
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self {
            wall: Wall(1_800_000_000_000_000),
            rng: Rng::seeded(7),
            locals: Locals::default(),
            service: Service::default(),
        }
    }

    fn cx(&mut self) -> FilterCx<'_> {
        FilterCx {
            now: Mono(1),
            wall: self.wall,
            rng: &mut self.rng,
            locals: &mut self.locals,
            calls: &self.service,
        }
    }

    pub(crate) fn request(&mut self, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
        filter.on_request(exchange, &mut self.cx())
    }

    pub(crate) fn body(
        &mut self,
        filter: &dyn Filter,
        exchange: &mut Exchange,
        body: &str,
    ) -> Verdict {
        let mut bytes = body.as_bytes().to_vec();
        let mut piece = BodyPiece { bytes: &mut bytes, end: true };
        filter.on_request_body(exchange, &mut piece, &mut self.cx())
    }

    /// A piece of the request's body, or of the answer's.
    pub(crate) fn piece(
        &mut self,
        filter: &dyn Filter,
        exchange: &mut Exchange,
        of_request: bool,
        bytes: &mut Vec<u8>,
        end: bool,
    ) -> Verdict {
        let mut piece = BodyPiece { bytes, end };
        if of_request {
            filter.on_request_body(exchange, &mut piece, &mut self.cx())
        } else {
            filter.on_response_body(exchange, &mut piece, &mut self.cx())
        }
    }

    pub(crate) fn response(&mut self, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
        filter.on_response(exchange, &mut self.cx())
    }
}

/// Heap allocations of 100 requests in steady state, with a recycled exchange.
pub(crate) fn allocations(
    filter: &dyn Filter,
    exchange: &mut Exchange,
    prepare: impl Fn(&mut Exchange),
) -> u64 {
    let mut rig = Rig::new();
    let mut run = || {
        exchange.clear();
        prepare(exchange);
        assert!(matches!(rig.request(filter, exchange), Verdict::Continue));
        assert!(matches!(rig.response(filter, exchange), Verdict::Continue));
    };
    // Buffers that trade places need a few rounds to grow.
    (0..4).for_each(|_| run());
    allocation_counter::measure(|| (0..100).for_each(|_| run())).count_total
}

/// A verdict in short: `continue`, or status, reason and body.
pub(crate) fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Continue => "continue".to_owned(),
        Verdict::Reply(reply) => shown_reply(reply),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn shown_reply(reply: &Reply) -> String {
    let body = match &reply.body {
        ReplyBody::Empty => "-".to_owned(),
        ReplyBody::Problem => "problem".to_owned(),
        ReplyBody::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
    };
    format!("{} {} {body}", reply.status, reply.reason.map_or("-", |reason| reason.0))
}

/// The value of a reply's header.
pub(crate) fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let named = |(known, _): &&(_, _)| is(known, name);
    reply.headers.iter().find(named).map(|(_, value)| std::str::from_utf8(value).unwrap())
}

fn is(known: &bytes::Bytes, name: &str) -> bool {
    known.eq_ignore_ascii_case(name.as_bytes())
}

/// All headers as `name: value`, joined by `; `.
pub(crate) fn lines(headers: &portunus_http::HeaderList) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let line = |header: portunus_http::Header<'_>| {
        format!("{}: {}", text(header.name), text(header.value))
    };
    headers.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// What a wait ends with. The service of the tests answers at once.
pub(crate) fn resumed(verdict: Verdict) -> Resume {
    let Verdict::Suspend(mut wait) = verdict else { panic!("{verdict:?}") };
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match wait.as_mut().poll(&mut task) {
        std::task::Poll::Ready(resume) => resume,
        std::task::Poll::Pending => panic!("still waiting"),
    }
}

struct Upstreams;

impl UpstreamNames for Upstreams {
    fn upstream(&mut self, to: &Spanned<String>, reader: &mut Reader<'_>) -> Option<UpstreamId> {
        match to.value.as_str() {
            "auth" => Some(UpstreamId(1)),
            "http://auth.internal:9000" => Some(UpstreamId(2)),
            other => {
                reader.error(to.span, format!("no upstream `{other}`"));
                None
            }
        }
    }
}

struct Files(HashMap<&'static str, &'static str>);

impl Lookup for Files {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.0.get(path).map(ToString::to_string).ok_or_else(|| format!("cannot read {path}"))
    }
}
