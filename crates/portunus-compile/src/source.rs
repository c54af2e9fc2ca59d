//! Where the endpoints of an upstream come from: what control's runners need.

mod both;

use std::net::SocketAddr;
use std::sync::Arc;

use portunus_config::EndpointUrl;
use portunus_config::spec::EndpointSpec;
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
