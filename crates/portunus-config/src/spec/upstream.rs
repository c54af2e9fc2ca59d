//! Upstreams: endpoints that do the same.

use std::fmt;
use std::time::Duration;

use portunus_base::Percent;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec, read_parsed, spec, spec_enum};

use super::{DiscoverSpec, NotYet, UpstreamTlsSpec};
use crate::EndpointUrl;
use crate::address::textual;

spec! {
    /// Endpoints that do the same.
    pub struct UpstreamSpec {
        short = endpoints;
        /// The endpoints, as URLs or with weight, zone and role.
        endpoints: Vec<EndpointSpec> = Vec::new(),
        /// Where more endpoints come from.
        discover: Option<DiscoverSpec>,
        /// The algorithm that chooses an endpoint; `round_robin` unless set.
        balance: Option<Node>,
        /// Requests that find out which endpoints work.
        health: Option<HealthSpec>,
        /// How much it is given at once.
        limits: UpstreamLimitsSpec,
        /// How long it may take.
        timeouts: UpstreamTimeoutsSpec,
        /// The version of HTTP that it speaks: `1`, `2`, or `auto`, which is the best that it offers
        /// within TLS, and 1 without TLS.
        http: Spanned<HttpSpec> = Spanned::none(HttpSpec::Auto),
        /// The PROXY protocol head that each connection starts with; none unless set.
        proxy_protocol: Option<ProxyProtocolVersionSpec>,
        /// The zone whose endpoints are preferred; the top level's unless set.
        zone: Option<String>,
        /// Clients that stay at their endpoint.
        sticky: NotYet,
        /// Endpoints that fail are left out for a while; those that cannot be connected to for 2 s, where
        /// this is not written.
        outlier: Option<OutlierSpec>,
        /// An upstream that fails too often gets no requests for a while; never unless set.
        breaker: Option<BreakerSpec>,
        /// TLS to the upstream.
        tls: Option<Spanned<UpstreamTlsSpec>>,
    }
}

spec! {
    /// One endpoint.
    pub struct EndpointSpec {
        short = url;
        /// `http://host:port`, `https://host:port`, or `host:port` for TCP and UDP.
        url: Spanned<EndpointUrl>,
        /// Its share of the requests, beside those of the others.
        weight: Spanned<u32> = Spanned::none(1),
        /// The zone that it stands in.
        zone: Option<String>,
        /// Whether it gets requests only when no other endpoint can.
        backup: bool = false,
    }
}

spec! {
    /// Requests that find out which endpoints work: a `path`, `grpc`, or `tcp` alone.
    pub struct HealthSpec {
        short = path;
        /// The path that is asked for.
        path: Option<Spanned<String>>,
        /// The service that the gRPC health protocol (grpc.health.v1) is asked about; `""` is the
        /// whole server.
        grpc: Option<Spanned<String>>,
        /// Whether a connection alone shows that an endpoint works.
        tcp: Spanned<bool> = Spanned::none(false),
        /// The host that is asked for; the endpoint's own unless set.
        host: Option<String>,
        /// Time between two checks of an endpoint.
        every: Spanned<Duration> = Spanned::none(Duration::from_secs(5)),
        /// How long one check may take.
        timeout: Duration = Duration::from_secs(2),
        /// Good checks that make an endpoint healthy.
        healthy_after: Spanned<u32> = Spanned::none(2),
        /// Bad checks that make an endpoint unhealthy.
        unhealthy_after: Spanned<u32> = Spanned::none(3),
        /// Statuses that are good: `200`, `2xx`, `200-399`.
        status: Vec<Spanned<StatusSpec>> = vec![Spanned::none(StatusSpec { first: 200, last: 399 })],
        /// How long an endpoint that is new or healthy again takes to get its full share, which begins with
        /// a tenth; `hash` and `maglev` give it all at once.
        slow_start: Duration = Duration::ZERO,
    }
}

