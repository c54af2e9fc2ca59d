//! Listeners: plans for the data path, addresses for control.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;

use portunus_base::{ByteSize, ListenerId};
use portunus_config::spec::{ListenerSpec, ProtocolSpec, ProxyProtocolSpec, WorkersSpec};
use portunus_config::{ConfigSpec, ListenAddress as WrittenAddress};
use portunus_h1::Limits;
use portunus_net::ListenAddress;
use portunus_snapshot::{
    H2Limits, ListenerPlan, ListenerTimeouts, Protocols, ProxyProtocol, RateFloors,
};
use portunus_spec::Reader;

use crate::Inputs;
use crate::l4::Passed;
use crate::tls::Servers;
use crate::upstream::Upstreams;

/// A listener of a snapshot with the address that control binds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerBinding {
    /// Its id, the same over reloads.
    pub id: ListenerId,
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: ListenAddress,
    /// Whether it serves HTTP over TLS.
    pub https: bool,
    /// Whether it is a listener of UDP.
    pub udp: bool,
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
    requests_max: Option<usize>,
    floors: RateFloors,
    timeouts: ListenerTimeouts,
    protocols: Protocols,
    h2: H2Limits,
    host_must_fit_sni: bool,
    client_cert: bool,
    http: bool,
    passed: Passed,
}

impl Listeners {
    /// Reads all listeners, or those that are implied where none is written.
    pub(crate) fn read(inputs: &Inputs<'_>, reader: &mut Reader<'_>) -> Self {
        let ids = inputs.previous.map(|before| before.listener_ids.clone()).unwrap_or_default();
        let mut listeners = Self { bindings: Vec::new(), ids, settings: Vec::new() };
        let trusts = !inputs.spec.trusted_proxies.is_empty();
        reader.key("listeners", |reader| {
            for (name, listener) in &*inputs.spec.listeners_in_force() {
                reader.key(name, |reader| check(listener, trusts, reader));
                listeners.add(name, listener, Settings::of(listener, inputs.spec));
            }
        });
        listeners
    }

    /// Reads what listeners pass on, now that it is known which upstreams there are.
    pub(crate) fn read_passed(
        &mut self,
        inputs: &Inputs<'_>,
        upstreams: &mut Upstreams<'_>,
        reader: &mut Reader<'_>,
    ) {
        let config = inputs.spec;
        for (binding, settings) in self.bindings.iter().zip(&mut self.settings) {
            let Some(listener) = config.listeners.get(&binding.name) else { continue };
            reader.key(&format!("listeners.{}", binding.name), |reader| {
                settings.passed = Passed::read(listener, config.workers, upstreams, reader);
            });
        }
    }

    /// The plans by id; a plan that says what it said before is the same one.
    pub(crate) fn finish(
        &self,
        inputs: &Inputs<'_>,
        servers: &Servers,
    ) -> Vec<Option<Arc<ListenerPlan>>> {
        let mut plans = vec![None; self.ids.by_name.len()];
        for (binding, settings) in self.bindings.iter().zip(&self.settings) {
            let before = inputs.previous.and_then(|before| before.snapshot.listener(binding.id));
            let tls = servers.of(binding.id);
            let same_tls = |plan: &ListenerPlan| match (&plan.tls, tls) {
                (Some(old), Some(new)) => Arc::ptr_eq(old, new),
                (old, new) => old.is_none() && new.is_none(),
            };
            let challenges = inputs.spec.acme.as_ref().map(|_| &inputs.tls.http_challenges);
            let acme = inputs.spec.acme.as_ref();
            let on_demand = acme.and_then(|acme| acme.on_demand.as_ref());
            let on_demand = on_demand.filter(|_| servers.may_lack(binding.id));
            let on_demand = on_demand.map(|_| &inputs.tls.on_demand);
            let same = |plan: &ListenerPlan| {
                settings.are_of(plan)
                    && same_tls(plan)
                    && plan.http_challenges.is_some() == challenges.is_some()
                    && plan.on_demand.is_some() == on_demand.is_some()
            };
            let kept = before.filter(|plan| same(plan)).map(Arc::clone);
            let plan = kept.unwrap_or_else(|| {
                let series = inputs.metrics.listener(&binding.name);
                let plan = ListenerPlan::new(binding.id, Arc::from(&*binding.name), series);
                let (tls, http_challenges) = (tls.cloned(), challenges.cloned());
                let on_demand = on_demand.cloned();
                Arc::new(ListenerPlan { tls, http_challenges, on_demand, ..settings.fill(plan) })
            });
            if let Some(place) = plans.get_mut(binding.id.index()) {
                *place = Some(plan);
            }
        }
        plans
    }

