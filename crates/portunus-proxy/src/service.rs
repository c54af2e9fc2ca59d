//! The running data path, as control sees it: workers, and what they are told.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_base::{ListenerId, WorkerId};
use portunus_identity::Directory;
use portunus_net::{ListenSocket, Listener, Socket, UdpListenSocket, UdpListener};
use portunus_snapshot::Snapshot;
use portunus_telemetry::{LogHandle, LogWriter, Registry};
use portunus_worker::{Outbox, Published, Worker, WorkerThread, spawn_worker};
use tokio::sync::oneshot;

use crate::clients::Clients;
use crate::load::Loads;
use crate::local::{Local, Shared};
use crate::serve::{self, Peers, TakeSocket};
use crate::udp;

/// How the data path is started.
pub struct ServiceOptions {
    /// How many workers.
    pub workers: usize,
    /// Each worker keeps to a core of its own.
    pub pin: bool,
    /// Where metrics go.
    pub metrics: Arc<Registry>,
    /// Consumers and their credentials, for filters.
    pub directory: Arc<Directory>,
    /// The first plan.
    pub snapshot: Arc<Snapshot>,
    /// Where access-log lines go; None when there is no access log.
    pub log: Option<Arc<LogWriter>>,
}

/// The running data path.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    workers: Vec<WorkerThread>,
    stops: Vec<oneshot::Sender<()>>,
}

/// Tells the workers whether there is memory for new requests.
#[derive(Clone, Debug)]
pub struct MemorySwitch {
    shared: Arc<Shared>,
}

impl MemorySwitch {
    /// While the process holds as much memory as it may, new requests are refused.
    pub fn set(&self, is_full: bool) {
        self.shared.loads.set_memory_full(is_full);
    }
}

/// Asks the workers whether they are well.
#[derive(Clone, Debug)]
pub struct Pulse {
    outboxes: Vec<Outbox>,
}

impl Pulse {
    /// Waits until each worker has answered; false when one is gone. Does not end while one hangs.
    pub async fn beat(&self) -> bool {
        for outbox in &self.outboxes {
            let (answer, answered) = oneshot::channel();
            let say = move || {
                // Who asked may have given up.
                let _ = answer.send(());
            };
            outbox.deliver(Box::new(say)).await;
            if answered.await.is_err() {
                return false;
            }
        }
        true
    }
}

thread_local! {
    /// The worker of this thread: commands of control find it here.
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

struct Here {
    local: Rc<Local>,
    takers: Vec<(ListenerId, Rc<dyn TakeSocket>)>,
}

impl Here {
    fn taker(&self, listener: ListenerId) -> Option<Rc<dyn TakeSocket>> {
        self.takers.iter().find(|(id, _)| *id == listener).map(|(_, taker)| Rc::clone(taker))
    }
}

impl Service {
    /// Starts the workers. Nothing listens yet.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn start(options: ServiceOptions) -> io::Result<Self> {
        let count = options.workers.max(1);
        let shared = Arc::new(Shared {
            snapshot: Published::new(options.snapshot),
            metrics: options.metrics,
            directory: options.directory,
            loads: Loads::new(count),
            clients: Clients::default(),
        });
        let mut service = Self { shared, workers: Vec::new(), stops: Vec::new() };
        for index in 0..count {
            let (stop, stopped) = oneshot::channel();
            let shared = Arc::clone(&service.shared);
            let log = options.log.as_ref().map(|log| log.handle());
            let core = options.pin.then_some(index);
            let main = move |worker| worker_main(worker, shared, log, stopped);
            service.workers.push(spawn_worker(WorkerId(index as u16), core, main)?);
            service.stops.push(stop);
        }
        Ok(service)
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Gives the workers another plan; each follows at its next request.
    pub async fn publish(&self, snapshot: Arc<Snapshot>) {
        self.shared.snapshot.publish(snapshot);
    }

    /// Accepts connections of a listener: one socket a worker, and more where there are more.
    pub async fn listen(&self, listener: ListenerId, sockets: Vec<ListenSocket>) {
        // Every worker can take connections before the first one hands any over.
        self.tell(move || open(listener)).await;
        let outboxes: Vec<Outbox> = self.workers.iter().map(|w| w.outbox.clone()).collect();
        for (worker, socket) in self.workers.iter().cycle().zip(sockets) {
            let outboxes = outboxes.clone();
            let command = Box::new(move || listen(listener, socket, outboxes));
            worker.outbox.deliver(command).await;
        }
    }

    /// Receives packets of a listener: one socket a worker, and more or fewer where there are so many.
    pub async fn listen_udp(&self, listener: ListenerId, sockets: Vec<UdpListenSocket>) {
        for (worker, socket) in self.workers.iter().cycle().zip(sockets) {
            worker.outbox.deliver(Box::new(move || listen_udp(listener, socket))).await;
        }
    }

    /// Closes a listener; its connections finish their exchange and close.
    pub async fn unlisten(&self, listener: ListenerId) {
        let close = move || {
            with_here(|here| {
                here.takers.retain(|(id, _)| *id != listener);
                here.local.close_gate(listener);
            });
        };
        self.tell(close).await;
    }

    /// Closes all listeners and idle connections; running exchanges finish.
    pub async fn drain(&self) {
        self.tell(|| {
            with_here(|here| {
                here.takers.clear();
                here.local.drain();
            });
        })
        .await;
    }

    /// Goes on accepting, but keeps no connection of HTTP/1 beyond its next answer.
    pub async fn step_back(&self) {
        self.tell(|| with_here(|here| here.local.step_back())).await;
    }

    /// Closes all listeners for a process that has taken them over, and waits until nothing more is accepted here.
    /// Idle connections may send one more request; [`Service::drain`] closes them.
    pub async fn retire(&self) {
        self.tell(|| with_here(|here| here.local.retire())).await;
        let pulse = self.pulse();
        // With the first beat nobody accepts any more; with the second, what was given to other workers is counted.
        pulse.beat().await;
        pulse.beat().await;
    }

    /// Ends what would run on for ever, in the terms of its protocol: WebSockets get a close frame.
    pub async fn farewell(&self) {
        self.tell(|| with_here(|here| here.local.leave())).await;
    }

    /// What tells the workers whether there is memory for new requests.
    #[must_use]
    pub fn memory_switch(&self) -> MemorySwitch {
        MemorySwitch { shared: Arc::clone(&self.shared) }
    }

    /// Open connections of clients.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.loads.connections()
    }

    /// Exchanges under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.loads.in_flight()
    }

    /// What tells whether the workers are well.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse { outboxes: self.workers.iter().map(|worker| worker.outbox.clone()).collect() }
    }

    /// Ends the workers now, whatever they are doing, and waits for them.
    pub fn stop(self) {
        drop(self.stops);
        for worker in self.workers {
            // A worker that panicked has ended too.
            let _ = worker.thread.join();
        }
    }

    async fn tell(&self, command: impl Fn() + Clone + Send + 'static) {
        for worker in &self.workers {
            worker.outbox.deliver(Box::new(command.clone())).await;
        }
    }
}

