//! One run: what is drawn for it, how it goes, and what is left of it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use portunus_balance::{Address, BalanceSpec, Endpoint, OutlierPlan};
use portunus_base::{Clock, ListenerId, Mono, Rng, Wall, WorkerId};
use portunus_resilience::{BreakerRule, GradientRule};
use portunus_snapshot::{ListenerPlan, RetryOn, RetryPlan, Snapshot};
use portunus_spec::{NoLookup, Node, Reader, Spec};
use portunus_telemetry::{Exposition, Options, Registry};
use portunus_upstream::{QueuePlan, StateStore, Upstream, UpstreamPlan};
use portunus_worker::{Published, Worker};
use tokio::time::{Instant, sleep, timeout};

use super::client::{Asked, Client};
use super::origin::{Mood, Origin, Origins};
use super::wire::{Dice, End, io, wire};
use crate::detect::Opening;
use crate::load::Loads;
use crate::local::{Local, Shared};
use crate::protocol::h1;
use crate::recycle::Recycled;
use crate::tests::snapshot_with;

/// What a run is made of.
#[derive(Clone, Debug)]
pub(super) struct Case {
    seed: u64,
    pub(super) clients: usize,
    /// Requests of each client.
    pub(super) requests: usize,
    patient: bool,
    /// The mood that each endpoint begins with.
    moods: Vec<Mood>,
    /// Whether moods change.
    moody: bool,
    balance: &'static str,
    /// Tries beyond the first.
    pub(super) attempts: u16,
    on: RetryOn,
    budget: f64,
    pub(super) connections_max: Option<u32>,
    pub(super) requests_max: Option<u32>,
    pool_idle_ms: u64,
    outlier: bool,
    breaker: bool,
    adaptive: bool,
    queue: Option<QueuePlan>,
    hedge_after: Option<Duration>,
    /// Whether the configuration is loaded again now and then.
    reloads: bool,
}

impl Case {
    /// Nothing goes wrong.
    pub(super) fn calm(seed: u64) -> Self {
        let dice = Dice::of(!seed);
        Self {
            seed,
            clients: 1 + dice.below(12),
            requests: 1 + dice.below(8),
            patient: true,
            moods: vec![Mood::Good; 1 + dice.below(4)],
            moody: false,
            balance: dice.one_of(BALANCERS),
            attempts: 1,
            on: RetryPlan::default().on,
            budget: 0.2,
            connections_max: None,
            requests_max: None,
            pool_idle_ms: dice.one_of(&[100, 1_000, 60_000]),
            outlier: dice.chance(0.5),
            breaker: dice.chance(0.5),
            adaptive: false,
            queue: None,
            hedge_after: dice.one_of(&[None, Some(Duration::from_millis(10))]),
            reloads: dice.chance(0.5),
        }
    }

    /// One endpoint of several is in a bad mood, from the start to the end.
    pub(super) fn one_broken(seed: u64, mood: Mood) -> Self {
        let mut case = Self { attempts: 2, budget: 10.0, breaker: false, ..Self::calm(seed) };
        case.on.statuses = vec![503];
        case.moods.push(Mood::Good);
        case.moods.push(mood);
        case
    }

    /// Endpoints answer before they have read, or close without a word.
    pub(super) fn abrupt(seed: u64) -> Self {
        let mut case = Self { pool_idle_ms: 60_000, ..Self::calm(seed) };
        let dice = Dice::of(seed ^ 0xAB);
        let moods = [Mood::Eager, Mood::Eager, Mood::Hasty, Mood::Curt];
        case.moods.iter_mut().for_each(|mood| *mood = dice.one_of(&moods));
        case
    }

    /// Anything goes wrong.
    pub(super) fn wild(seed: u64) -> Self {
        let dice = Dice::of(seed ^ 0x5EED);
        let calm = Self::calm(seed);
        let on = RetryOn {
            connect: dice.chance(0.7),
            reset: dice.chance(0.7),
            first_byte: dice.chance(0.5),
            statuses: if dice.chance(0.5) { vec![503] } else { vec![] },
            ..RetryOn::default()
        };
        Self {
            patient: false,
            moods: calm.moods.iter().map(|_| dice.one_of(Mood::ALL)).collect(),
            moody: true,
            attempts: dice.below(4) as u16,
            on,
            budget: dice.one_of(&[0.0, 0.2, 1.0]),
            connections_max: dice.one_of(&[None, Some(1), Some(3)]),
            requests_max: dice.one_of(&[None, Some(1), Some(3)]),
            adaptive: dice.chance(0.3),
            queue: dice
                .one_of(&[None, Some(QueuePlan { max: 3, timeout: Duration::from_secs(2) })]),
            ..calm
        }
    }

