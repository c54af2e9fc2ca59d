//! Upstreams: endpoints that do the same.

use std::fmt;
use std::time::Duration;

use portunus_base::Percent;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{
    Named, Node, Reader, Secret, Shape, Spanned, Spec, read_parsed, spec, spec_enum,
};

use super::{DiscoverSpec, StickySpec, UpstreamTlsSpec};
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
        /// Clients that stay at their endpoint, by a cookie; none do unless set.
        sticky: Option<Spanned<StickySpec>>,
        /// When endpoints are left out for a while for what they do with requests. One that cannot be connected to is left
        /// alone for 2 s without it too.
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
        /// The method that `path` is asked by.
        method: Spanned<HealthMethodSpec> = Spanned::none(HealthMethodSpec::Get),
        /// The host that is asked for; the endpoint's own unless set.
        host: Option<String>,
        /// Headers that are sent beside it. Their values are secrets: they are not printed back.
        headers: Named<Spanned<Secret>> = Named::default(),
        /// The port that is asked; the endpoint's own unless set.
        port: Option<Spanned<u16>>,
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
        /// What a good answer's body has in it, within its first 64 KiB: a text, or `~ regex`. Anything, unless set.
        body: Option<Spanned<String>>,
        /// How long an endpoint that is new or healthy again takes to get its full share, which begins with
        /// a tenth; `hash` and `maglev` give it all at once.
        slow_start: Duration = Duration::ZERO,
    }
}

spec_enum! {
    /// The method of a check.
    pub enum HealthMethodSpec {
        /// The whole answer.
        Get = "GET",
        /// The head of the answer alone.
        Head = "HEAD",
        /// What may be asked of the path.
        Options = "OPTIONS",
        /// For endpoints that take nothing else.
        Post = "POST",
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
        /// The share of bad results within `over` from which on an endpoint is ejected: answers from 500 to 599, and
        /// requests without an answer. Never unless set.
        error_rate: Option<Spanned<Percent>>,
        /// How many standard deviations below the mean of all endpoints an endpoint's share of good results is when it is
        /// ejected, with 5 bad results or more: 1.9 is usual for five endpoints and more. Never unless set.
        success_rate_stdev: Option<Spanned<f64>>,
        /// How many times the median of the others an endpoint takes to answer, on average, when it is ejected: `5x`; it
        /// must be later by 10 ms too. Never unless set.
        slower_than: Option<Spanned<TimesSpec>>,
        /// The time that `error_rate`, `success_rate_stdev` and `slower_than` are of.
        over: Spanned<Duration> = Spanned::none(Duration::from_secs(10)),
        /// With fewer requests than this within `over`, these three neither judge an endpoint nor compare others with it.
        min_requests: Spanned<u32> = Spanned::none(20),
    }
}

impl OutlierSpec {
    /// Whether it asks what an endpoint did over a while.
    #[must_use]
    pub fn judges_a_window(&self) -> bool {
        self.error_rate.is_some() || self.success_rate_stdev.is_some() || self.slower_than.is_some()
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
        /// Most requests that wait for their answer to begin, at all endpoints together, as its answers show that it can
        /// take; not bound so unless set.
        adaptive: Option<AdaptiveSpec>,
        /// Requests that wait for their turn; without it, those over a limit are answered with 503.
        queue: Option<Spanned<UpstreamQueueSpec>>,
    }
}

spec! {
    /// A limit that finds itself: it shrinks while answers take longer than unhurried ones, and grows else.
    pub struct AdaptiveSpec {
        /// The limit at first, and at least, but for moments in which it is measured.
        min: Spanned<u32> = Spanned::none(4),
        /// The limit at most.
        max: Spanned<u32> = Spanned::none(1000),
        /// How much slower than unhurried answers may get; 2 ms slower is never too slow.
        tolerance: Spanned<Percent> = Spanned::none(Percent(0.5)),
        /// How often it is measured, at half the limit or less, how long unhurried answers take.
        measure_every: Spanned<Duration> = Spanned::none(Duration::from_secs(30)),
    }
}

spec! {
    /// Requests that wait for their turn at an upstream.
    pub struct UpstreamQueueSpec {
        short = max;
        /// How many wait at once, over all workers.
        max: Spanned<u32>,
        /// How long one waits.
        timeout: Spanned<Duration> = Spanned::none(Duration::from_secs(2)),
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

/// A multiple of something: `5x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimesSpec(pub f64);

impl TimesSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let number = text.strip_suffix('x').and_then(|number| number.trim_end().parse().ok());
        let times = number.filter(|times: &f64| times.is_finite() && *times > 0.0);
        times.map(Self).ok_or("write how many times, and x: 5x")
    }
}

impl fmt::Display for TimesSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

textual! {
    TimesSpec: "`5x`", "a multiple", ["2x", "5x"];
    HttpSpec: "`1`, `2` or `auto`", "a version of HTTP", ["1", "2", "auto"];
    StatusSpec: "status", "a status", ["200", "2xx", "200-399"];
}
