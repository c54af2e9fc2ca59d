//! What the data path keeps on one worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use portunus_balance::Tried;
use portunus_base::{ListenerId, RouteId, UpstreamId};
use portunus_exchange::Exchange;
use portunus_filter::{FilterCx, Locals};
use portunus_identity::Directory;
use portunus_net::{Buffers, Pipes};
use portunus_snapshot::Snapshot;
use portunus_telemetry::{LogHandle, ReasonId, Registry, Shard, TimeCache};
use portunus_tls::HandshakeGate;
use portunus_upstream::{Picked, Pools, Upstream, UpstreamLocal};
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
    draining: Cell<bool>,
    leaving: Cell<bool>,
    gates: RefCell<Vec<(ListenerId, Rc<Gate>)>>,
}

/// A worker's copy of the snapshot, with what must be as cheap to clone as a number.
pub(crate) struct Plan {
    pub(crate) snapshot: Arc<Snapshot>,
    route_names: RefCell<HashMap<RouteId, Rc<str>>>,
}

/// An upstream on this worker, and how many tries beyond the first it may still cost.
struct Entry {
    local: UpstreamLocal,
    retries_left: f64,
}

/// An exchange that counts as under way.
pub(crate) struct Running<'l>(&'l Local);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.count(0, -1);
    }
}

/// Open while its listener is wanted.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: Cell<bool>,
    pub(crate) closing: tokio::sync::Notify,
}

impl Local {
    pub(crate) fn new(worker: Worker, shared: Arc<Shared>, log: Option<LogHandle>) -> Rc<Self> {
        let plan = Followed::new(&shared.snapshot, Plan::adopt);
        let reasons = reply::reasons().map(|row| (row.code, shared.metrics.reason(row.code)));
        Rc::new(Self {
            shard: shared.metrics.shard(worker.id()),
            buffers: Buffers::default(),
            handshakes: HandshakeGate::default(),
            pipes: Pipes::default(),
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
            draining: Cell::new(false),
            leaving: Cell::new(false),
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

    /// Chooses an endpoint of an upstream, and says whether its endpoints are known at all.
    pub(crate) fn pick(
        &self,
        upstream: &Arc<Upstream>,
        key: Option<u64>,
        tried: &Tried,
    ) -> (Option<Picked>, bool) {
        self.with_upstream(upstream, |entry| {
            let now = self.worker.now();
            let picked = self.worker.random(|rng| entry.local.pick(key, now, rng, tried));
            let resolved = picked.is_some() || entry.local.resolved();
            (picked, resolved)
        })
    }

    /// The upstream's name; counts one request into its budget of retries.
    pub(crate) fn enter_upstream(&self, upstream: &Arc<Upstream>, budget: f64) -> Rc<str> {
        self.with_upstream(upstream, |entry| {
            entry.retries_left = (entry.retries_left + budget).min(RETRIES_SAVED_MAX);
            Rc::clone(&entry.local.name)
        })
    }

    /// Takes one retry out of the upstream's budget; false when it is used up.
    pub(crate) fn spend_retry(&self, upstream: &Arc<Upstream>) -> bool {
        self.with_upstream(upstream, |entry| {
            let affordable = entry.retries_left >= 1.0;
            if affordable {
                entry.retries_left -= 1.0;
            }
            affordable
        })
    }

    fn with_upstream<R>(&self, upstream: &Arc<Upstream>, act: impl FnOnce(&mut Entry) -> R) -> R {
        let UpstreamId(index) = upstream.plan.id;
        let index = index as usize;
        let mut upstreams = self.upstreams.borrow_mut();
        if upstreams.len() <= index {
            upstreams.resize_with(index + 1, || None);
        }
        match upstreams.get_mut(index) {
            Some(Some(entry)) if Arc::ptr_eq(&entry.local.upstream, upstream) => act(entry),
            Some(place) => act(place.insert(Entry::new(upstream))),
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

    /// Counts an exchange for as long as the result lives.
    pub(crate) fn running(&self) -> Running<'_> {
        self.count(0, 1);
        Running(self)
    }

    /// The worker takes no new work.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
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

    /// What is done about once a tenth of a second: log lines of a quiet worker appear in time.
    pub(crate) fn tick(&self) {
        if let Some(log) = self.log.borrow_mut().as_mut() {
            log.flush();
        }
    }

    /// What is done about once a second.
    pub(crate) fn sweep(&self) {
        self.pools.sweep(self.worker.refresh());
        self.buffers.trim();
        let spare = self.exchanges.borrow().len() / 2;
        self.exchanges.borrow_mut().truncate(spare.max(EXCHANGES_KEPT));
        // Picks up a new snapshot on a quiet worker, so that the old one is freed.
        let plan = self.plan();
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
    fn new(upstream: &Arc<Upstream>) -> Self {
        let local = UpstreamLocal::new(Arc::clone(upstream));
        Self { local, retries_left: RETRIES_AT_START }
    }
}

/// The most unused exchanges that are kept.
const EXCHANGES_MAX: usize = 256;
/// How many of them a quiet time leaves.
const EXCHANGES_KEPT: usize = 16;
/// Tries beyond the first that an upstream may cost before its requests have paid for any.
const RETRIES_AT_START: f64 = 10.0;
/// The most retries that quiet times save up.
const RETRIES_SAVED_MAX: f64 = 100.0;