    fn add(&mut self, name: &str, listener: &ListenerSpec, settings: Settings) {
        let binding = ListenerBinding {
            id: self.ids.of(name),
            name: name.to_owned(),
            address: address(&listener.address),
            https: listener.serves_https(),
            udp: listener.udp.is_some(),
        };
        self.bindings.push(binding);
        self.settings.push(settings);
    }
}

impl Settings {
    fn of(listener: &ListenerSpec, config: &ConfigSpec) -> Self {
        let bytes = |size: ByteSize| usize::try_from(size.0).unwrap_or(usize::MAX);
        let (limits, timeouts) = (&listener.limits, &listener.timeouts);
        let workers = workers(config.workers);
        // Each worker counts alone.
        let share = |max: Option<u32>| max.map(|max| (max as usize).div_ceil(workers));
        let tls = listener.tls.as_ref().map(|tls| tls.over(config.tls.as_ref()));
        let tls = tls.as_ref();
        let speaks = |wanted: ProtocolSpec| {
            listener.protocols.iter().any(|protocol| protocol.value == wanted)
        };
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
            connections_max: share(limits.connections_max),
            requests_max: share(limits.requests_max),
            floors: RateFloors {
                upload: limits.upload_rate_min.0,
                download: limits.download_rate_min.0,
            },
            timeouts: ListenerTimeouts {
                header_read: timeouts.header_read,
                request_idle: timeouts.request_idle,
                keep_alive: timeouts.keep_alive,
                linger: timeouts.linger,
            },
            protocols: Protocols { h1: speaks(ProtocolSpec::H1), h2: speaks(ProtocolSpec::H2) },
            h2: H2Limits { streams_max: limits.h2.streams_max.value },
            host_must_fit_sni: tls.and_then(|tls| tls.host_must_fit_sni).unwrap_or(true),
            client_cert: tls.and_then(|tls| tls.client_cert_header).unwrap_or(true),
            http: listener.serves_http(),
            passed: Passed::default(),
        }
    }

    fn fill(&self, plan: ListenerPlan) -> ListenerPlan {
        ListenerPlan {
            proxy_protocol: self.proxy_protocol,
            limits: self.limits,
            connections_max: self.connections_max,
            requests_max: self.requests_max,
            floors: self.floors,
            timeouts: self.timeouts,
            protocols: self.protocols,
            h2: self.h2,
            host_must_fit_sni: self.host_must_fit_sni,
            client_cert: self.client_cert,
            http: self.http,
            tcp: self.passed.tcp.clone(),
            sni: self.passed.sni.clone(),
            udp: self.passed.udp.clone(),
            ..plan
        }
    }

    fn are_of(&self, plan: &ListenerPlan) -> bool {
        self.proxy_protocol == plan.proxy_protocol
            && self.limits == plan.limits
            && self.connections_max == plan.connections_max
            && self.requests_max == plan.requests_max
            && self.floors == plan.floors
            && self.timeouts == plan.timeouts
            && self.protocols == plan.protocols
            && self.h2 == plan.h2
            && self.host_must_fit_sni == plan.host_must_fit_sni
            && self.client_cert == plan.client_cert
            && self.http == plan.http
            && (&self.passed.tcp, &self.passed.sni) == (&plan.tcp, &plan.sni)
            && self.passed.udp == plan.udp
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
pub(crate) fn workers(spec: WorkersSpec) -> usize {
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