async fn worker_main(
    worker: Worker,
    shared: Arc<Shared>,
    log: Option<LogHandle>,
    stopped: oneshot::Receiver<()>,
) {
    let local = Local::new(worker.clone(), shared, log);
    HERE.set(Some(Here { local: Rc::clone(&local), takers: Vec::new() }));
    worker.spawn(tick(Rc::clone(&local)));
    // An error means that control is gone, which ends the worker as well.
    let _ = stopped.await;
    local.drain();
    local.tick();
    HERE.set(None);
}

async fn tick(local: Rc<Local>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for count in 1u64.. {
        interval.tick().await;
        local.tick();
        if count.is_multiple_of(TICKS_A_SWEEP) {
            local.sweep();
        }
    }
}

/// Prepares the worker for connections of a listener.
fn open(listener: ListenerId) {
    with_here(|here| {
        let taker = serve::taker(&here.local, listener);
        here.takers.push((listener, taker));
    });
}

fn listen(listener: ListenerId, socket: ListenSocket, outboxes: Vec<Outbox>) {
    with_here(|here| {
        let Ok(accepting) = Listener::adopt(socket) else { return };
        let Some(taker) = here.taker(listener) else { return };
        let local = Rc::clone(&here.local);
        let peers = Peers::new(outboxes);
        let hand_over = move |outbox: &Outbox, socket| hand_over(outbox, listener, socket);
        let task = serve::accept(local, accepting, taker, peers, hand_over);
        here.local.worker.clone().spawn(task);
    });
}

fn listen_udp(listener: ListenerId, socket: UdpListenSocket) {
    with_here(|here| {
        let Ok(socket) = UdpListener::adopt(socket) else { return };
        let local = Rc::clone(&here.local);
        let gate = local.open_gate(listener);
        here.local.worker.spawn(udp::serve(local, listener, gate, socket));
    });
}

/// Gives a socket to another worker, which serves it as if it had accepted it.
fn hand_over(outbox: &Outbox, listener: ListenerId, socket: Socket) -> Result<(), Socket> {
    match outbox.reserve() {
        Some(slot) => {
            slot.send(Box::new(move || take(listener, socket)));
            Ok(())
        }
        None => Err(socket),
    }
}

fn take(listener: ListenerId, socket: Socket) {
    with_here(|here| {
        if let Some(taker) = here.taker(listener) {
            taker.take(socket);
        }
    });
}

fn with_here(act: impl FnOnce(&mut Here)) {
    HERE.with_borrow_mut(|here| {
        if let Some(here) = here {
            act(here);
        }
    });
}

/// How often the access log is handed over.
const TICK: Duration = Duration::from_millis(100);
/// Pools are swept about once a second.
const TICKS_A_SWEEP: u64 = 10;
