//! What the data path keeps on one worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use portunus_balance::{EndpointState, Tried};
use portunus_base::{ListenerId, Mono, RouteId, UpstreamId};
use portunus_exchange::{ErrorKind, Exchange, ProxyError};
use portunus_filter::{FilterCx, Locals};
use portunus_identity::Directory;
use portunus_net::{Buffers, Network, Pipes, SystemNetwork};
use portunus_resilience::Queue;
use portunus_snapshot::Snapshot;
use portunus_telemetry::{LogHandle, ReasonId, Registry, Shard, TimeCache};
use portunus_tls::HandshakeGate;
use portunus_upstream::{ANY_ENDPOINT, Picked, Pools, Unpicked, Upstream, UpstreamLocal};
use portunus_worker::{Followed, Published, Worker};

use crate::calls::Caller;
use crate::clients::Clients;
use crate::load::Loads;
use crate::reply;

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) snapshot: Published<Snapshot>,
    pub(crate) metrics: Arc<Registry>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) loads: Loads,
    pub(crate) clients: Clients,
}

/// The state of one worker. Never leaves its thread.
pub(crate) struct Local {
    pub(crate) worker: Worker,
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: Arc<Shard>,
    pub(crate) buffers: Buffers,
    pub(crate) handshakes: HandshakeGate,
    pub(crate) pipes: Pipes,
    pub(crate) network: Box<dyn Network>,
    pub(crate) pools: Pools,
    plan: RefCell<Followed<Rc<Plan>>>,
    upstreams: RefCell<Vec<Option<Entry>>>,
    #[expect(clippy::vec_box, reason = "taking and giving one moves a pointer, not the exchange")]
    exchanges: RefCell<Vec<Box<RefCell<Exchange>>>>,
    filters: RefCell<Locals>,
    /// The snapshot after which the state of filters that are gone was freed.
    swept: Cell<u64>,
    log: RefCell<Option<LogHandle>>,
    times: RefCell<TimeCache>,
    reasons: RefCell<HashMap<&'static str, ReasonId>>,
    connections: Cell<usize>,
    in_flight: Cell<usize>,
    retiring: Cell<bool>,
    stepping_back: Cell<bool>,
    draining: Cell<bool>,
    leaving: Cell<bool>,
    /// Idle connections are to be closed.
    sheds_idle: Cell<bool>,
    /// How many times there were no file descriptors left, as far as this worker knows.
    shortages: Cell<u64>,
    /// Those in which a request of this worker has waited of late.
    queues: RefCell<Vec<Arc<Queue>>>,
    gates: RefCell<Vec<(ListenerId, Rc<Gate>)>>,
}

/// A worker's copy of the snapshot, with what must be as cheap to clone as a number.
pub(crate) struct Plan {
    pub(crate) snapshot: Arc<Snapshot>,
    route_names: RefCell<HashMap<RouteId, Rc<str>>>,
}

/// An upstream on this worker, and how many tries beyond the first it may still cost. A reload changes the upstream,
/// not what its requests have paid for.
struct Entry {
    /// The upstream as exchanges under way know it: that of now, and for a while those from before reloads.
    views: Vec<View>,
    retries_left: f64,
}

struct View {
    local: UpstreamLocal,
    /// Since the last sweep.
    used: bool,
}

/// An exchange that counts as under way.
pub(crate) struct Running<'l> {
    local: &'l Local,
    gate: &'l Gate,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.local.count(0, -1);
        self.gate.running.set(self.gate.running.get().saturating_sub(1));
    }
}

/// Open while its listener is wanted.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: Cell<bool>,
    /// Exchanges of the listener that are under way on this worker.
    running: Cell<usize>,
    pub(crate) closing: tokio::sync::Notify,
}

impl Local {
    pub(crate) fn new(worker: Worker, shared: Arc<Shared>, log: Option<LogHandle>) -> Rc<Self> {
        Self::over(Box::new(SystemNetwork), worker, shared, log)
    }

