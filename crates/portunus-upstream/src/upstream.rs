//! One upstream: its settings, and the endpoints that serve it now.

use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{BalancerPlan, Endpoint, EndpointSet, OutlierPlan};
use portunus_base::{Clock as _, SystemClock, UpstreamId};
use portunus_h1::Limits;
use portunus_preface::proxy_protocol;
use portunus_resilience::{BreakerRule, GradientRule};
use portunus_telemetry::{EndpointSeries, Registry, UpstreamSeries};
use portunus_tls::ClientTls;
use portunus_worker::Published;

use crate::{StickyMarks, StickyPlan, UpstreamState};

/// What the configuration says of an upstream.
#[derive(Clone, Debug)]
pub struct UpstreamPlan {
    /// Its id, the same over reloads.
    pub id: UpstreamId,
    /// Its name, as in logs and metrics.
    pub name: Arc<str>,
    /// How endpoints are chosen.
    pub balancer: Arc<dyn BalancerPlan>,
    /// Our own zone, where it is set.
    pub zone: Option<Arc<str>>,
    /// Bound on connecting.
    pub connect_timeout: Duration,
    /// Bound on the wait for the head of an answer.
    pub first_byte_timeout: Duration,
    /// Bound on each pause of the upstream within a body.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
    /// The most unused connections to one endpoint that a worker keeps.
    pub pool_idle_max: usize,
    /// The most connections to one endpoint, over all workers.
    pub connections_max: Option<u32>,
    /// The most requests in flight to one endpoint, over all workers.
    pub requests_max: Option<u32>,
    /// How long an endpoint that could not be connected to is left alone.
    pub rest_for: Duration,
    /// What puts an endpoint out for its results.
    pub outlier: Option<OutlierPlan>,
    /// How long an endpoint that is new or healthy again takes to get its full share; zero when it has it at once.
    pub slow_start: Duration,
    /// When it is left alone as a whole.
    pub breaker: Option<BreakerRule>,
    /// Limits on the heads of answers.
    pub limits: Limits,
    /// TLS to its endpoints, where they want it.
    pub tls: Option<Arc<ClientTls>>,
    /// What its endpoints speak.
    pub http: HttpVersion,
    /// The most exchanges at once on one connection of HTTP/2; what the endpoint allows, if that is less.
    pub streams_max: u32,
    /// The PROXY protocol header that each connection begins with. Such connections serve one client alone.
    pub proxy_protocol: Option<proxy_protocol::Version>,
    /// How a limit on requests in flight to all endpoints is found.
    pub adaptive: Option<GradientRule>,
    /// How many requests wait for room, and how long; none does where there is none.
    pub queue: Option<QueuePlan>,
    /// How clients stay at their endpoint; they do not where there is none.
    pub sticky: Option<StickyPlan>,
}

/// The bounds on requests that wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueuePlan {
    /// The most that wait at once, over all workers.
    pub max: u32,
    /// How long one waits.
    pub timeout: Duration,
}

/// Which version of HTTP an upstream speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HttpVersion {
    /// The best that it offers within TLS, and HTTP/1 without TLS.
    #[default]
    Auto,
    /// HTTP/1 alone.
    H1,
    /// HTTP/2 alone; without TLS by prior knowledge.
    H2,
}

/// The endpoints of an upstream with the series that count them.
#[derive(Debug)]
pub struct ServingSet {
    /// The endpoints and their balancers.
    pub set: EndpointSet,
    /// The series of each endpoint, in the order of the set.
    pub series: Vec<EndpointSeries>,
    /// Their marks in cookies, where clients stay.
    pub marks: Option<StickyMarks>,
    /// What the upstream is going through.
    pub state: Arc<UpstreamState>,
    /// True once a provider has spoken: an empty set then means that there is no endpoint.
    pub resolved: bool,
}

/// An upstream with its endpoints of now. Shared by all workers; a reload keeps it while its plan is the same.
#[derive(Debug)]
pub struct Upstream {
    /// What the configuration says.
    pub plan: UpstreamPlan,
    /// What it is going through; the next upstream of its name shares it.
    pub state: Arc<UpstreamState>,
    /// The series that counts it.
    pub series: UpstreamSeries,
    /// The endpoints of now.
    pub serving: Published<ServingSet>,
}

impl Upstream {
    /// An upstream that has no endpoints yet.
    #[must_use]
    pub fn new(plan: UpstreamPlan, state: Arc<UpstreamState>, registry: &Registry) -> Self {
        let series = registry.upstream(&plan.name);
        let set = EndpointSet::build(Vec::new(), &*plan.balancer, plan.zone.as_deref(), 0);
        let serving = ServingSet {
            set,
            series: Vec::new(),
            marks: None,
            state: Arc::clone(&state),
            resolved: false,
        };
        Self { plan, state, series, serving: Published::new(Arc::new(serving)) }
    }

    /// Publishes another set of endpoints. Control calls it; workers follow at their next request.
    pub fn serve(&self, endpoints: Vec<Endpoint>, registry: &Registry) {
        let generation = self.serving.generation() + 1;
        let zone = self.plan.zone.as_deref();
        let set = EndpointSet::build(endpoints, &*self.plan.balancer, zone, generation);
        self.state.outlier.store(self.plan.outlier.map(Arc::new));
        self.state.limits.set(&self.plan);
        if let Some(outlier) = &self.plan.outlier {
            // The set before may have had too few usable endpoints to heed ejections, and this one too.
            set.review(outlier, SystemClock.mono());
        }
        let name = |endpoint: &Endpoint| registry.endpoint(&self.plan.name, &endpoint.name);
        let series = set.endpoints().iter().map(name).collect();
        let sticky = self.plan.sticky.as_ref();
        let marks = sticky.map(|sticky| StickyMarks::of(set.endpoints(), &sticky.key));
        let state = Arc::clone(&self.state);
        self.serving.publish(Arc::new(ServingSet { set, series, marks, state, resolved: true }));
        // There may be more room than there was.
        self.state.queue.call(ANY_ENDPOINT);
    }
}

/// The key of the one line in the queue of an upstream: who waits takes room wherever it is.
pub const ANY_ENDPOINT: u64 = 0;
