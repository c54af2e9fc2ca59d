//! The accept loop of one listener on one worker.

use std::cell::{Cell, OnceCell};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_base::{ListenerId, Mono};
use portunus_exchange::ClientFacts;
use portunus_net::{FilesKept, Io, Listener, Socket, is_shortage};
use portunus_resilience::Permit;
use portunus_snapshot::ListenerPlan;
use portunus_worker::Outbox;

use crate::clients::Full;
use crate::detect::{Closed, Opening, Spoken, detect};
use crate::local::{Gate, Local};
use crate::protocol::{h1, h2};
use crate::recycle::Recycled;
use crate::tcp::{self, Relayed};

/// Where a connection of a listener can be served: any worker.
#[derive(Clone)]
pub(crate) struct Peers {
    outboxes: Rc<Vec<Outbox>>,
}

impl Peers {
    pub(crate) fn new(outboxes: Vec<Outbox>) -> Self {
        Self { outboxes: Rc::new(outboxes) }
    }
}

/// Takes connections of a listener: those that this worker accepts, and those that busier ones hand over.
pub(crate) struct Taker<F, M> {
    local: Rc<Local>,
    listener: ListenerId,
    gate: Rc<Gate>,
    memory: Rc<Recycled<F>>,
    streams: Rc<dyn h2::ServeStream>,
    open: Rc<Cell<usize>>,
    /// When a failure to accept was told last.
    told: Cell<Option<Mono>>,
    active: M,
}

/// Makes the taker of a listener; its connections run `h1::serve_active` in recycled memory.
pub(crate) fn taker(local: &Rc<Local>, listener: ListenerId) -> Rc<dyn TakeSocket> {
    Rc::new(Taker {
        local: Rc::clone(local),
        listener,
        gate: local.open_gate(listener),
        memory: Rc::new(Recycled::new()),
        streams: h2::streams(),
        open: Rc::default(),
        told: Cell::default(),
        active: h1::serve_active,
    })
}

/// Serves one socket.
pub(crate) trait TakeSocket {
    /// Starts serving it.
    fn take(&self, socket: Socket);
    /// Counts a connection that could not be accepted, and asks for those that nobody uses.
    fn fail(&self, error: &io::Error);
    /// Open while the listener is wanted.
    fn gate(&self) -> &Rc<Gate>;
}

impl<F, M> TakeSocket for Taker<F, M>
where
    F: Future<Output = Option<Box<h1::Conn>>> + 'static,
    M: Fn(Box<h1::Conn>) -> F + Copy + 'static,
{
    fn take(&self, socket: Socket) {
        let local = Rc::clone(&self.local);
        local.worker.refresh();
        let plan = local.plan();
        let Some(listener) = plan.snapshot.listener(self.listener).cloned() else { return };
        if self.open.get() >= listener.connections_max.unwrap_or(usize::MAX) {
            local.shard.connection_refused(listener.series);
            return;
        }
        let most = plan.snapshot.limits.connections_max;
        if most.is_some_and(|max| local.shared.loads.connections() >= max) {
            return refuse(&local, &listener, "overload.connections");
        }
        let loads = &local.shared.loads;
        if loads.is_memory_full() && loads.connections() >= CONNECTIONS_WHEN_FULL {
            return refuse(&local, &listener, "overload.memory");
        }
        local.shard.connection_accepted(listener.series);
        let open = Open::new(&local, &listener, &self.open);
        let (gate, memory, active) = (Rc::clone(&self.gate), Rc::clone(&self.memory), self.active);
        let streams = Rc::clone(&self.streams);
        local.worker.clone().spawn(async move {
            // What a connection begins with is over soon: its memory is not the connection's.
            let begun = Box::pin(begin(&open, gate, socket)).await;
            match begun {
                Some(Begun::H1(conn)) => h1::serve(conn, memory, active).await,
                Some(Begun::H2(opening)) => Box::pin(h2::serve(*opening, streams)).await,
                Some(Begun::Relayed(taken)) => {
                    let (opening, relayed) = *taken;
                    Box::pin(tcp::serve(opening, relayed)).await;
                }
                None => {}
            }
            drop(open);
        });
    }

    fn fail(&self, error: &io::Error) {
        let plan = self.local.plan();
        let Some(listener) = plan.snapshot.listener(self.listener) else { return };
        self.local.shard.accept_failed(listener.series);
        self.local.give_up_idle();
        let now = self.local.worker.refresh();
        if self.told.get().is_none_or(|told| now.since_us(told) >= TELL_EVERY_US) {
            self.told.set(Some(now));
            let listener = &*listener.name;
            tracing::warn!(listener, %error, "no connections are accepted for a moment");
        }
    }

    fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }
}

/// A connection that counts as open.
struct Open {
    local: Rc<Local>,
    listener: Arc<ListenerPlan>,
    open: Rc<Cell<usize>>,
    /// Counts it as its client's.
    client: OnceCell<Permit>,
}

impl Open {
    fn new(local: &Rc<Local>, listener: &Arc<ListenerPlan>, open: &Rc<Cell<usize>>) -> Self {
        local.count(1, 0);
        open.set(open.get() + 1);
        let (local, listener, open) = (Rc::clone(local), Arc::clone(listener), Rc::clone(open));
        Self { local, listener, open, client: OnceCell::new() }
    }