    fn change(&self, plan: &mut UpstreamPlan) {
        let balance = BalanceSpec::read(&Node::text(self.balance), &mut Reader::new(&NoLookup));
        plan.balancer = balance.unwrap().plan;
        plan.connect_timeout = Duration::from_secs(1);
        plan.first_byte_timeout = Duration::from_secs(2);
        plan.idle_timeout = Duration::from_secs(1);
        plan.pool_idle_timeout = Duration::from_millis(self.pool_idle_ms);
        plan.pool_idle_max = 4;
        (plan.connections_max, plan.requests_max) = (self.connections_max, self.requests_max);
        plan.outlier = self.outlier.then_some(OUTLIER);
        plan.breaker = self.breaker.then_some(BREAKER);
        plan.adaptive = self.adaptive.then_some(GRADIENT);
        plan.queue = self.queue;
    }

    /// The plan of the run, and the endpoints' state.
    fn snapshot(&self, metrics: &Registry) -> Snapshot {
        let nobody = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut snapshot = snapshot_with(metrics, nobody, |plan| self.change(plan));
        let upstream = snapshot.upstreams[0].as_ref().unwrap();
        let store = StateStore::default();
        let endpoints = (1..=self.moods.len()).map(|port| {
            let address = Address::Ip(SocketAddr::from(([127, 0, 0, 1], port as u16)));
            let state = store.endpoint(upstream.plan.id, &address, "");
            let (name, authority) = (address.to_string(), address.to_string());
            Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state }
        });
        upstream.serve(endpoints.collect(), metrics);
        let route = Arc::get_mut(&mut snapshot.routes[0]).unwrap();
        route.retry = RetryPlan {
            attempts: self.attempts,
            on: self.on.clone(),
            budget: self.budget,
            hedge_after: self.hedge_after,
            ..RetryPlan::default()
        };
        route.timeouts.request = Some(Duration::from_secs(20));
        snapshot.access_log = None;
        snapshot
    }
}

/// What came of a run.
pub(super) struct Report {
    pub(super) asked: Vec<Asked>,
    pub(super) origins: Vec<Rc<Origin>>,
    /// What still counts as under way or open when all is over.
    pub(super) left_over: Vec<String>,
    /// Virtual time.
    pub(super) took_us: u64,
}

impl Report {
    /// How often a request came to endpoints.
    pub(super) fn times_asked(&self, id: usize) -> u32 {
        self.origins.iter().filter_map(|origin| origin.asked.borrow().get(&id).copied()).sum()
    }
}

/// Runs a case.
pub(super) fn run(case: &Case) -> Report {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build_local(Default::default()).unwrap();
    runtime.block_on(async { World::new(case).run(case).await })
}

struct World {
    dice: Dice,
    local: Rc<Local>,
    origins: Vec<Rc<Origin>>,
    clock: Virtual,
    asked: RefCell<Vec<Asked>>,
}

impl World {
    async fn run(self, case: &Case) -> Report {
        let asking = timeout(HOUR, self.ask_all(case));
        tokio::select! {
            biased;
            asked = asking => asked.expect("all requests come to their ends"),
            () = change_moods(&self.origins, &self.dice), if case.moody => {}
            () = self.reload(case), if case.reloads => {}
        }
        // What nobody uses any more goes by itself; what is kept, when the worker is told to end.
        sleep(Duration::from_secs(120)).await;
        self.local.drain();
        sleep(Duration::from_secs(5)).await;
        Report {
            left_over: self.left_over(),
            took_us: self.clock.mono().0,
            asked: self.asked.into_inner(),
            origins: self.origins,
        }
    }

    async fn ask_all(&self, case: &Case) {
        let connections = Connections::new(&self.local);
        let connect = || connections.open(&self.dice);
        let client = Client { dice: &self.dice, connect: &connect, patient: case.patient };
        let tell = |asked| self.asked.borrow_mut().push(asked);
        let asking = (0..case.clients).map(|at| {
            let ids = at * case.requests..(at + 1) * case.requests;
            Box::pin(client.ask_all(ids, &tell)) as Asking<'_>
        });
        all(asking.collect()).await;
    }

    /// Puts another upstream in the place of the one of now, again and again: what it goes through it inherits.
    async fn reload(&self, case: &Case) {
        loop {
            sleep(Duration::from_millis(self.dice.below(3_000) as u64)).await;
            let (shared, plan) = (&self.local.shared, self.local.plan());
            let old = plan.snapshot.upstreams[0].as_ref().unwrap();
            let mut next = case.snapshot(&shared.metrics);
            let made = Upstream::new(old.plan.clone(), Arc::clone(&old.state), &shared.metrics);
            made.serve(old.serving.load().set.endpoints().to_vec(), &shared.metrics);
            next.upstreams[0] = Some(Arc::new(made));
            next.generation = plan.snapshot.generation + 1;
            shared.snapshot.publish(Arc::new(next));
        }
    }

