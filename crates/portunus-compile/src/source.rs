//! Where the endpoints of an upstream come from, and how they are checked: what control's runners need.

mod both;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use portunus_config::EndpointUrl;
use portunus_config::spec::{EndpointSpec, HealthSpec};
use portunus_discovery::{
    DiscoverSpec, Discovered, EndpointInput, Provider, ProviderPlan, Target, fixed_endpoints,
};
use portunus_spec::{Node, Spec};

use both::Both;

/// Where the endpoints of an upstream come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// They are known.
    Fixed(Vec<Discovered>),
    /// Some of them are names that have to be resolved and followed.
    Resolve(Vec<EndpointInput>),
    /// A provider finds them.
    Provider(Arc<dyn ProviderPlan>),
}

impl Source {
    /// The source of a list of endpoints.
    pub(crate) fn of(inputs: Vec<EndpointInput>) -> Self {
        fixed_endpoints(&inputs).map_or_else(|| Self::Resolve(inputs), Self::Fixed)
    }

    /// The source of what a provider finds, beside a list.
    pub(crate) fn found(list: Vec<EndpointInput>, discover: DiscoverSpec) -> Self {
        let found = Found(discover);
        match list.is_empty() {
            true => Self::Provider(Arc::new(found)),
            false => Self::Provider(Arc::new(Both { list, found })),
        }
    }
}

/// Two sources are equal when they find the same: a running one need not be started again.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(mine), Self::Fixed(theirs)) => mine == theirs,
            (Self::Resolve(mine), Self::Resolve(theirs)) => mine == theirs,
            (Self::Provider(mine), Self::Provider(theirs)) => mine.write().same(&theirs.write()),
            _ => false,
        }
    }
}

/// A provider that tells its name among its options: two kinds may have the same ones.
#[derive(Debug)]
struct Found(DiscoverSpec);

impl ProviderPlan for Found {
    fn open(&self) -> Box<dyn Provider> {
        self.0.plan.open()
    }

    fn write(&self) -> Node {
        self.0.write()
    }
}

/// Requests that find out which endpoints work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthPlan {
    /// What is asked.
    pub ask: HealthAsk,
    /// Value of `Host`; the endpoint's own when `None`.
    pub host: Option<String>,
    /// Time between two checks of an endpoint.
    pub every: Duration,
    /// Bound on one check.
    pub timeout: Duration,
    /// Good checks in a row that make an endpoint healthy.
    pub healthy_after: u32,
    /// Bad checks in a row that make an endpoint unhealthy.
    pub unhealthy_after: u32,
    /// Statuses that are good.
    pub statuses: Vec<RangeInclusive<u16>>,
}

/// What an endpoint is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HealthAsk {
    /// A GET of this path.
    Http(String),
    /// `grpc.health.v1.Health/Check` for this service; empty for the whole server.
    Grpc(String),
    /// Nothing: a connection is enough, and the TLS handshake where there is TLS.
    Connect,
}

impl HealthPlan {
    pub(crate) fn of(spec: &HealthSpec) -> Self {
        let ask = match (&spec.path, &spec.grpc) {
            (Some(path), _) => HealthAsk::Http(path.value.clone()),
            (None, Some(service)) => HealthAsk::Grpc(service.value.clone()),
            (None, None) => HealthAsk::Connect,
        };
        Self {
            ask,
            host: spec.host.clone(),
            every: spec.every.value,
            timeout: spec.timeout,
            healthy_after: spec.healthy_after.value,
            unhealthy_after: spec.unhealthy_after.value,
            statuses: spec.status.iter().map(|range| range.first..=range.last).collect(),
        }
    }

    /// True for the status of a good check.
    #[must_use]
    pub fn is_good(&self, status: u16) -> bool {
        self.statuses.iter().any(|range| range.contains(&status))
    }
}

/// An endpoint with what is written beside its URL.
pub(crate) fn endpoint(spec: &EndpointSpec) -> EndpointInput {
    EndpointInput {
        weight: spec.weight.value,
        zone: spec.zone.as_deref().map(Arc::from),
        backup: spec.backup,
        ..url(&spec.url)
    }
}

/// An endpoint by its URL alone.
pub(crate) fn url(url: &EndpointUrl) -> EndpointInput {
    let target = match url.address() {
        Some(ip) => Target::Fixed(SocketAddr::new(ip, url.port).into()),
        None => Target::Host { host: url.host.clone(), port: url.port },
    };
    EndpointInput { authority: url.authority(), ..EndpointInput::new(target, url.to_string()) }
}
