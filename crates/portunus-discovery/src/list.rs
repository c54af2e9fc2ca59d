//! One provider for a list of addresses and names, in any mixture.

use std::sync::Arc;

use portunus_balance::Address;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::provider::{Discovered, Provider, ProviderFuture, Sink, Stop};
use crate::resolver::ResolveOptions;
use crate::watch::{Report, watch};

/// One entry of a list: an address that is an endpoint, or a name that stands for several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointInput {
    /// Where, or what to resolve.
    pub target: Target,
    /// As the user wrote it, for labels and logs.
    pub name: String,
    /// Value of `Host` when the client's is not kept.
    pub authority: String,
    /// Its part of the traffic; of a name, that of each of its addresses.
    pub weight: u32,
    /// Where it runs.
    pub zone: Option<Arc<str>>,
    /// Used only when no other endpoint can be.
    pub backup: bool,
}

impl EndpointInput {
    /// An entry of weight 1 for a target, named and addressed by `name`.
    #[must_use]
    pub fn new(target: Target, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { target, authority: name.clone(), name, weight: 1, zone: None, backup: false }
    }

    /// The endpoint of this entry at an address.
    pub(crate) fn at(&self, address: Address) -> Discovered {
        Discovered {
            address,
            name: self.name.clone(),
            authority: self.authority.clone(),
            weight: self.weight,
            zone: self.zone.clone(),
            backup: self.backup,
        }
    }
}

/// What an entry of a list stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// One address, known already.
    Fixed(Address),
    /// The addresses of a host name, all at one port.
    Host {
        /// The name, or an address in text.
        host: String,
        /// The port of each address.
        port: u16,
    },
    /// The places of a service, from its SRV records (RFC 2782): `_http._tcp.example.com`. They
    /// bring their own ports, names and weights.
    Service(String),
}

/// A provider for a list: addresses are pushed at once, names are resolved and followed. In the
/// sets, the endpoints stand in the order of the list. It ends by itself when there is no name in
/// the list.
#[must_use]
pub fn endpoint_list(inputs: Vec<EndpointInput>, options: ResolveOptions) -> Box<dyn Provider> {
    Box::new(EndpointList { inputs, options })
}

/// The endpoints of a list without names, which needs no provider; `None` when it has one.
#[must_use]
pub fn fixed_endpoints(inputs: &[EndpointInput]) -> Option<Vec<Discovered>> {
    inputs.iter().map(fixed_endpoint).collect()
}

fn fixed_endpoint(input: &EndpointInput) -> Option<Discovered> {
    match &input.target {
        Target::Fixed(address) => Some(input.at(address.clone())),
        Target::Host { .. } | Target::Service(_) => None,
    }
}

#[derive(Debug)]
struct EndpointList {
    inputs: Vec<EndpointInput>,
    options: ResolveOptions,
}

impl Provider for EndpointList {
    fn run(self: Box<Self>, sink: Sink, stop: Stop) -> ProviderFuture {
        Box::pin(follow(self.inputs, self.options, sink, stop))
    }
}

async fn follow(inputs: Vec<EndpointInput>, options: ResolveOptions, sink: Sink, mut stop: Stop) {
    let mut found: Vec<Vec<Discovered>> =
        inputs.iter().map(|input| Vec::from_iter(fixed_endpoint(input))).collect();
    let (reports, mut incoming) = mpsc::channel(REPORTS_MAX);
    // Dropping the set of watchers ends them all.
    let mut watchers = JoinSet::new();
    for (index, input) in inputs.into_iter().enumerate() {
        if !matches!(input.target, Target::Fixed(_)) {
            watchers.spawn(watch(index, input, options.clone(), reports.clone()));
        }
    }
    drop(reports);
    // Before a name has answered, a set without any endpoint would only be a false alarm.
    if watchers.is_empty() || found.iter().any(|endpoints| !endpoints.is_empty()) {
        sink.push(found.concat());
    }
    loop {
        let report = tokio::select! {
            () = stop.stopped() => return,
            report = incoming.recv() => report,
        };
        let Some(Report { index, found: new }) = report else { return };
        if let (Some(slot), Some(new)) = (found.get_mut(index), new) {
            *slot = new;
        }
        sink.push(found.concat());
    }
}

/// Reports that wait; a watcher that is faster than the control runtime waits too.
const REPORTS_MAX: usize = 8;

#[cfg(test)]
mod tests;
