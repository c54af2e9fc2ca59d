//! What tests of filters need: trees with places, building through a registry, exchanges, a worker's part, and a
//! service to call. Only for tests: it panics where something is not as a test wants it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "for tests alone: see the top of the file"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{ListenerId, Mono, Rng, RouteId, UpstreamId, Wall};
use portunus_exchange::{Exchange, ProxyError, Reply, ReplyBody};
use portunus_fetch::Fetcher;
use portunus_identity::Directory;
use portunus_route::{
    ConnectionFacts, HostPattern, NoRecorder, PathPattern, RouteRule, RouterBuilder,
};
use portunus_spec::{Diagnostic, Lookup, Node, Reader, Sources, Span, Spanned, Value};
use portunus_telemetry::{Options, Registry, Shard};

use crate::{
    Again, Background, BodyPiece, BuildCx, CallAnswer, CallRequest, Calls, Factory, Filter,
    FilterCx, LocalFuture, Locals, Resume, Services, Slots, Stores, UpstreamNames, Verdict,
};

/// A map of texts.
pub fn texts(entries: &[(&str, &str)]) -> Node {
    Node::map(entries.iter().map(|(key, value)| (*key, Value::plain(value).into())))
}

/// A list of texts.
pub fn list(items: &[&str]) -> Node {
    Node::seq(items.iter().map(|item| Node::text(*item)))
}

/// Where filters are built: what outlives them, and what they may read.
pub struct Bench {
    pub registry: &'static [Factory],
    pub services: Services,
    pub stores: Stores,
    pub slots: Slots,
    /// Files that there are, by path.
    pub files: HashMap<&'static str, String>,
    /// What filters want done in the background.
    pub tasks: Vec<Arc<dyn Background>>,
}

impl Bench {
    #[must_use]
    pub fn new(registry: &'static [Factory]) -> Self {
        let metrics = Arc::new(Registry::new(Options::new("0", Wall(0))));
        Self {
            registry,
            services: Services::new(metrics, Fetcher::default()),
            stores: Stores::default(),
            slots: Slots::default(),
            files: HashMap::new(),
            tasks: Vec::new(),
        }
    }

    /// Builds a filter through the registry; the mistakes when there are any.
    ///
    /// # Errors
    /// The mistakes.
    pub fn build(&mut self, name: &str, node: Node) -> Result<Arc<dyn Filter>, Vec<Diagnostic>> {
        let (filter, mut found) = self.build_with_warnings(name, node);
        found.retain(|diagnostic| diagnostic.severity == portunus_spec::Severity::Error);
        assert_eq!(filter.is_none(), !found.is_empty(), "{found:?}");
        for diagnostic in &found {
            assert!(!diagnostic.span.is_none(), "without a place: {diagnostic:?}");
        }
        filter.ok_or(found)
    }

    pub fn build_with_warnings(
        &mut self,
        name: &str,
        mut node: Node,
    ) -> (Option<Arc<dyn Filter>>, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let source = sources.add("test.yaml", " ".repeat(1000));
        place(&mut node, &mut 0, &mut |at| Span::new(source, at, at + 1));
        let files = Files(&self.files);
        let mut reader = Reader::at(&files, "use[0]");
        let mut cx = BuildCx {
            reader: &mut reader,
            span: Span::NONE,
            name: "",
            scope: "test",
            params: &["id", "rest"],
            upstreams: &mut Upstreams,
            slots: &mut self.slots,
            services: &self.services,
            stores: &self.stores,
            registry: self.registry,
            tasks: &mut self.tasks,
        };
        let factory = self.registry.iter().find(|factory| factory.name == name).unwrap();
        let filter = (factory.build)(&node, &mut cx);
        (filter, reader.finish().iter().cloned().collect())
    }

