//! Routes: conditions, and what happens.

use std::fmt;
use std::time::Duration;

use portunus_base::{Percent, format_duration, parse_duration};
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{
    Named, Node, Reader, Shape, Span, Spanned, Spec, Value, read_parsed, spec, spec_enum,
};

use super::{NotYet, TargetSpec, ToSpec, UseSpec};
use crate::Cidr;
use crate::address::textual;

/// The rules of one path: one route, or a list of them.
///
/// A list that holds no map is the short form of one route: the list of its URLs.
#[derive(Clone, Debug)]
pub struct RulesSpec {
    /// The rules, as written; at least one.
    pub rules: Vec<RouteSpec>,
}

impl Spec for RulesSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let is_map = |item: &Node| matches!(item.value, Value::Map(_));
        let rules = match node.items() {
            Some([]) => {
                reader.error(node.span, "a path without a rule").help("write a URL or a route");
                None
            }
            Some(items) if items.iter().any(is_map) => Vec::read(node, reader),
            _ => RouteSpec::read(node, reader).map(|route| vec![route]),
        };
        rules.filter(|rules| !rules.is_empty()).map(|rules| Self { rules })
    }

    fn write(&self) -> Node {
        match self.rules.as_slice() {
            [one] => one.write(),
            rules => Node::seq(rules.iter().map(Spec::write)),
        }
    }

    fn shape() -> Shape {
        Shape::List(RouteSpec::shape)
    }
}

spec! {
    /// What happens to requests of a path.
    pub struct RouteSpec {
        short = to;
        /// Conditions beside host and path; all of them must hold.
        when: Option<WhenSpec>,
        /// Methods that the route takes; all unless named.
        methods: Vec<Spanned<String>> = Vec::new(),
        /// Filters of the route, in order.
        r#use: Vec<UseSpec> = Vec::new(),
        /// Where requests go: the name of an upstream, a URL, a list of URLs, or a weighted split.
        to: Option<Spanned<ToSpec>>,
        /// Where copies of requests go; their answers are dropped.
        mirror: Option<MirrorSpec>,
        /// Sends the client elsewhere, like the filter of this name.
        redirect: Option<Node>,
        /// Answers without an upstream, like the filter of this name.
        respond: Option<Node>,
        /// How long it waits; the upstream's timeouts unless set.
        timeouts: RouteTimeoutsSpec,
        /// Which requests come first where they wait for their turn at an upstream.
        priority: PrioritySpec = PrioritySpec::Normal,
        /// When a request is tried again.
        retry: RetrySpec,
        /// Whether WebSockets and other upgrades may pass.
        upgrade: bool = true,
        /// Where answers are kept.
        cache: NotYet,
    }
}

spec_enum! {
    /// A class of requests.
    pub enum PrioritySpec {
        /// They come before all others.
        High = "high",
        /// They come after `high`, and before `low`.
        Normal = "normal",
        /// They come after all others.
        Low = "low",
    }
}

spec! {
    /// Conditions of a route. A value is exact text, or `~ regex` for the whole text.
    pub struct WhenSpec {
        /// Any of these methods.
        method: Vec<Spanned<String>> = Vec::new(),
        /// Header fields with their values.
        header: Named<Spanned<String>> = Named::default(),
        /// Query parameters with their values.
        query: Named<Spanned<String>> = Named::default(),
        /// Cookies with their values.
        cookie: Named<Spanned<String>> = Named::default(),
        /// Any of these ranges of client addresses.
        client_ip: Vec<Spanned<Cidr>> = Vec::new(),
    }
}

spec! {
    /// Where copies of requests go.
    pub struct MirrorSpec {
        short = to;
        /// The name of an upstream, or a URL.
        to: Spanned<TargetSpec>,
        /// How many of the requests are copied.
        share: Percent = Percent(1.0),
    }
}

spec! {
    /// How long a route waits.
    pub struct RouteTimeoutsSpec {
        /// For the whole exchange, retries included; no limit unless set.
        request: Option<Duration>,
        /// Between two pieces of the answer.
        idle: Option<Duration>,
        /// For a connection to an endpoint.
        connect: Option<Duration>,
        /// For the head of the answer.
        first_byte: Option<Duration>,
        /// Without a byte in either direction of a WebSocket or another tunnel; one hour unless set.
        tunnel_idle: Option<Duration>,
        /// For a WebSocket or another tunnel in all; no limit unless set.
        tunnel_lifetime: Option<Duration>,
    }
}

