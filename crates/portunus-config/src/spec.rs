//! The typed top level: what CONFIG names, and nothing that a feature owns.

mod acme;
mod consumer;
mod feature;
mod host;
mod implied;
mod l4;
mod limits;
mod listener;
mod log;
mod openapi;
mod route;
mod sandbox;
mod sticky;
mod stores;
mod target;
mod test;
mod time;
mod tls;
mod upstream;

use std::fmt;
use std::time::Duration;

use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Named, Node, Reader, Secret, Shape, Spanned, Spec, read_parsed, spec};

pub(crate) use acme::DIRECTORIES;
pub use acme::{
    AcmeSpec, ChallengeSpec, DirectorySpec, DnsSpec, EabSpec, OnDemandSpec, Rfc2136Spec,
    TsigAlgorithmSpec,
};
pub use consumer::{ConsumerSpec, FullKeySpec, KeySpec, PasswordSpec, PlanSpec, SignatureSpec};
pub use feature::{DiscoverSpec, NotYet, UseSpec};
pub use host::{HostSpec, HstsSpec, RedirectHttpsSpec};
pub use l4::{TcpSpec, TcpTimeoutsSpec, UdpSpec};
pub use limits::{ClientLimitsSpec, MemoryMaxSpec, ProcessLimitsSpec};
pub use listener::{
    H2LimitsSpec, ListenerLimitsSpec, ListenerSpec, ListenerTimeoutsSpec, ProtocolSpec,
    ProxyProtocolSpec,
};
pub use log::{AccessLogSpec, LevelSpec, LogFormatSpec, LogSpec, LogTargetSpec};
pub use openapi::{HostOpenApiSpec, OperationSpec};
pub use route::{
    BackoffSpec, HedgeSpec, MirrorSpec, PrioritySpec, RetryOnSpec, RetrySpec, RouteSpec,
    RouteTimeoutsSpec, RulesSpec, WhenSpec,
};
pub use sandbox::SandboxSpec;
pub use sticky::{StickyCookieSpec, StickySameSiteSpec, StickySpec};
pub use stores::{KeyStoreSpec, PostgresSpec, RedisSpec, StoresSpec};
pub use target::{TargetSpec, ToSpec, WeightedSpec};
pub use test::{ExpectSpec, TestSpec};
pub use time::{EndSpec, TimeSpec};
pub use tls::{
    CertificateSpec, CertificatesSpec, ClientAuthModeSpec, ClientAuthSpec, ClientCertificateSpec,
    HostTlsSpec, PemSpec, TlsSpec, TlsVersionSpec, UpstreamTlsSpec,
};
pub use upstream::{
    AdaptiveSpec, BreakerSpec, EndpointSpec, HealthMethodSpec, HealthSpec, HttpSpec, OutlierSpec,
    ProxyProtocolVersionSpec, StatusSpec, TimesSpec, UpstreamLimitsSpec, UpstreamQueueSpec,
    UpstreamSpec, UpstreamTimeoutsSpec,
};

use crate::address::textual;
use crate::{Cidr, ListenAddress};

spec! {
    /// Everything that the top level of a configuration knows.
    pub struct ConfigSpec {
        /// Where connections are accepted, by name.
        listeners: Named<ListenerSpec> = Named::default(),
        /// Peers whose word about the client's address counts: in the PROXY protocol and in
        /// `Forwarded` and `X-Forwarded-*`.
        trusted_proxies: Vec<Spanned<Cidr>> = Vec::new(),
        /// Hosts by name. `*.example.com` is a wildcard, `*` the host of last resort.
        hosts: Named<HostSpec> = Named::default(),
        /// Groups of endpoints that do the same, by name.
        upstreams: Named<UpstreamSpec> = Named::default(),
        /// Chains of filters, used by name in any `use`.
        filters: Named<Vec<UseSpec>> = Named::default(),
        /// Logs.
        log: LogSpec,
        /// Metrics, served by the admin listener.
        metrics: MetricsSpec,
        /// API, `/metrics`, `/healthz` and `/readyz`.
        admin: AdminSpec,
        /// Threads that serve: `auto` is one a core.
        workers: WorkersSpec = WorkersSpec::Auto,
        /// A file that always holds the id of the process that accepts.
        pid_file: Option<String>,
        /// The user, by name or number, that a process becomes that was started as root.
        user: Option<Spanned<String>>,
        /// Its group; that of the user unless set.
        group: Option<Spanned<String>>,
        /// Whether the process gives up what it does not need.
        sandbox: SandboxSpec = SandboxSpec::Auto,
        /// What the whole process takes on at once.
        limits: ProcessLimitsSpec,
        /// The end of the process.
        shutdown: ShutdownSpec,
        /// The zone that this process runs in: endpoints of the same zone are preferred.
        zone: Option<String>,
        /// What `portunus test` runs, and what must hold before a reload.
        tests: Vec<TestSpec> = Vec::new(),
        /// More files to read, as patterns relative to the file that names them.
        include: Vec<String> = Vec::new(),
        /// Defaults of all TLS listeners.
        tls: Option<TlsSpec>,
        /// Certificates by ACME: an e-mail address is enough.
        acme: Option<AcmeSpec>,
        /// Who calls the API.
        consumers: Vec<ConsumerSpec> = Vec::new(),
        /// What consumers may do, by name.
        plans: Named<PlanSpec> = Named::default(),
        /// What several nodes share.
        stores: StoresSpec,
        /// Where answers are kept.
        cache: NotYet,
        /// Traces.
        tracing: NotYet,
    }
}

