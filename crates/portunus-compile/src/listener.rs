//! Listeners: plans for the data path, addresses for control.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;

use portunus_base::{ByteSize, ListenerId};
use portunus_config::ListenAddress as WrittenAddress;
use portunus_config::spec::{ListenerSpec, ProxyProtocolSpec, WorkersSpec};
use portunus_h1::Limits;
use portunus_net::ListenAddress;
use portunus_snapshot::{ListenerPlan, ListenerTimeouts, ProxyProtocol};
use portunus_spec::Reader;

use crate::Inputs;

/// A listener of a snapshot with the address that control binds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerBinding {
    /// Its id, the same over reloads.
    pub id: ListenerId,
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: ListenAddress,
}

/// The ids of all listeners that there ever were, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListenerIds {
    by_name: HashMap<String, ListenerId>,
}

impl ListenerIds {
    pub(crate) fn known(&self, name: &str) -> Option<ListenerId> {
        self.by_name.get(name).copied()
    }

    fn of(&mut self, name: &str) -> ListenerId {
        let next = ListenerId(self.by_name.len() as u32);
        *self.by_name.entry(name.to_owned()).or_insert(next)
    }
}

/// The listeners of a configuration.
pub(crate) struct Listeners {
    pub(crate) bindings: Vec<ListenerBinding>,
    pub(crate) ids: ListenerIds,
    settings: Vec<Settings>,
}

/// What a plan is made of, beside its series.
struct Settings {
    proxy_protocol: ProxyProtocol,
    limits: Limits,
    connections_max: Option<usize>,
    timeouts: ListenerTimeouts,
}

impl Listeners {
    /// Reads all listeners; without any there is [`DEFAULT_NAME`] on port [`DEFAULT_PORT`].
    pub(crate) fn read(inputs: &Inputs<'_>, reader: &mut Reader<'_>) -> Self {
        let ids = inputs.previous.map(|before| before.listener_ids.clone()).unwrap_or_default();
        let mut listeners = Self { bindings: Vec::new(), ids, settings: Vec::new() };
        let trusts = !inputs.spec.trusted_proxies.is_empty();
        let workers = workers(inputs.spec.workers);
        reader.key("listeners", |reader| {
            for (name, listener) in &inputs.spec.listeners {
                reader.key(name, |reader| check(listener, trusts, reader));
                listeners.add(name, address(&listener.address), Settings::of(listener, workers));
            }
        });
        if listeners.bindings.is_empty() {
            let settings = Settings::default();
            listeners.add(DEFAULT_NAME, ListenAddress::any(DEFAULT_PORT), settings);
        }
        listeners
    }

    /// The plans by id; a plan that says what it said before is the same one.
    pub(crate) fn finish(&self, inputs: &Inputs<'_>) -> Vec<Option<Arc<ListenerPlan>>> {
        let mut plans = vec![None; self.ids.by_name.len()];
        for (binding, settings) in self.bindings.iter().zip(&self.settings) {
            let before = inputs.previous.and_then(|before| before.snapshot.listener(binding.id));
            let kept = before.filter(|plan| settings.are_of(plan)).map(Arc::clone);
            let plan = kept.unwrap_or_else(|| {
                Arc::new(ListenerPlan {
                    id: binding.id,
                    name: Arc::from(binding.name.as_str()),
                    series: inputs.metrics.listener(&binding.name),
                    proxy_protocol: settings.proxy_protocol,
                    limits: settings.limits,
                    connections_max: settings.connections_max,
                    timeouts: settings.timeouts,
                })
            });
            if let Some(place) = plans.get_mut(binding.id.index()) {
                *place = Some(plan);
            }
        }
        plans
    }

    fn add(&mut self, name: &str, address: ListenAddress, settings: Settings) {
        let id = self.ids.of(name);
        self.bindings.push(ListenerBinding { id, name: name.to_owned(), address });
        self.settings.push(settings);
    }
}

impl Default for Settings {
    fn default() -> Self {
        let (limits, timeouts) = (Limits::default(), ListenerTimeouts::default());
        Self { proxy_protocol: ProxyProtocol::Off, limits, connections_max: None, timeouts }
    }
}

impl Settings {
    fn of(listener: &ListenerSpec, workers: usize) -> Self {
        let bytes = |size: ByteSize| usize::try_from(size.0).unwrap_or(usize::MAX);
        let (limits, timeouts) = (&listener.limits, &listener.timeouts);
        Self {
            proxy_protocol: match listener.proxy_protocol.value {
                ProxyProtocolSpec::Off => ProxyProtocol::Off,
                ProxyProtocolSpec::Optional => ProxyProtocol::Optional,
                ProxyProtocolSpec::Required => ProxyProtocol::Required,
            },
            limits: Limits {
                line_bytes_max: bytes(limits.line_max),
                headers_max: limits.headers_max as usize,
                header_bytes_max: bytes(limits.header_bytes_max),
            },
            connections_max: limits.connections_max.map(|max| (max as usize).div_ceil(workers)),
            timeouts: ListenerTimeouts {
                header_read: timeouts.header_read,
                request_idle: timeouts.request_idle,
                keep_alive: timeouts.keep_alive,
                linger: timeouts.linger,
            },
        }
    }

    fn are_of(&self, plan: &ListenerPlan) -> bool {
        self.proxy_protocol == plan.proxy_protocol
            && self.limits == plan.limits
            && self.connections_max == plan.connections_max
            && self.timeouts == plan.timeouts
    }
}

fn check(listener: &ListenerSpec, trusts: bool, reader: &mut Reader<'_>) {
    let protocol = &listener.proxy_protocol;
    let over_tcp = !matches!(listener.address.value, WrittenAddress::Unix(_));
    if protocol.value != ProxyProtocolSpec::Off && over_tcp && !trusts {
        let message = "nobody is trusted to send a PROXY protocol head";
        let help = "add the proxies to `trusted_proxies: [10.0.0.0/8]`";
        reader.error(protocol.span, message).help(help);
    }
}

/// How many workers share the connections of a listener.
fn workers(spec: WorkersSpec) -> usize {
    match spec {
        WorkersSpec::Count(count) => usize::from(count).max(1),
        WorkersSpec::Auto => std::thread::available_parallelism().map_or(1, NonZero::get),
    }
}

fn address(written: &WrittenAddress) -> ListenAddress {
    match written {
        WrittenAddress::Any(port) => ListenAddress::any(*port),
        WrittenAddress::Tcp(address) => ListenAddress::Ip(*address),
        WrittenAddress::Unix(path) => ListenAddress::Unix(path.clone()),
    }
}

/// The listener of a configuration that names none.
const DEFAULT_NAME: &str = "web";
/// Its port; one that needs no privileges.
const DEFAULT_PORT: u16 = 8080;