spec! {
    /// When an endpoint is left out for what it does with requests.
    pub struct OutlierSpec {
        /// Answers from 500 to 599, without a better one between, after which an endpoint is ejected;
        /// 0 turns this off.
        consecutive_5xx: Spanned<u32> = Spanned::none(5),
        /// Requests that an endpoint cannot be connected for or does not answer, without a good answer
        /// between, after which it is ejected; 0 turns this off.
        consecutive_failures: Spanned<u32> = Spanned::none(5),
        /// How long the first ejection lasts. Each further one lasts twice as long; each time that passes
        /// without one takes a step back.
        eject_for: Spanned<Duration> = Spanned::none(Duration::from_secs(30)),
        /// How long an ejection lasts at most.
        eject_for_max: Spanned<Duration> = Spanned::none(Duration::from_secs(300)),
        /// Most endpoints that are ejected at once, as a share of all, rounded down.
        max_ejected: Spanned<Percent> = Spanned::none(Percent(0.5)),
        /// When a smaller share of the endpoints than this is usable, ejected ones are used too.
        panic: Percent = Percent(0.5),
    }
}

spec! {
    /// When an upstream that fails too often is left alone, and how it gets requests again.
    pub struct BreakerSpec {
        short = error_rate;
        /// The share of requests that fail from which on it gets none. A request fails without an answer, with a status
        /// from 500 on, or with the gRPC status `internal`, `unavailable` or `data_loss`.
        error_rate: Spanned<Percent> = Spanned::none(Percent(0.5)),
        /// The time that the share is of.
        over: Spanned<Duration> = Spanned::none(Duration::from_secs(10)),
        /// How long it gets no requests.
        open_for: Spanned<Duration> = Spanned::none(Duration::from_secs(5)),
        /// Fewer requests than this within `over` say nothing.
        min_requests: Spanned<u32> = Spanned::none(20),
        /// How many requests it gets then at first; it gets all when these are good, and none again when one is not.
        probes: Spanned<u32> = Spanned::none(3),
    }
}

spec! {
    /// How much an upstream is given at once.
    pub struct UpstreamLimitsSpec {
        /// Most connections to each of its endpoints, over all workers.
        connections_max: Option<u32>,
        /// Most requests under way at each of its endpoints, over all workers.
        requests_max: Option<u32>,
        /// Most idle connections that each worker keeps to an endpoint.
        idle_max: u32 = 256,
        /// Most requests at once on one HTTP/2 connection; what the endpoint allows, if that is less.
        streams_max: Spanned<u32> = Spanned::none(100),
        /// Requests that wait for their turn.
        queue: NotYet,
    }
}

spec! {
    /// How long an upstream may take.
    pub struct UpstreamTimeoutsSpec {
        /// For a connection.
        connect: Duration = Duration::from_secs(5),
        /// For the head of an answer.
        first_byte: Duration = Duration::from_secs(60),
        /// Between two pieces of an answer.
        idle: Duration = Duration::from_secs(60),
        /// How long an unused connection is kept.
        keep_alive: Duration = Duration::from_secs(60),
    }
}

/// The version of HTTP that an upstream speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpSpec {
    /// The best that both sides know.
    Auto,
    /// HTTP/1.1.
    H1,
    /// HTTP/2; without TLS by prior knowledge.
    H2,
}

impl HttpSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "auto" => Ok(Self::Auto),
            "1" | "1.1" => Ok(Self::H1),
            "2" => Ok(Self::H2),
            "3" => Err("HTTP/3 to upstreams is not supported by this version yet"),
            _ => Err("write 1, 2 or auto"),
        }
    }
}

impl fmt::Display for HttpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::H1 => "1",
            Self::H2 => "2",
        })
    }
}

spec_enum! {
    /// A version of the PROXY protocol.
    pub enum ProxyProtocolVersionSpec {
        /// Text.
        V1 = "v1",
        /// Binary; it can also say what TLS the client spoke.
        V2 = "v2",
    }
}

/// A range of statuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusSpec {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl StatusSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "write a status from 100 to 599, a class or a range: 200, 2xx, 200-399";
        let number = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
        let range = match (text.strip_suffix("xx"), text.split_once('-')) {
            (Some(class), _) => number(&format!("{class}00")).map(|first| (first, first + 99)),
            (None, Some((first, last))) => number(first).zip(number(last)),
            (None, None) => number(text).map(|status| (status, status)),
        };
        match range {
            Some((first, last)) if first <= last => Ok(Self { first, last }),
            _ => Err(error),
        }
    }

    /// Whether a status is in the range.
    #[must_use]
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl fmt::Display for StatusSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last { first.fmt(f) } else { write!(f, "{first}-{last}") }
    }
}

textual! {
    HttpSpec: "`1`, `2` or `auto`", "a version of HTTP", ["1", "2", "auto"];
    StatusSpec: "status", "a status", ["200", "2xx", "200-399"];
}
