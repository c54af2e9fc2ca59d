//! The accept loop of one listener on one worker.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_base::ListenerId;
use portunus_net::{Io, Listener, Socket};
use portunus_snapshot::ListenerPlan;
use portunus_worker::Outbox;

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
        active: h1::serve_active,
    })
}

/// Serves one socket.
pub(crate) trait TakeSocket {
    /// Starts serving it.
    fn take(&self, socket: Socket);
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
        local.shard.connection_accepted(listener.series);
        let open = Open::new(&local, &listener, &self.open);
        let (gate, memory, active) = (Rc::clone(&self.gate), Rc::clone(&self.memory), self.active);
        let streams = Rc::clone(&self.streams);
        local.worker.clone().spawn(async move {
            // What a connection begins with is over soon: its memory is not the connection's.
            let begun = Box::pin(begin(Rc::clone(&open.local), listener, gate, socket)).await;
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

    fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }
}

/// A connection that counts as open.
struct Open {
    local: Rc<Local>,
    listener: Arc<ListenerPlan>,
    open: Rc<Cell<usize>>,
}

impl Open {
    fn new(local: &Rc<Local>, listener: &Arc<ListenerPlan>, open: &Rc<Cell<usize>>) -> Self {
        local.count(1, 0);
        open.set(open.get() + 1);
        Self { local: Rc::clone(local), listener: Arc::clone(listener), open: Rc::clone(open) }
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

async fn begin(
    local: Rc<Local>,
    listener: Arc<ListenerPlan>,
    gate: Rc<Gate>,
    socket: Socket,
) -> Option<Begun> {
    let io = Io::adopt(socket).ok()?;
    let opening = Opening::new(io, Arc::clone(&listener), gate, Rc::clone(&local));
    let peer = opening.facts.peer;
    match detect(opening).await {
        Ok((opening, Spoken::H1)) => Some(Begun::H1(h1::Conn::new(opening, None))),
        Ok((opening, Spoken::H2)) => Some(Begun::H2(Box::new(opening))),
        Ok((opening, Spoken::Unserved(why))) => Some(Begun::H1(h1::Conn::new(opening, Some(why)))),
        Ok((opening, Spoken::Relayed(relayed))) => {
            Some(Begun::Relayed(Box::new((opening, relayed))))
        }
        Err(closed) => {
            count_closed(&local, &listener, peer, closed);
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
            local.shard.connection_refused(listener.series);
            local.shard.reply(local.reason(reason));
            reason
        }
        Closed::Handshake(kind) => {
            local.shard.tls_error(listener.series, kind);
            kind
        }
    };
    tracing::debug!(listener = &*listener.name, %peer, reason, "a connection was closed");
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
            () = taker.gate().closing.notified() => return,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok(accepted) => accepted.socket,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        let other = local.shared.loads.less_loaded(local.worker.id());
        let other = other.and_then(|worker| peers.outboxes.get(worker.0 as usize));
        let kept = match other {
            Some(outbox) => hand_over(outbox, socket).err(),
            None => Some(socket),
        };
        kept.into_iter().for_each(|socket| taker.take(socket));
    }
}

/// Out of file descriptors or memory: trying at once again would only burn the core.
async fn pause(error: &io::Error) {
    let aborted =
        matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted);
    if !aborted {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