impl ConfigSpec {
    /// The filters of a `use`, in order, with the named chains in place of their names.
    #[must_use]
    pub fn expand<'s>(&'s self, uses: &'s [UseSpec]) -> Vec<&'s UseSpec> {
        let mut filters = Vec::new();
        self.expand_into(uses, CHAIN_DEPTH_MAX, &mut filters);
        filters
    }

    /// Chains that lead to themselves were reported; here they only must come to an end.
    fn expand_into<'s>(
        &'s self,
        uses: &'s [UseSpec],
        depth: usize,
        filters: &mut Vec<&'s UseSpec>,
    ) {
        for filter in uses {
            match self.filters.get(&filter.name) {
                Some(chain) if depth > 0 => self.expand_into(chain, depth - 1, filters),
                Some(_) => {}
                None => filters.push(filter),
            }
        }
    }
}

spec! {
    /// Metrics.
    pub struct MetricsSpec {}
}

spec! {
    /// The admin listener.
    pub struct AdminSpec {
        short = address;
        /// Where it listens, or `off`.
        address: Spanned<AdminAddressSpec> = Spanned::none(AdminAddressSpec::DEFAULT),
        /// What requests that change consumers, keys and endpoints show as `Authorization: Bearer`, unless they come over a
        /// Unix socket. Without it that is the token that Portunus puts into `admin.token` of its state folder.
        token: Option<Spanned<Secret>>,
    }
}

spec! {
    /// The end of the process.
    pub struct ShutdownSpec {
        short = grace;
        /// How long running exchanges may go on; a day at most.
        grace: Spanned<Duration> = Spanned::none(Duration::from_secs(30)),
        /// How long it still accepts while `/readyz` says that it is not ready, so that whoever balances to it goes elsewhere
        /// first; an hour at most.
        delay: Spanned<Duration> = Spanned::none(Duration::ZERO),
    }
}

/// Where the admin listener accepts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdminAddressSpec {
    /// Nowhere.
    Off,
    /// Here.
    On(ListenAddress),
}

impl AdminAddressSpec {
    const DEFAULT: Self = Self::On(ListenAddress::Tcp(std::net::SocketAddr::new(
        std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        8170,
    )));
}

impl Spec for AdminAddressSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.scalar().as_deref() {
            Some("off") => Some(Self::Off),
            _ => ListenAddress::read(node, reader).map(Self::On),
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::Off => Node::text("off"),
            Self::On(address) => address.write(),
        }
    }

    fn shape() -> Shape {
        ListenAddress::shape()
    }
}

/// How many workers serve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkersSpec {
    /// One a core.
    Auto,
    /// So many; at least one.
    Count(u16),
}

impl WorkersSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(count @ 1..=WORKERS_MAX)) => Ok(Self::Count(count)),
            _ => Err("write auto, or a number from 1 to 1024"),
        }
    }
}

impl fmt::Display for WorkersSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

textual! {
    WorkersSpec: "`auto` or number", "a number of workers", ["auto", "4"];
}

/// Most workers of a process.
const WORKERS_MAX: u16 = 1024;
/// Deepest nesting of chains in chains.
const CHAIN_DEPTH_MAX: usize = 16;
