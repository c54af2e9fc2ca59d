//! Who keeps the endpoints of each upstream current: a run of its provider, and its health checks.
//!
//! A run goes on over reloads while its source is the same, also when the upstream itself is a new
//! one: it then serves what it knows to the new one at once.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portunus_balance::{Endpoint, EndpointState, WeightOverride};
use portunus_base::{Clock as _, SystemClock, UpstreamId};
use portunus_compile::{HealthPlan, Source, UpstreamSource};
use portunus_discovery::{
    Discovered, Feed, Provider, ResolveOptions, Sink, Stop, StopHandle, endpoint_list,
};
use portunus_upstream::Upstream;

use crate::World;
use crate::health::Checks;
use crate::task::{LocalThread, Task};
use crate::upkeep::Upkeep;

/// The runs of all upstreams.
#[derive(Debug)]
pub(crate) struct Upstreams {
    world: Arc<World>,
    /// Where endpoints are checked.
    checking: LocalThread,
    runs: HashMap<UpstreamId, Run>,
}

impl Upstreams {
    /// # Errors
    /// The system has no thread for health checks.
    pub(crate) fn start(world: Arc<World>) -> io::Result<Self> {
        let checking = LocalThread::start("portunus-health")?;
        Ok(Self { world, checking, runs: HashMap::new() })
    }

    /// Sees to it that each upstream has its endpoints, before the configuration is published.
    /// Waits, but not for long, for those that have to be found first.
    pub(crate) async fn serve(&mut self, sources: &[UpstreamSource]) {
        let mut first = Vec::new();
        for wanted in sources {
            let id = wanted.upstream.plan.id;
            match self.runs.get_mut(&id) {
                Some(run) if run.source == wanted.source => run.retarget(&wanted.upstream),
                Some(run) => {
                    run.switch(wanted);
                    first.extend(run.feed.clone());
                }
                None => {
                    let run = Run::start(wanted, &self.world);
                    first.extend(run.feed.clone());
                    self.runs.insert(id, run);
                }
            }
        }
        let all = async {
            for mut feed in first {
                if feed.latest().version == 0 {
                    feed.next().await;
                }
            }
            // The followers of the feeds serve what has just arrived.
            tokio::task::yield_now().await;
        };
        let _ = tokio::time::timeout(FIRST_ENDPOINTS_WAIT, all).await;
    }

    /// Serves the endpoints of an upstream anew, as their state is now.
    pub(crate) fn serve_anew(&self, id: UpstreamId) {
        if let Some(run) = self.runs.get(&id) {
            run.target.serve_anew();
        }
    }

    /// Ends the runs of upstreams that are gone, and checks the endpoints of those that are there.
    pub(crate) fn settle(&mut self, sources: &[UpstreamSource]) {
        let wanted: HashSet<_> = sources.iter().map(|wanted| wanted.upstream.plan.id).collect();
        self.runs.retain(|id, _| wanted.contains(id));
        for wanted in sources {
            if let Some(run) = self.runs.get_mut(&wanted.upstream.plan.id) {
                run.check(wanted.health.as_ref(), &self.checking);
                run.keep_up(&self.checking);
            }
        }
    }
}

/// What keeps one upstream current.
#[derive(Debug)]
struct Run {
    source: Source,
    target: Arc<Target>,
    /// Where sets arrive; `None` when there is only the one.
    feed: Option<Feed>,
    /// Ends the provider when it goes.
    _provider: Option<(StopHandle, Task, Task)>,
    checks: Option<Checks>,
    upkeep: Option<Upkeep>,
}

impl Run {
    fn start(wanted: &UpstreamSource, world: &Arc<World>) -> Self {
        let target = Arc::new(Target::new(Arc::clone(world), Arc::clone(&wanted.upstream)));
        let source = wanted.source.clone();
        let mut run =
            Self { source, target, feed: None, _provider: None, checks: None, upkeep: None };
        run.find();
        run
    }

    /// Goes on with another source. The endpoints of now serve until it has answered.
    fn switch(&mut self, wanted: &UpstreamSource) {
        self.target.upstream.store(Arc::clone(&wanted.upstream));
        self.target.serve_anew();
        self.source = wanted.source.clone();
        self.find();
    }

    fn find(&mut self) {
        (self.feed, self._provider) = (None, None);
        match &self.source {
            Source::Fixed(endpoints) => self.target.serve(endpoints),
            Source::Resolve(inputs) => {
                self.follow(endpoint_list(inputs.clone(), ResolveOptions::default()));
            }
            Source::Provider(plan) => self.follow(plan.open()),
        }
    }

    fn follow(&mut self, provider: Box<dyn Provider>) {
        let (sink, feed) = Sink::pair();
        let (handle, stop) = Stop::pair();
        let finding = Task::spawn(provider.run(sink, stop));
        let (target, mut sets) = (Arc::clone(&self.target), feed.clone());
        let following = Task::spawn(async move {
            while let Some(set) = sets.next().await {
                target.serve(&set.endpoints);
            }
        });
        self.feed = Some(feed);
        self._provider = Some((handle, finding, following));
    }

