//! A worker's own view of an upstream.

use std::rc::Rc;
use std::sync::Arc;

use portunus_balance::{Endpoint, Outcome, PickCx, PickLocal, Tried};
use portunus_base::{Mono, Rng};
use portunus_telemetry::EndpointSeries;
use portunus_worker::Followed;

use crate::{ServingSet, Upstream, UpstreamPlan};

/// What a worker keeps of an upstream: the set that it follows, names as cheap to clone as a number, and where its
/// balancer stands.
#[derive(Debug)]
pub struct UpstreamLocal {
    /// The upstream.
    pub upstream: Arc<Upstream>,
    /// Its name.
    pub name: Rc<str>,
    view: Followed<Rc<View>>,
    pick: PickLocal,
}

#[derive(Debug)]
struct View {
    serving: Arc<ServingSet>,
    names: Vec<Rc<str>>,
}

/// The endpoint that was chosen. Keeps its set alive without touching shared counters.
#[derive(Clone, Debug)]
pub struct Picked {
    view: Rc<View>,
    index: usize,
    /// The series that counts it.
    pub series: EndpointSeries,
    /// Its name.
    pub name: Rc<str>,
}

impl UpstreamLocal {
    /// A worker's view of `upstream`.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>) -> Self {
        let view = Followed::new(&upstream.serving, View::adopt);
        let name = Rc::from(&*upstream.plan.name);
        Self { upstream, name, view, pick: PickLocal::default() }
    }

    /// Chooses an endpoint; None when none can be used.
    pub fn pick(
        &mut self,
        key: Option<u64>,
        now: Mono,
        rng: &mut Rng,
        tried: &Tried,
    ) -> Option<Picked> {
        let view = self.view.current(&self.upstream.serving, View::adopt);
        let mut cx = PickCx::new(now, rng, &mut self.pick, tried).keyed(key);
        let index = view.serving.set.pick(&mut cx)?;
        let series = *view.serving.series.get(index)?;
        let name = Rc::clone(view.names.get(index)?);
        Some(Picked { view: Rc::clone(view), index, series, name })
    }

    /// True once a provider has told the endpoints, however many.
    #[must_use]
    pub fn resolved(&mut self) -> bool {
        self.view.current(&self.upstream.serving, View::adopt).serving.resolved
    }
}

impl View {
    fn adopt(serving: Arc<ServingSet>) -> Rc<Self> {
        let names = serving.set.endpoints().iter().map(|endpoint| Rc::from(&*endpoint.name));
        Rc::new(Self { names: names.collect(), serving })
    }
}

impl Picked {
    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match self.view.serving.set.endpoints().get(self.index) {
            Some(endpoint) => endpoint,
            None => unreachable!("a pick is an index of its own set"),
        }
    }

    /// Takes note of what the endpoint did with a request. It may be out for a while by that.
    pub fn observe(&self, outcome: Outcome, plan: &UpstreamPlan, now: Mono) {
        let state = &self.endpoint().state;
        match (&plan.outlier, outcome) {
            (Some(outlier), outcome) => {
                if state.observe_result(outcome, outlier, now) {
                    self.view.serving.set.eject(self.index, outlier, now);
                }
            }
            (None, Outcome::Good | Outcome::ServerError) => state.recover(),
            (None, Outcome::Unreachable) => _ = state.fail(now, plan.eject_for),
            (None, Outcome::Failed) => {}
        }
    }
}