    fn left_over(&self) -> Vec<String> {
        let plan = self.local.plan();
        let upstream = plan.snapshot.upstreams[0].as_ref().unwrap();
        let serving = upstream.serving.load();
        let of_endpoint = |endpoint: &Endpoint| {
            let (requests, connections) =
                (endpoint.state.in_flight(), endpoint.state.connections());
            let is_over = requests == 0 && connections == 0;
            (!is_over).then(|| {
                format!("{}: {requests} requests, {connections} connections", endpoint.name)
            })
        };
        let mut left: Vec<_> = serving.set.endpoints().iter().filter_map(of_endpoint).collect();
        let (waiting, running) =
            (upstream.state.queue.waiting(), upstream.state.gradient.in_flight());
        if waiting + running > 0 {
            left.push(format!("{waiting} wait, {running} under way"));
        }
        let text = self.local.shared.metrics.render(Exposition::accepted(""));
        let gauges = text.lines().filter(|line| line.contains("_in_flight"));
        left.extend(
            gauges
                .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"))
                .map(str::to_owned),
        );
        left
    }
}

impl World {
    fn new(case: &Case) -> Self {
        let dice = Dice::of(case.seed);
        let origins: Vec<_> = case.moods.iter().map(|_| Origin::new(&dice)).collect();
        origins.iter().zip(&case.moods).for_each(|(origin, mood)| origin.mood.set(*mood));
        let clock = Virtual(Instant::now());
        let worker = Worker::with_clock(WorkerId(0), Box::new(clock), Rng::seeded(case.seed));
        let metrics = Arc::new(Registry::new(Options::new("0", Wall(0))));
        let shared = Shared {
            snapshot: Published::new(Arc::new(case.snapshot(&metrics))),
            metrics,
            directory: Arc::default(),
            loads: Loads::new(1),
            clients: Default::default(),
        };
        let network = Box::new(Origins(origins.clone()));
        let local = Local::over(network, worker.clone(), Arc::new(shared), None);
        worker.spawn(worker.clone().run_timers());
        let sweeping = Rc::clone(&local);
        worker.spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                sweeping.sweep();
            }
        });
        Self { dice, local, origins, clock, asked: RefCell::default() }
    }
}

/// Time that passes when everybody waits.
#[derive(Clone, Copy)]
struct Virtual(Instant);

impl Clock for Virtual {
    fn mono(&self) -> Mono {
        Mono(1).after(self.0.elapsed())
    }

    fn wall(&self) -> Wall {
        Wall(self.mono().0)
    }
}

/// What serves the connections of clients.
struct Connections {
    open: Box<dyn Fn(&Dice) -> End>,
}

impl Connections {
    fn new(local: &Rc<Local>) -> Self {
        Self { open: opener(local, h1::serve_active) }
    }

    fn open(&self, dice: &Dice) -> End {
        (self.open)(dice)
    }
}

fn opener<F, M>(local: &Rc<Local>, active: M) -> Box<dyn Fn(&Dice) -> End>
where
    F: Future<Output = Option<Box<h1::Conn>>> + 'static,
    M: Fn(Box<h1::Conn>) -> F + Copy + 'static,
{
    let (local, memory) = (Rc::clone(local), Rc::new(Recycled::new()));
    let gate = local.open_gate(ListenerId(0));
    Box::new(move |dice| {
        let (near, far) = wire(dice);
        let plan = local.plan();
        let mut listener = ListenerPlan::clone(plan.snapshot.listener(ListenerId(0)).unwrap());
        listener.timeouts.keep_alive = Duration::from_secs(3);
        let (gate, own) = (Rc::clone(&gate), Rc::clone(&local));
        let opening = Opening::new(io(far), Arc::new(listener), gate, own);
        local.worker.spawn(h1::serve(h1::Conn::new(opening, None), Rc::clone(&memory), active));
        near
    })
}

/// Puts endpoints into other moods now and then.
async fn change_moods(origins: &[Rc<Origin>], dice: &Dice) {
    loop {
        sleep(Duration::from_millis(dice.below(2_000) as u64)).await;
        let origin = &origins[dice.below(origins.len())];
        let mood = if dice.chance(0.4) { Mood::Good } else { dice.one_of(Mood::ALL) };
        origin.mood.set(mood);
    }
}

type Asking<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs all of them to their ends.
async fn all(mut running: Vec<Asking<'_>>) {
    std::future::poll_fn(|cx| {
        running.retain_mut(|asking| asking.as_mut().poll(cx).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

const BALANCERS: &[&str] = &["round_robin", "random", "least_requests", "p2c", "ewma"];
const OUTLIER: OutlierPlan = OutlierPlan {
    consecutive_5xx: 3,
    consecutive_failures: 3,
    eject_for: Duration::from_secs(1),
    eject_for_max: Duration::from_secs(10),
    max_ejected: 0.5,
    panic: 0.3,
    window: None,
};
const BREAKER: BreakerRule = BreakerRule {
    error_rate: 0.5,
    over: Duration::from_secs(5),
    open_for: Duration::from_secs(1),
    min_requests: 5,
    probes: 2,
};
const GRADIENT: GradientRule = GradientRule {
    min: 1,
    max: 8,
    tolerance: 1.5,
    window: Duration::from_millis(500),
    measure_every: Duration::from_secs(5),
};
/// Longer than anything takes.
const HOUR: Duration = Duration::from_secs(3600);