    /// Goes on for another upstream of the same name and source.
    fn retarget(&mut self, upstream: &Arc<Upstream>) {
        if Arc::ptr_eq(&self.target.upstream.load(), upstream) {
            return;
        }
        self.target.upstream.store(Arc::clone(upstream));
        match (&self.source, &self.feed) {
            (Source::Fixed(endpoints), _) => self.target.serve(endpoints),
            (_, Some(feed)) if feed.latest().version > 0 => {
                self.target.serve(&feed.latest().endpoints);
            }
            _ => {}
        }
    }

    fn check(&mut self, plan: Option<&HealthPlan>, thread: &LocalThread) {
        if self.checks.as_ref().map(Checks::plan) != plan {
            if let (Some(checks), Some(_)) = (self.checks.take(), plan) {
                checks.replaced();
            }
            let start =
                |plan: &HealthPlan| Checks::start(plan.clone(), Arc::clone(&self.target), thread);
            self.checks = plan.map(start);
        }
    }

    fn keep_up(&mut self, thread: &LocalThread) {
        match (Upkeep::is_wanted(&self.target.upstream().plan), &self.upkeep) {
            (true, None) => self.upkeep = Some(Upkeep::start(Arc::clone(&self.target), thread)),
            (false, Some(_)) => self.upkeep = None,
            (true, Some(_)) | (false, None) => {}
        }
    }
}

/// The upstream that a run is for: another one after a reload that changed it.
#[derive(Debug)]
pub(crate) struct Target {
    world: Arc<World>,
    upstream: ArcSwap<Upstream>,
    /// What was found last, with the weights that were found.
    found: ArcSwap<Vec<Discovered>>,
}

impl Target {
    pub(crate) fn new(world: Arc<World>, upstream: Arc<Upstream>) -> Self {
        Self { world, upstream: ArcSwap::new(upstream), found: ArcSwap::default() }
    }

    /// What all upstreams share.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The upstream now.
    pub(crate) fn upstream(&self) -> Arc<Upstream> {
        self.upstream.load_full()
    }

    /// Serves what was found last, if there was anything.
    fn serve_anew(&self) {
        self.serve(&self.found.load_full());
    }

    fn serve(&self, found: &[Discovered]) {
        let upstream = self.upstream.load();
        if found.is_empty() && !upstream.serving.load().resolved {
            // Nothing was found yet: requests are told so, and not that there is no endpoint.
            return;
        }
        self.found.store(Arc::new(found.to_vec()));
        let id = upstream.plan.id;
        let newcomers = Newcomers::after(&upstream);
        let name = &*upstream.plan.name;
        self.world.wishes.settle(name, found);
        let wishes = self.world.wishes.load();
        let endpoint = |found: &Discovered| {
            let state = self.world.store.endpoint(id, &found.address, &found.name);
            state.set_draining(wishes.drains(name, &found.name, &found.address));
            let wish = wishes.weight(name, &found.name, &found.address);
            Endpoint {
                address: found.address.clone(),
                name: found.name.clone(),
                authority: found.authority.clone(),
                weight: weight(&state, wish, found.weight),
                zone: found.zone.clone(),
                backup: found.backup,
                state,
            }
        };
        let endpoints: Vec<_> = found.iter().map(endpoint).collect();
        newcomers.begin(&endpoints);
        tracing::debug!(upstream = &*upstream.plan.name, count = endpoints.len(), "endpoints");
        upstream.serve(endpoints, &self.world.metrics);
    }
}

/// The weight of an endpoint that was found with another one: the operator's, if there is one.
fn weight(state: &EndpointState, wish: Option<u32>, found: u32) -> u32 {
    let wish = wish.map(|weight| WeightOverride { weight, instead_of: found });
    state.set_weight_override(wish);
    wish.map_or(found, |wish| wish.weight)
}

/// Who is new in a set of endpoints. Nobody is in the first one: all of them cannot have a small share.
struct Newcomers {
    known: Option<HashSet<u32>>,
}

impl Newcomers {
    /// Those who are not among the endpoints of now.
    fn after(upstream: &Upstream) -> Self {
        let serving = upstream.serving.load();
        let is_slow = serving.resolved && !upstream.plan.slow_start.is_zero();
        let keys = || serving.set.endpoints().iter().map(|endpoint| endpoint.state.key()).collect();
        Self { known: is_slow.then(keys) }
    }

    /// They begin with a small share.
    fn begin(&self, endpoints: &[Endpoint]) {
        let Some(known) = &self.known else { return };
        let states = endpoints.iter().map(|endpoint| &endpoint.state);
        for state in states.filter(|state| !known.contains(&state.key())) {
            state.begin_slow_start(SystemClock.mono());
        }
    }
}

/// How long a start or a reload waits for endpoints that have to be found first.
const FIRST_ENDPOINTS_WAIT: Duration = Duration::from_secs(1);