    /// A worker whose upstreams are behind another network.
    pub(crate) fn over(
        network: Box<dyn Network>,
        worker: Worker,
        shared: Arc<Shared>,
        log: Option<LogHandle>,
    ) -> Rc<Self> {
        let plan = Followed::new(&shared.snapshot, Plan::adopt);
        let reasons = reply::reasons().map(|row| (row.code, shared.metrics.reason(row.code)));
        Rc::new(Self {
            shard: shared.metrics.shard(worker.id()),
            buffers: Buffers::default(),
            handshakes: HandshakeGate::default(),
            pipes: Pipes::default(),
            network,
            pools: Pools::default(),
            plan: RefCell::new(plan),
            upstreams: RefCell::default(),
            exchanges: RefCell::default(),
            filters: RefCell::default(),
            swept: Cell::new(0),
            log: RefCell::new(log),
            times: RefCell::default(),
            reasons: RefCell::new(reasons.collect()),
            connections: Cell::new(0),
            in_flight: Cell::new(0),
            retiring: Cell::new(false),
            stepping_back: Cell::new(false),
            draining: Cell::new(false),
            leaving: Cell::new(false),
            sheds_idle: Cell::new(false),
            shortages: Cell::new(0),
            queues: RefCell::default(),
            gates: RefCell::default(),
            worker,
            shared,
        })
    }

    /// The plan of now; an exchange keeps the one that it began with.
    pub(crate) fn plan(&self) -> Rc<Plan> {
        Rc::clone(self.plan.borrow_mut().current(&self.shared.snapshot, Plan::adopt))
    }

