//! What listeners pass on without reading it: TCP, TLS by name, UDP.

use std::sync::Arc;

use portunus_config::spec::{ListenerSpec, TcpSpec, UdpSpec, WorkersSpec};
use portunus_snapshot::{SniPlan, TcpPlan, UdpPlan};
use portunus_spec::Reader;

use crate::listener::workers;
use crate::route::destination;
use crate::upstream::Upstreams;

/// What a listener passes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Passed {
    pub(crate) tcp: Option<Arc<TcpPlan>>,
    pub(crate) sni: Option<Arc<SniPlan>>,
    pub(crate) udp: Option<Arc<UdpPlan>>,
}

impl Passed {
    /// Reads it. Targets that do not exist are for the loader to report.
    pub(crate) fn read(
        listener: &ListenerSpec,
        count: WorkersSpec,
        upstreams: &mut Upstreams<'_>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let tcp = listener.tcp.as_ref().and_then(|spec| {
            reader.key("tcp.to", |reader| tcp(spec, upstreams, reader)).map(Arc::new)
        });
        let mut named = Vec::new();
        for (name, to) in &listener.sni {
            let plan = reader.key(&format!("sni.{}", name.value), |reader| {
                destination(to, upstreams, reader).map(TcpPlan::new)
            });
            named.extend(plan.map(|plan| (name.as_str(), Arc::new(plan))));
        }
        let sni = (!listener.sni.is_empty()).then(|| Arc::new(SniPlan::new(named)));
        let workers = workers(count);
        let udp = listener.udp.as_ref().and_then(|spec| {
            reader.key("udp.to", |reader| udp(spec, workers, upstreams, reader)).map(Arc::new)
        });
        Self { tcp, sni, udp }
    }
}

fn tcp(spec: &TcpSpec, upstreams: &mut Upstreams<'_>, reader: &mut Reader<'_>) -> Option<TcpPlan> {
    let plan = TcpPlan::new(destination(&spec.to, upstreams, reader)?);
    Some(TcpPlan {
        connect_timeout: spec.timeouts.connect,
        idle_timeout: spec.timeouts.idle,
        lifetime: spec.timeouts.lifetime,
        sniff_timeout: spec.timeouts.sniff,
        ..plan
    })
}

fn udp(
    spec: &UdpSpec,
    workers: usize,
    upstreams: &mut Upstreams<'_>,
    reader: &mut Reader<'_>,
) -> Option<UdpPlan> {
    let destination = destination(&spec.to, upstreams, reader)?;
    let sessions_max = (spec.sessions_max as usize).div_ceil(workers);
    Some(UdpPlan { destination, idle_timeout: spec.idle, sessions_max })
}