spec! {
    /// When a request is tried again. Only requests that may safely be repeated are.
    pub struct RetrySpec {
        short = attempts;
        /// How often a request is sent in all, the first time included; 1 turns retries off.
        attempts: Spanned<u32> = Spanned::none(2),
        /// After what: `connect`, `reset`, `first_byte` (a timeout), 429 or a status from 500 to 599, or the
        /// name of a gRPC status such as `unavailable`.
        on: Vec<Spanned<RetryOnSpec>> = RetryOnSpec::default_list(),
        /// How many retries there may be, as a share of the requests.
        budget: Percent = Percent(0.2),
        /// How long a retry waits, as `25ms .. 250ms`: the first one up to 25 ms, each further one up to twice as
        /// long as the one before, and none longer than 250 ms. No retry waits unless set.
        backoff: Option<Spanned<BackoffSpec>>,
        /// The longest `Retry-After` of an answer that a retry waits for, in place of `backoff`; a longer one is not
        /// heeded.
        retry_after_max: Duration = Duration::ZERO,
        /// When another endpoint gets the request too, while the first one has not answered; the first answer counts.
        /// Requests that read (GET, HEAD, OPTIONS, TRACE) and have no body, within `attempts` and `budget`.
        hedge: Option<HedgeSpec>,
    }
}

spec! {
    /// When another endpoint gets a request too.
    pub struct HedgeSpec {
        short = after;
        /// How long the first one has.
        after: Spanned<Duration>,
    }
}

/// From how long to how long retries wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BackoffSpec {
    /// The most that the first one waits.
    pub first: Duration,
    /// The most that any waits.
    pub longest: Duration,
}

impl BackoffSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let duration = |text: &str| parse_duration(text.trim()).ok();
        let (first, longest) = text.split_once("..").unwrap_or((text, text));
        match (duration(first), duration(longest)) {
            (Some(first), Some(longest)) if first <= longest && !first.is_zero() => {
                Ok(Self { first, longest })
            }
            _ => Err("write the first wait and the longest one: 25ms .. 250ms"),
        }
    }
}

impl fmt::Display for BackoffSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} .. {}", format_duration(self.first), format_duration(self.longest))
    }
}

/// What a request is tried again after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetryOnSpec {
    /// No connection came about.
    Connect,
    /// The connection ended before an answer began, or what came was none.
    Reset,
    /// No answer began in time.
    FirstByte,
    /// An answer with this status.
    Status(u16),
    /// A gRPC answer with this code.
    Grpc(u8),
}

impl RetryOnSpec {
    fn default_list() -> Vec<Spanned<Self>> {
        let on = |value| Spanned::new(Span::NONE, value);
        vec![on(Self::Connect), on(Self::Reset)]
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, text.parse()) {
            ("connect", _) => Ok(Self::Connect),
            ("reset", _) => Ok(Self::Reset),
            ("first_byte", _) => Ok(Self::FirstByte),
            (_, Ok(status @ (429 | 500..=599))) => Ok(Self::Status(status)),
            _ => Self::grpc(text).ok_or(RETRY_ON_HELP),
        }
    }
}

impl RetryOnSpec {
    /// The name of a gRPC status, as gRPC writes it or in lower case, with `-` or `_`.
    fn grpc(text: &str) -> Option<Self> {
        let name = text.to_ascii_lowercase().replace('-', "_");
        let known = GRPC_CODES.iter().find(|(known, _)| *known == name);
        known.map(|(_, code)| Self::Grpc(*code))
    }
}

impl fmt::Display for RetryOnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Reset => f.write_str("reset"),
            Self::FirstByte => f.write_str("first_byte"),
            Self::Status(status) => status.fmt(f),
            Self::Grpc(code) => {
                let known = GRPC_CODES.iter().find(|(_, known)| known == code);
                f.write_str(known.map_or("", |(name, _)| name))
            }
        }
    }
}

textual! {
    BackoffSpec: "range of waits", "a range of waits", ["25ms .. 250ms"];
    RetryOnSpec: "`connect`, `reset`, `first_byte`, status or gRPC status", "a reason to try again",
        ["connect", "reset", "first_byte", "503", "unavailable"];
}

const RETRY_ON_HELP: &str = "write connect, reset, first_byte, 429, a status from 500 to 599, \
    or a gRPC status such as unavailable";
/// The gRPC statuses that another try may change.
const GRPC_CODES: &[(&str, u8)] = &[
    ("cancelled", 1),
    ("unknown", 2),
    ("deadline_exceeded", 4),
    ("resource_exhausted", 8),
    ("aborted", 10),
    ("internal", 13),
    ("unavailable", 14),
    ("data_loss", 15),
];