    /// The mistakes of a filter that must not build, as text.
    pub fn mistakes(&mut self, name: &str, node: Node) -> String {
        let Err(found) = self.build(name, node) else { panic!("no mistake was found") };
        let line = |diagnostic: &Diagnostic| {
            format!("{} ({})", diagnostic.message, diagnostic.help.as_deref().unwrap_or(""))
        };
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }
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
pub fn exchange(line: &str) -> Exchange {
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
pub struct Rig {
    pub wall: Wall,
    pub rng: Rng,
    pub locals: Locals,
    pub service: Service,
    pub now: Mono,
    pub directory: Arc<Directory>,
    pub shard: Shard,
    pub offline: bool,
    pub notes: Vec<String>,
}

/// Keeps the calls that it got.
#[derive(Default)]
pub struct Service {
    pub calls: RefCell<Vec<CallRequest>>,
    pub answers: RefCell<Vec<Result<CallAnswer, ProxyError>>>,
}

impl Calls for Service {
    fn call(&self, request: CallRequest) -> LocalFuture<Result<CallAnswer, ProxyError>> {
        self.calls.borrow_mut().push(request);
        let answer = self.answers.borrow_mut().remove(0);
        Box::pin(async { answer })
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    #[must_use]
    pub fn new() -> Self {
        Self {
            wall: Wall(1_800_000_000_000_000),
            rng: Rng::seeded(7),
            locals: Locals::default(),
            service: Service::default(),
            now: Mono(1),
            directory: Arc::default(),
            shard: Shard::default(),
            offline: false,
            notes: Vec::new(),
        }
    }

    pub fn cx(&mut self) -> FilterCx<'_> {
        FilterCx {
            now: self.now,
            wall: self.wall,
            rng: &mut self.rng,
            locals: &mut self.locals,
            calls: &self.service,
            directory: &self.directory,
            shard: &self.shard,
            offline: self.offline,
            notes: Some(&mut self.notes),
        }
    }

    pub fn request(&mut self, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
        filter.on_request(exchange, &mut self.cx())
    }

    pub fn body(&mut self, filter: &dyn Filter, exchange: &mut Exchange, body: &str) -> Verdict {
        let mut bytes = body.as_bytes().to_vec();
        let mut piece = BodyPiece { bytes: &mut bytes, end: true };
        filter.on_request_body(exchange, &mut piece, &mut self.cx())
    }

    /// A piece of the request's body, or of the answer's.
    pub fn piece(
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

    pub fn again(&mut self, filter: &dyn Filter, exchange: &mut Exchange, again: Again) -> Verdict {
        filter.on_again(exchange, again, &mut self.cx())
    }

    pub fn finish(&mut self, filter: &dyn Filter, exchange: &Exchange) {
        filter.on_finish(exchange, &mut self.cx());
    }

    pub fn response(&mut self, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
        filter.on_response(exchange, &mut self.cx())
    }
}

/// A verdict in short: `continue`, or status, reason and body.
pub fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Continue => "continue".to_owned(),
        Verdict::Reply(reply) => shown_reply(reply),
        other => panic!("{other:?}"),
    }
}

pub fn shown_reply(reply: &Reply) -> String {
    let body = match &reply.body {
        ReplyBody::Empty => "-".to_owned(),
        ReplyBody::Problem => "problem".to_owned(),
        ReplyBody::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
    };
    format!("{} {} {body}", reply.status, reply.reason.map_or("-", |reason| reason.0))
}

/// The value of a reply's header.
pub fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let named = |(known, _): &&(_, _)| is(known, name);
    reply.headers.iter().find(named).map(|(_, value)| std::str::from_utf8(value).unwrap())
}

fn is(known: &bytes::Bytes, name: &str) -> bool {
    known.eq_ignore_ascii_case(name.as_bytes())
}

/// All headers as `name: value`, joined by `; `.
pub fn lines(headers: &portunus_http::HeaderList) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let line = |header: portunus_http::Header<'_>| {
        format!("{}: {}", text(header.name), text(header.value))
    };
    headers.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// What a wait ends with. The service of the tests answers at once.
pub fn resumed(verdict: Verdict) -> Resume {
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

struct Files<'f>(&'f HashMap<&'static str, String>);

impl Lookup for Files<'_> {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| format!("cannot read {path}"))
    }
}