    /// Memory for one exchange.
    pub(crate) fn take_exchange(&self) -> Box<RefCell<Exchange>> {
        self.exchanges.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_exchange(&self, exchange: Box<RefCell<Exchange>>) {
        exchange.borrow_mut().clear();
        let mut free = self.exchanges.borrow_mut();
        if free.len() < EXCHANGES_MAX {
            free.push(exchange);
        }
    }

    /// Calls a filter's hook.
    pub(crate) fn hook<R>(self: &Rc<Self>, call: impl FnOnce(&mut FilterCx<'_>) -> R) -> R {
        let caller = Caller::new(self);
        let mut locals = self.filters.borrow_mut();
        self.worker.random(|rng| {
            call(&mut FilterCx {
                now: self.worker.now(),
                wall: self.worker.wall(),
                rng,
                locals: &mut locals,
                calls: &caller,
                directory: &self.shared.directory,
                shard: &self.shard,
                offline: false,
                notes: None,
            })
        })
    }

    /// Chooses an endpoint of an upstream, where `room` is given one that has room by it.
    pub(crate) fn pick(
        &self,
        upstream: &Arc<Upstream>,
        key: Option<u64>,
        tried: &Tried,
        room: Option<&dyn Fn(&EndpointState) -> bool>,
    ) -> Result<Picked, ProxyError> {
        let picked = self.with_upstream(upstream, |local, _| {
            let now = self.worker.now();
            self.worker.random(|rng| local.pick(key, now, rng, tried, room))
        });
        picked.map_err(|why| {
            ProxyError::local(match why {
                Unpicked::Unresolved => ErrorKind::Unresolved,
                Unpicked::Unusable => ErrorKind::NoEndpoint,
                Unpicked::Full => ErrorKind::UpstreamBusy,
            })
        })
    }

    /// How much room `room` finds at all usable endpoints of an upstream together.
    pub(crate) fn room(
        &self,
        upstream: &Arc<Upstream>,
        room: impl Fn(&EndpointState) -> u32,
    ) -> u32 {
        self.with_upstream(upstream, |local, _| local.room(self.worker.now(), room))
    }

    /// Looks after a queue for as long as somebody waits in it.
    pub(crate) fn watch(&self, queue: &Arc<Queue>) {
        let mut queues = self.queues.borrow_mut();
        if !queues.iter().any(|known| Arc::ptr_eq(known, queue)) {
            queues.push(Arc::clone(queue));
        }
    }

    /// The endpoint that a client's cookie means by this mark.
    pub(crate) fn marked(&self, upstream: &Arc<Upstream>, mark: &[u8]) -> Option<Picked> {
        self.with_upstream(upstream, |local, _| local.marked(mark))
    }

    /// The endpoint whose state has this key.
    pub(crate) fn keyed(&self, upstream: &Arc<Upstream>, key: u32) -> Option<Picked> {
        self.with_upstream(upstream, |local, _| local.keyed(key))
    }

    /// The upstream's name; counts one request into its budget of retries.
    pub(crate) fn enter_upstream(&self, upstream: &Arc<Upstream>, budget: f64) -> Rc<str> {
        self.with_upstream(upstream, |local, retries_left| {
            *retries_left = (*retries_left + budget).min(RETRIES_SAVED_MAX);
            Rc::clone(&local.name)
        })
    }

    /// Takes one retry out of the upstream's budget; false when it is used up.
    pub(crate) fn spend_retry(&self, upstream: &Arc<Upstream>) -> bool {
        self.with_upstream(upstream, |_, retries_left| {
            let affordable = *retries_left >= 1.0;
            if affordable {
                *retries_left -= 1.0;
            }
            affordable
        })
    }

    /// True when [`Local::spend_retry`] would.
    pub(crate) fn affords_retry(&self, upstream: &Arc<Upstream>) -> bool {
        self.with_upstream(upstream, |_, retries_left| *retries_left >= 1.0)
    }

    fn with_upstream<R>(
        &self,
        upstream: &Arc<Upstream>,
        act: impl FnOnce(&mut UpstreamLocal, &mut f64) -> R,
    ) -> R {
        let UpstreamId(index) = upstream.plan.id;
        let index = index as usize;
        let mut upstreams = self.upstreams.borrow_mut();
        if upstreams.len() <= index {
            upstreams.resize_with(index + 1, || None);
        }
        match upstreams.get_mut(index) {
            Some(place) => {
                let Entry { views, retries_left } = place.get_or_insert_with(Entry::new);
                act(&mut View::of(views, upstream).local, retries_left)
            }
            None => unreachable!("the table was just grown past {index}"),
        }
    }

    /// Appends a line to the access log, if there is one.
    pub(crate) fn log(&self, write: impl FnOnce(&mut TimeCache, &mut Vec<u8>)) {
        if let Some(log) = self.log.borrow_mut().as_mut() {
            let mut times = self.times.borrow_mut();
            log.line(|out| write(&mut times, out));
        }
    }

    /// True where there is an access log to write to.
    pub(crate) fn logs(&self) -> bool {
        self.log.borrow().is_some()
    }

    /// The metric id of a reason code.
    pub(crate) fn reason(&self, code: &'static str) -> ReasonId {
        let mut reasons = self.reasons.borrow_mut();
        *reasons.entry(code).or_insert_with(|| self.shared.metrics.reason(code))
    }

    /// Counts a connection or exchange that began or ended.
    pub(crate) fn count(&self, connections: isize, in_flight: isize) {
        self.connections.set(self.connections.get().saturating_add_signed(connections));
        self.in_flight.set(self.in_flight.get().saturating_add_signed(in_flight));
        let (open, running) = (self.connections.get(), self.in_flight.get());
        self.shared.loads.set(self.worker.id(), open, running);
    }

    /// Counts an exchange of a listener for as long as the result lives.
    pub(crate) fn running<'l>(&'l self, gate: &'l Gate) -> Running<'l> {
        self.count(0, 1);
        gate.running.set(gate.running.get() + 1);
        Running { local: self, gate }
    }

    /// Exchanges of a listener that are under way on this worker.
    pub(crate) fn running_of(&self, listener: ListenerId) -> usize {
        let gates = self.gates.borrow();
        let gate = gates.iter().find(|(id, _)| *id == listener);
        gate.map_or(0, |(_, gate)| gate.running.get())
    }

    /// There are no file descriptors left: gives up what is unused here, and asks all workers for more.
    pub(crate) fn give_up_idle(&self) {
        self.shared.loads.fall_short();
        self.pools.close();
    }

    /// A connection that is idle since then is to be closed: its file descriptor, or its memory, is needed elsewhere.
    pub(crate) fn sheds_idle(&self, idle_since: Mono) -> bool {
        self.sheds_idle.get() && self.worker.now().since_us(idle_since) >= SPARED_US
    }

    /// The worker soon takes no new work: clients are to go elsewhere.
    pub(crate) fn step_back(&self) {
        self.stepping_back.set(true);
    }

    /// Whether connections of clients stay beyond their next answer.
    pub(crate) fn keeps_clients(&self) -> bool {
        !self.stepping_back.get() && !self.draining.get()
    }

    /// The worker takes no new work.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Another process accepts, and idle connections may send one more request here.
    pub(crate) fn is_retiring(&self) -> bool {
        self.retiring.get()
    }

    /// Closes all listeners. Each connection is told with its next answer that this was the last one, so that no
    /// request meets a connection that is being closed.
    pub(crate) fn retire(&self) {
        self.retiring.set(true);
        self.gates.borrow().iter().for_each(|(_, gate)| gate.close());
        self.worker.timers().wake_all();
    }

    /// Closes all listeners and idle connections.
    pub(crate) fn drain(&self) {
        self.draining.set(true);
        for (_, gate) in self.gates.borrow_mut().drain(..) {
            gate.close();
        }
        self.pools.close();
        self.worker.timers().wake_all();
    }

    /// The worker is about to end.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.get()
    }

    /// Makes tunnels end in the terms of their protocol.
    pub(crate) fn leave(&self) {
        self.leaving.set(true);
        self.worker.timers().wake_all();
    }

    pub(crate) fn open_gate(&self, listener: ListenerId) -> Rc<Gate> {
        let gate = Rc::new(Gate::default());
        self.gates.borrow_mut().push((listener, Rc::clone(&gate)));
        gate
    }

    /// Stops listening, and closes the listener's idle connections.
    pub(crate) fn close_gate(&self, listener: ListenerId) {
        self.gates.borrow_mut().retain(|(id, gate)| {
            if *id == listener {
                gate.close();
            }
            *id != listener
        });
        self.worker.timers().wake_all();
    }

    /// What is done about once a tenth of a second: log lines of a quiet worker appear in time, and what is short is
    /// given up.
    pub(crate) fn tick(&self) {
        if let Some(log) = self.log.borrow_mut().as_mut() {
            log.flush();
        }
        let shortages = self.shared.loads.shortages();
        let is_memory_full = self.shared.loads.is_memory_full();
        let lacks_files = self.shortages.replace(shortages) != shortages;
        self.sheds_idle.set(lacks_files || is_memory_full);
        if self.sheds_idle.get() {
            self.worker.refresh();
            self.pools.close();
            self.worker.timers().wake_all();
        }
        if is_memory_full {
            self.buffers.clear();
            self.exchanges.borrow_mut().clear();
        }
    }

    /// What is done about once a second.
    pub(crate) fn sweep(&self) {
        self.pools.sweep(self.worker.refresh());
        // Room may have come about without anything ending: an endpoint is well again, an ejection is over.
        self.queues.borrow_mut().retain(|queue| {
            queue.call(ANY_ENDPOINT);
            queue.waiting() > 0
        });
        self.buffers.trim();
        let spare = self.exchanges.borrow().len() / 2;
        self.exchanges.borrow_mut().truncate(spare.max(EXCHANGES_KEPT));
        // Picks up a new snapshot on a quiet worker, so that the old one is freed.
        let plan = self.plan();
        for (id, entry) in (0..).zip(self.upstreams.borrow_mut().iter_mut()) {
            let now = plan.snapshot.upstream(UpstreamId(id));
            entry.iter_mut().for_each(|entry| entry.sweep(now));
        }
        let generation = plan.snapshot.generation;
        if self.swept.replace(generation) != generation {
            self.filters.borrow_mut().retain(&plan.snapshot.slots);
        }
    }
}

impl Gate {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn close(&self) {
        self.closed.set(true);
        self.closing.notify_waiters();
    }
}

impl Plan {
    fn adopt(snapshot: Arc<Snapshot>) -> Rc<Self> {
        Rc::new(Self { snapshot, route_names: RefCell::default() })
    }

