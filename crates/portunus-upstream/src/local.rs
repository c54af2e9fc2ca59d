//! A worker's own view of an upstream.

use std::rc::Rc;
use std::sync::Arc;

use portunus_balance::{Ejection, Endpoint, EndpointState, Outcome, PickCx, PickLocal, Tried};
use portunus_base::{Mono, Rng};
use portunus_telemetry::EndpointSeries;
use portunus_worker::Followed;

use crate::{ANY_ENDPOINT, ServingSet, Upstream, UpstreamPlan, UpstreamState};

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

    /// Chooses an endpoint, where `room` is given one that has room by it.
    ///
    /// # Errors
    /// There is none, or none now.
    pub fn pick(
        &mut self,
        key: Option<u64>,
        now: Mono,
        rng: &mut Rng,
        tried: &Tried,
        room: Option<&dyn Fn(&EndpointState) -> bool>,
    ) -> Result<Picked, Unpicked> {
        let view = self.view.current(&self.upstream.serving, View::adopt);
        let mut cx = PickCx::new(now, rng, &mut self.pick, tried).keyed(key).with_room(room);
        let index = view.serving.set.pick(&mut cx);
        let why = match (cx.is_full(), view.serving.resolved) {
            (true, _) => Unpicked::Full,
            (false, true) => Unpicked::Unusable,
            (false, false) => Unpicked::Unresolved,
        };
        index.and_then(|index| view.picked(index)).ok_or(why)
    }

    /// How much room `room` finds at all usable endpoints together.
    pub fn room(&mut self, now: Mono, room: impl Fn(&EndpointState) -> u32) -> u32 {
        let view = self.view.current(&self.upstream.serving, View::adopt);
        let usable = view.serving.set.endpoints().iter().filter(|endpoint| endpoint.usable(now));
        usable.map(|endpoint| room(&endpoint.state)).fold(0, u32::saturating_add)
    }

    /// The endpoint that a client's cookie means by this mark, whether it is usable or not.
    pub fn marked(&mut self, mark: &[u8]) -> Option<Picked> {
        let view = self.view.current(&self.upstream.serving, View::adopt);
        view.picked(view.serving.marks.as_ref()?.endpoint(mark)?)
    }

    /// The endpoint whose state has this key, whether it is usable or not.
    pub fn keyed(&mut self, key: u32) -> Option<Picked> {
        let view = self.view.current(&self.upstream.serving, View::adopt);
        let mut endpoints = view.serving.set.endpoints().iter();
        view.picked(endpoints.position(|endpoint| endpoint.state.key() == key)?)
    }
}

/// Why no endpoint was chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unpicked {
    /// No provider has told of any yet.
    Unresolved,
    /// None can be used.
    Unusable,
    /// All that can be used have no room.
    Full,
}

impl View {
    fn adopt(serving: Arc<ServingSet>) -> Rc<Self> {
        let names = serving.set.endpoints().iter().map(|endpoint| Rc::from(&*endpoint.name));
        Rc::new(Self { names: names.collect(), serving })
    }

    fn picked(self: &Rc<Self>, index: usize) -> Option<Picked> {
        let series = *self.serving.series.get(index)?;
        let name = Rc::clone(self.names.get(index)?);
        Some(Picked { view: Rc::clone(self), index, series, name })
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

    /// What its upstream is going through.
    #[must_use]
    pub fn upstream(&self) -> &UpstreamState {
        &self.view.serving.state
    }

    /// A request that began at the endpoint has ended, as [`EndpointState::end`] says. Whoever waits for its place is
    /// told.
    pub fn end(&self, latency_us: Option<u64>, now: Mono) {
        self.endpoint().state.end(latency_us, now);
        self.call_next();
    }

    /// There is room for another request: whoever waits for it is told.
    pub fn call_next(&self) {
        self.upstream().queue.call(ANY_ENDPOINT);
    }

    /// Whether a client that was here before may stay: an endpoint that only takes no new ones keeps its own.
    #[must_use]
    pub fn keeps(&self, now: Mono) -> bool {
        self.view.serving.set.keeps(self.index, now)
    }

    /// Its mark in cookies.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.view.serving.marks.as_ref()?.mark(self.index)
    }

    /// Takes note of what the endpoint did with a request. It may be out for a while by that.
    pub fn observe(&self, outcome: Outcome, plan: &UpstreamPlan, now: Mono) {
        let state = &self.endpoint().state;
        self.eject(state.observe(outcome, plan.rest_for, plan.outlier.as_ref(), now), now);
    }

    /// The same of the head of an answer. A good one answers what [`Picked::observe_break`] wants to know of it.
    pub fn observe_head(&self, status: u16, plan: &UpstreamPlan, now: Mono) -> Option<u32> {
        match Outcome::of_status(status) {
            Outcome::Good => Some(self.endpoint().state.observe_good(plan.outlier.as_ref())),
            bad => {
                self.observe(bad, plan, now);
                None
            }
        }
    }

    /// A good answer broke off: it was a failure. See [`EndpointState::observe_break`].
    pub fn observe_break(&self, ended: u32, latency_us: u64, plan: &UpstreamPlan, now: Mono) {
        let (state, outlier) = (&self.endpoint().state, plan.outlier.as_ref());
        self.eject(state.observe_break(ended, latency_us, outlier, now), now);
    }

    /// Ejects by the rules of now: those that the request began with may be gone since.
    fn eject(&self, why: Option<Ejection>, now: Mono) {
        let Some(why) = why else { return };
        let serving = &self.view.serving;
        if let Some(outlier) = &*serving.state.outlier.load()
            && outlier.ejects_for(why)
        {
            serving.set.eject(self.index, why, outlier, now);
        }
    }

    /// Takes note of the time to the head of an answer, where it matters to anybody but the balancer.
    pub fn note_latency(&self, latency_us: u64, plan: &UpstreamPlan) {
        if let Some(outlier) = &plan.outlier {
            self.endpoint().state.note_latency(latency_us, outlier);
        }
    }
}
