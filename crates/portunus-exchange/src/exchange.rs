//! One request and its answer.

use std::rc::Rc;
use std::sync::Arc;

use portunus_base::{ClientCertificate, Mono, RouteId, TlsFacts, UpstreamId, Wall};
use portunus_http::{HeaderList, RequestHead, ResponseHead, Text, percent_decode_into};
use portunus_identity::Identity;
use portunus_route::Params;

use crate::{Attributes, ClientFacts, Held, Phase, Reason};

/// One request with its answer, owned by one worker. Protocols create it, `run` moves it through the phases,
/// filters see it as `&mut`. Recycled: [`Exchange::clear`] keeps its memory.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Who asks.
    pub client: ClientFacts,
    /// The TLS session of the client's connection; None without TLS.
    pub tls: Option<Rc<TlsFacts>>,
    /// What a proxy before us said of the client beside its addresses: the values (TLVs) of the PROXY protocol, as
    /// they came.
    pub tlvs: Option<Rc<Vec<u8>>>,
    /// Who asks, as an authentication has found out.
    pub identity: Option<Arc<Identity>>,
    /// What is asked; filters change it before it goes to the upstream.
    pub request: RequestHead,
    /// Path and query as the client sent them, for logs; text of `request.headers`.
    pub target: (Text, Option<Text>),
    /// The answer's head, once there is one.
    pub response: ResponseHead,
    /// Headers that every answer to this request gets, whoever makes it.
    pub response_extra: HeaderList,
    /// What comes after the answer's body; filters may change it when the last piece has come.
    pub response_trailers: HeaderList,
    /// The route that serves the request.
    pub route: Option<RouteId>,
    /// The route's name, for logs and templates.
    pub route_name: Option<Rc<str>>,
    /// Named parts of the path, as the route's pattern found them.
    pub params: Params,
    /// The upstream that the request goes to.
    pub upstream: Option<UpstreamId>,
    /// The upstream's name.
    pub upstream_name: Option<Rc<str>>,
    /// The endpoint that got the request last.
    pub endpoint_name: Option<Rc<str>>,
    /// How many endpoints got the request.
    pub attempts: u16,
    /// Where the exchange stands.
    pub phase: Phase,
    /// When things happened.
    pub timings: Timings,
    /// How much went each way.
    pub bytes: Bytes2Way,
    /// Largest allowed body of the request, in bytes. The relay enforces it.
    pub request_body_max: Option<u64>,
    /// Why we made the answer ourselves, if we did.
    pub reason: Option<Reason>,
    /// What filters know of the request.
    pub attributes: Attributes,
    /// What filters give back when the exchange is over.
    pub held: Held,
}

/// Bytes of messages: bodies without their framing, and heads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes2Way {
    /// Body bytes from the client.
    pub request: u64,
    /// Body bytes to the client.
    pub response: u64,
    /// Bytes of the request's head.
    pub request_head: u64,
    /// Bytes of the answer's head.
    pub response_head: u64,
}

/// When things happened; 0 for what has not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Wall time at the first byte of the request.
    pub wall: Wall,
    /// The first byte of the request.
    pub start: Mono,
    /// The last attempt began.
    pub attempt: Mono,
    /// Microseconds for which it waited for its turn at the upstream; None where it did not.
    pub queue_us: Option<u64>,
    /// Microseconds that the last new connection to an endpoint took; None where an unused one served.
    pub connect_us: Option<u64>,
    /// The head of the answer was complete.
    pub first_byte: Mono,
    /// The last byte went to the client.
    pub end: Mono,
}

impl Exchange {
    /// Forgets the request and its answer; keeps the memory.
    pub fn clear(&mut self) {
        self.client = ClientFacts::default();
        self.tls = None;
        self.tlvs = None;
        self.identity = None;
        self.request.clear();
        self.target = (Text::default(), None);
        self.response.clear();
        self.response_extra.clear();
        self.response_trailers.clear();
        self.route = None;
        self.route_name = None;
        self.params.clear();
        self.upstream = None;
        self.upstream_name = None;
        self.endpoint_name = None;
        self.attempts = 0;
        self.phase = Phase::Admit;
        self.timings = Timings::default();
        self.bytes = Bytes2Way::default();
        self.request_body_max = None;
        self.reason = None;
        self.attributes.clear();
        self.held.clear();
    }

    /// Keeps the value of a query's parameter out of the logs. Names are compared decoded, as an upstream reads them.
    pub fn hide_parameter(&mut self, name: &[u8]) {
        let headers = &mut self.request.headers;
        let Some(query) = self.target.1.map(|query| headers.text(query).to_vec()) else { return };
        let mut decoded = Vec::new();
        let mut is_named = |pair: &[u8]| {
            decoded.clear();
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            percent_decode_into(pair.get(..end).unwrap_or(pair), &mut decoded);
            decoded == name
        };
        if !query.split(|byte| *byte == b'&').any(&mut is_named) {
            return;
        }
        let hidden = [name, b"=[hidden]"].concat();
        let pairs = query.split(|byte| *byte == b'&');
        let shown = pairs.map(|pair| if is_named(pair) { &hidden } else { pair });
        let shown = shown.collect::<Vec<_>>().join(&b'&');
        self.target.1 = Some(headers.store(&shown));
    }

    /// The certificate that the client proved to have.
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.tls.as_ref()?.client.as_ref()
    }

    /// A named part of the path, as written.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params.value(name)
    }
}