    /// Counts the connection as its client's, unless that has too many. A trusted proxy stands for many clients, and who
    /// comes through a Unix socket has no address.
    fn enter(&self, client: &ClientFacts) -> Result<(), Closed> {
        let snapshot = &self.local.plan().snapshot;
        let Some(max) = snapshot.limits.client_connections_max else { return Ok(()) };
        let ip = client.peer.ip();
        if ip.is_unspecified() || snapshot.trusted.contains(ip) {
            return Ok(());
        }
        let entered = self.local.shared.clients.enter(ip, max);
        let permit = entered.map_err(|Full| Closed::Refused(CLIENT_FULL))?;
        permit.into_iter().for_each(|permit| _ = self.client.set(permit));
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.set(self.open.get().saturating_sub(1));
        self.local.count(-1, 0);
        self.local.shard.connection_closed(self.listener.series);
    }
}

/// A connection that is about to be served.
enum Begun {
    H1(Box<h1::Conn>),
    H2(Box<Opening>),
    Relayed(Box<(Opening, Relayed)>),
}

async fn begin(open: &Open, gate: Rc<Gate>, socket: Socket) -> Option<Begun> {
    let Open { local, listener, .. } = open;
    let io = Io::adopt(socket).ok()?;
    let opening = Opening::new(io, Arc::clone(listener), gate, Rc::clone(local));
    let peer = opening.facts.peer;
    match detect(opening, |client| open.enter(client)).await {
        Ok((opening, Spoken::H1)) => Some(Begun::H1(h1::Conn::new(opening, None))),
        Ok((opening, Spoken::H2)) => Some(Begun::H2(Box::new(opening))),
        Ok((opening, Spoken::Unserved(why))) => Some(Begun::H1(h1::Conn::new(opening, Some(why)))),
        Ok((opening, Spoken::Relayed(relayed))) => {
            Some(Begun::Relayed(Box::new((opening, relayed))))
        }
        Err(closed) => {
            count_closed(local, listener, peer, closed);
            None
        }
    }
}

/// Counts a connection that was closed before it had a protocol. One line of the log, at a level that is off unless
/// somebody looks for it: strangers must not be able to fill the log.
fn count_closed(local: &Local, listener: &ListenerPlan, peer: SocketAddr, closed: Closed) {
    let reason = match closed {
        Closed::Quietly => return,
        Closed::Refused(reason) => {
            refuse(local, listener, reason);
            reason
        }
        Closed::Handshake(kind) => {
            local.shard.tls_error(listener.series, kind);
            kind
        }
    };
    tracing::debug!(listener = &*listener.name, %peer, reason, "a connection was closed");
}

/// Counts a connection that is not served, and why.
fn refuse(local: &Local, listener: &ListenerPlan, reason: &'static str) {
    local.shard.connection_refused(listener.series);
    local.shard.reply(local.reason(reason));
}

/// Accepts until the listener is closed. `hand_over` gives a socket to another worker; false when it could not.
pub(crate) async fn accept(
    local: Rc<Local>,
    listener: Listener,
    taker: Rc<dyn TakeSocket>,
    peers: Peers,
    hand_over: impl Fn(&Outbox, Socket) -> Result<(), Socket>,
) {
    while !taker.gate().is_closed() {
        let accepted = tokio::select! {
            biased;
            () = taker.gate().closing.notified() => break,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok(accepted) => accepted.socket,
            // It ended before it was accepted, or the network did not carry it (accept(2)).
            Err(error) if !is_shortage(&error) => {
                tracing::debug!(%error, "a connection was not accepted");
                continue;
            }
            Err(error) => {
                // Trying at once again would only burn the core.
                taker.fail(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let is_last = FilesKept::FromClients.holds(socket.as_fd());
        let other = local.shared.loads.less_loaded(local.worker.id());
        let other = other.and_then(|worker| peers.outboxes.get(worker.0 as usize));
        let kept = match other {
            Some(outbox) => hand_over(outbox, socket).err(),
            None => Some(socket),
        };
        kept.into_iter().for_each(|socket| taker.take(socket));
        if is_last {
            let few = io::Error::other("few file descriptors are left");
            taker.fail(&few);
            until_files_are_free(&local, taker.gate()).await;
        }
    }
    // The system has let these in already: to close the listener over them would reset them.
    std::iter::from_fn(|| listener.take_waiting()).for_each(|socket| taker.take(socket));
}

/// Lets nobody in while only those file descriptors are left that clients leave to others.
async fn until_files_are_free(local: &Local, gate: &Gate) {
    while FilesKept::FromClients.holds_next() && !gate.is_closed() {
        local.give_up_idle();
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// While there is no memory left, requests are answered with that as long as no more connections than this are open; then
/// more are closed.
const CONNECTIONS_WHEN_FULL: usize = 1_000;
/// The reason for closing a connection of a client that has too many.
const CLIENT_FULL: &str = "overload.client_connections";
/// Failures to accept are told at most this often.
const TELL_EVERY_US: u64 = 10_000_000;
/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