    /// The route's name, made at its first use on this worker.
    pub(crate) fn route_name(&self, id: RouteId, name: &str) -> Rc<str> {
        let mut names = self.route_names.borrow_mut();
        Rc::clone(names.entry(id).or_insert_with(|| Rc::from(name)))
    }
}

impl Entry {
    fn new() -> Self {
        Self { views: Vec::new(), retries_left: RETRIES_AT_START }
    }

    /// Lets go of views that nobody has used since the last sweep, but for that of now.
    fn sweep(&mut self, now: Option<&Arc<Upstream>>) {
        self.views.retain_mut(|view| {
            let is_now = now.is_some_and(|now| Arc::ptr_eq(now, &view.local.upstream));
            std::mem::take(&mut view.used) || is_now
        });
    }
}

impl View {
    /// The view of an upstream, made where there is none.
    fn of<'v>(views: &'v mut Vec<Self>, upstream: &Arc<Upstream>) -> &'v mut Self {
        let is_it = |view: &Self| Arc::ptr_eq(&view.local.upstream, upstream);
        let place = views.iter().position(is_it).unwrap_or_else(|| {
            views.push(Self { local: UpstreamLocal::new(Arc::clone(upstream)), used: true });
            views.len() - 1
        });
        let Some(view) = views.get_mut(place) else { unreachable!("it was found or just added") };
        view.used = true;
        view
    }
}

/// Connections that are idle for less, in microseconds, are kept though there are no file descriptors.
const SPARED_US: u64 = 1_000_000;
/// The most unused exchanges that are kept.
const EXCHANGES_MAX: usize = 256;
/// How many of them a quiet time leaves.
const EXCHANGES_KEPT: usize = 16;
/// Tries beyond the first that an upstream may cost before its requests have paid for any.
const RETRIES_AT_START: f64 = 10.0;
/// The most retries that quiet times save up.
const RETRIES_SAVED_MAX: f64 = 100.0;
