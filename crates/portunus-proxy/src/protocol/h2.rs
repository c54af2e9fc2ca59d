//! HTTP/2: a connection becomes exchanges that run beside each other.
//!
//! One task drives the connection, and one small task each stream; the state of a stream's exchange is in recycled
//! memory.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use portunus_base::{Mono, TlsFacts};
use portunus_exchange::{ClientFacts, ErrorKind, Exchange, ProxyError};
use portunus_h1::expects_continue;
use portunus_h2::{Flow, H2Error, H2ErrorKind, H2Fault, Request, Server, ServerOptions};
use portunus_http::HeaderId;
use portunus_net::Io;
use portunus_snapshot::ListenerPlan;
use portunus_upstream::wire::ReadBuffer;

use crate::deadline::Deadline;
use crate::detect::Opening;
use crate::floor::Floor;
use crate::local::{Gate, Local};
use crate::protocol::linger;
use crate::recycle::Recycled;
use crate::run;

mod connect;
mod stream;

use stream::{Bounds, Stream};

/// What the streams of a connection share.
pub(crate) struct Link {
    facts: ClientFacts,
    tls: Option<Rc<TlsFacts>>,
    tlvs: Option<Rc<Vec<u8>>>,
    listener: Arc<ListenerPlan>,
    gate: Rc<Gate>,
    local: Rc<Local>,
    /// Streams that are served now.
    open: Cell<usize>,
    /// When the last of them ended.
    rested: Cell<Mono>,
    /// How long a pause of the client may be at most: that of the stream which allows most.
    idle: Cell<Duration>,
    /// The client took nothing for too long.
    stalled: Cell<bool>,
    /// How the connection's bytes move; known after the handshake.
    flow: OnceCell<Flow>,
    taken: Share,
    received: Share,
    spare: Rc<Spare>,
}

/// What each of the streams has had of the bytes of their connection, if all had the same.
#[derive(Default)]
struct Share {
    /// Bytes of the connection that are shared out.
    seen: Cell<u64>,
    bytes: Cell<u64>,
}

impl Share {
    /// Shares out what is new of `total`, among so many streams.
    fn of(&self, total: u64, streams: usize) -> u64 {
        let streams = streams.max(1) as u64;
        let each = total.saturating_sub(self.seen.get()) / streams;
        self.seen.set(self.seen.get() + each * streams);
        self.bytes.set(self.bytes.get() + each);
        self.bytes.get()
    }
}

/// A request that is about to be served. Counts as open for as long as it lives.
pub(crate) struct Ready {
    link: Rc<Link>,
    request: Option<Request>,
}

/// A connection whose client speaks HTTP/2.
struct Conn {
    server: Server,
    deadline: Deadline,
    link: Rc<Link>,
    /// What the client owes for what is written to it and waits to be taken, of whichever stream.
    pace: Floor,
    /// The client was told to open no more streams.
    leaving: bool,
}

/// Serves a connection to its end.
pub(crate) async fn serve(opening: Opening, streams: Rc<dyn ServeStream>) {
    // What a connection begins with is over soon: its memory is not the connection's.
    if let Some(mut conn) = Box::pin(shake_hands(opening, streams.spare())).await {
        conn.drive(&*streams).await;
        Box::pin(conn.close()).await;
    }
}

async fn shake_hands(opening: Opening, spare: &Rc<Spare>) -> Option<Box<Conn>> {
    let Opening { io, read, facts, tls, tlvs, deadline, listener, gate, local } = opening;
    let early = read.filled().to_vec();
    local.buffers.give(read.into_inner());
    let (open, rested) = (Cell::new(0), Cell::new(local.worker.now()));
    let spare = Rc::clone(spare);
    let (idle, stalled) = (Cell::new(listener.timeouts.request_idle), Cell::new(false));
    let (flow, taken, received) = (OnceCell::new(), Share::default(), Share::default());
    let link = Rc::new(Link {
        facts,
        tls,
        tlvs,
        listener,
        gate,
        local,
        open,
        rested,
        idle,
        stalled,
        flow,
        taken,
        received,
        spare,
    });
    let options = options(&link.listener);
    let shaking = Server::handshake(io, early, &options, &link.local.worker);
    match deadline.bound(link.listener.timeouts.header_read, LATE, shaking).await {
        Ok(Ok(server)) => {
            // The first one: nobody has set it before.
            let _ = link.flow.set(server.flow());
            let pace = Floor::new(link.listener.floors.download);
            Some(Box::new(Conn { server, deadline, link, pace, leaving: false }))
        }
        Ok(Err(error)) => {
            link.count(error);
            None
        }
        Err(_) => None,
    }
}

impl Conn {
    /// Moves the connection and all its streams, and starts what comes in.
    async fn drive(&mut self, to: &dyn ServeStream) {
        loop {
            let (patience, deadline) = (self.link.patience(), self.deadline.clone());
            match deadline.bound(patience, LATE, poll_fn(|cx| self.turn(cx))).await {
                Ok(Some(Ok(request))) => to.serve(self.link.ready(request)),
                Ok(Some(Err(error))) => return self.link.count(error),
                Ok(None) => return,
                Err(_) if self.is_stalled() => return self.link.stall(self.server.io()),
                Err(_) if self.link.open.get() > 0 || !self.link.patience().is_zero() => {}
                // It was told to go, and does not answer.
                Err(_) if self.leaving => return,
                Err(_) => {
                    self.leave();
                    self.link.rested.set(self.link.local.worker.now());
                }
            }
        }
    }

    /// Moves the connection on, and tells the client to go where the listener closes.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Request, H2Error>>> {
        let Link { gate, local, open, rested, .. } = &*self.link;
        let is_unwanted = open.get() == 0 && local.sheds_idle(rested.get());
        let closing = gate.is_closed() || local.is_draining() || is_unwanted;
        if !self.leaving && closing {
            self.leave();
        }
        let polled = self.server.poll_accept(cx);
        self.watch_writes();
        polled
    }

    /// Bounds the wait for a client that does not take what is written.
    fn watch_writes(&self) {
        let Self { pace, link, deadline, .. } = self;
        let Some(flow) = link.flow.get() else { return };
        match (flow.is_blocked(), pace.is_waiting()) {
            (true, false) => pace.wait(deadline.refresh(), flow.taken()),
            (false, true) => {
                pace.look(deadline.refresh(), flow.taken());
                pace.stop();
            }
            _ => {}
        }
        if pace.is_waiting() {
            deadline.no_later(pace.due(link.idle.get()));
        }
    }

    /// The client has taken too little of what is written for too long.
    fn is_stalled(&self) -> bool {
        let Self { pace, link, deadline, .. } = self;
        let Some(flow) = link.flow.get().filter(|_| pace.is_waiting()) else { return false };
        let now = deadline.refresh();
        pace.look(now, flow.taken());
        pace.late(link.idle.get(), now).is_some()
    }

    fn leave(&mut self) {
        self.leaving = true;
        self.server.shutdown();
    }

    /// The client has been told. Whatever it still sends must not take that away.
    async fn close(self: Box<Self>) {
        let (io, link) = (self.server.io(), &self.link);
        io.shutdown_write();
        let mut read = ReadBuffer::new(link.local.buffers.take());
        linger(io, &mut read, &self.deadline, link.listener.timeouts.linger).await;
        link.local.buffers.give(read.into_inner());
    }
}

impl Link {
    /// How much longer the connection may be without a request. While there are some, it is looked at again later.
    fn patience(&self) -> Duration {
        let keep_alive = self.plan().timeouts.keep_alive;
        if self.open.get() > 0 {
            return keep_alive;
        }
        let rested_us = self.local.worker.now().since_us(self.rested.get());
        keep_alive.saturating_sub(Duration::from_micros(rested_us))
    }

    /// The listener's settings of now: a reload may have changed them.
    fn plan(&self) -> Arc<ListenerPlan> {
        let plan = self.local.plan();
        let listener = plan.snapshot.listener(self.facts.listener);
        Arc::clone(listener.unwrap_or(&self.listener))
    }

    fn ready(self: &Rc<Self>, request: Request) -> Ready {
        self.open.set(self.open.get() + 1);
        Ready { link: Rc::clone(self), request: Some(request) }
    }

    /// What each open stream has had of the bytes that the client has taken.
    fn taken(&self) -> u64 {
        self.flow.get().map_or(0, |flow| self.taken.of(flow.taken(), self.open.get()))
    }

    /// What each open stream has had of the bytes that the client has sent.
    fn received(&self) -> u64 {
        self.flow.get().map_or(0, |flow| self.received.of(flow.received(), self.open.get()))
    }

    /// The client is sent away, with all that is held for it.
    fn stall(&self, io: &Io) {
        self.stalled.set(true);
        io.reset_on_close();
        self.local.shard.h2_error(self.listener.series, "stalled");
    }

    /// Counts what a client did to have its connection ended.
    fn count(&self, error: H2Error) {
        let Some(kind) = misdeed(error.kind) else { return };
        self.local.shard.h2_error(self.listener.series, kind);
        let (listener, peer) = (&*self.listener.name, self.facts.peer);
        tracing::debug!(listener, %peer, %error, "a connection of HTTP/2 was ended");
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.link.open.set(self.link.open.get().saturating_sub(1));
        self.link.rested.set(self.link.local.worker.now());
    }
}

/// Serves one stream to its end.
async fn serve_stream(mut ready: Ready) {
    let Some(request) = ready.request.take() else { return };
    let link = &*ready.link;
    let local = &link.local;
    local.worker.refresh();
    let exchange = local.take_exchange();
    let refused = begin(&exchange, link, &request).err();
    {
        let _running = local.running(&link.gate);
        let switches = exchange.borrow().request.headers.has(HeaderId::Upgrade);
        let waits = expects_continue(&exchange.borrow().request);
        let bounds = Bounds::new(link, waits);
        let mut stream = Stream::new(&bounds, request, switches);
        // Whether the connection stays is not for one stream to say.
        run::run(local, &exchange, &mut stream, refused.map(refusal), false).await;
        stream.close().await;
    }
    local.give_exchange(exchange);
}

/// Fills the exchange from the request.
fn begin(exchange: &RefCell<Exchange>, link: &Link, request: &Request) -> Result<(), H2Fault> {
    let mut exchange = exchange.borrow_mut();
    exchange.timings.start = link.local.worker.now();
    exchange.timings.wall = link.local.worker.wall();
    exchange.client = link.facts;
    exchange.tls.clone_from(&link.tls);
    exchange.tlvs.clone_from(&link.tlvs);
    let read = request.head_into(&mut exchange.request);
    exchange.bytes.request_head = exchange.request.headers.wire_bytes() as u64;
    read?;
    match request.protocol() {
        None => Ok(()),
        Some(protocol) => connect::as_upgrade(&mut exchange.request, protocol),
    }
}

fn refusal(fault: H2Fault) -> ProxyError {
    let (code, status) = (fault.reason(), fault.status());
    ProxyError::client(ErrorKind::BadRequest { code, status })
}

fn options(listener: &ListenerPlan) -> ServerOptions {
    let limits = &listener.limits;
    ServerOptions {
        streams_max: listener.h2.streams_max,
        header_bytes_max: u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX),
        headers_max: limits.headers_max,
        ..ServerOptions::default()
    }
}

/// The word by which an end is counted; None where the client did nothing that it may not do.
fn misdeed(kind: H2ErrorKind) -> Option<&'static str> {
    match kind {
        H2ErrorKind::Flood(flood) => Some(flood.name()),
        H2ErrorKind::Protocol(_) => Some("protocol"),
        _ => None,
    }
}

/// Starts streams.
pub(crate) trait ServeStream {
    /// Serves one in a task of its own.
    fn serve(&self, ready: Ready);
    /// What streams use again.
    fn spare(&self) -> &Rc<Spare>;
}

/// Starts streams in recycled memory.
struct Streams<F, M> {
    memory: Rc<Recycled<F>>,
    spare: Rc<Spare>,
    active: M,
}

/// Makes what starts the streams of a listener's connections.
pub(crate) fn streams() -> Rc<dyn ServeStream> {
    let memory = Rc::new(Recycled::new());
    Rc::new(Streams { memory, spare: Rc::default(), active: serve_stream })
}

impl<F, M> ServeStream for Streams<F, M>
where
    F: Future<Output = ()> + 'static,
    M: Fn(Ready) -> F,
{
    fn serve(&self, ready: Ready) {
        let worker = ready.link.local.worker.clone();
        worker.spawn(self.memory.run(|| (self.active)(ready)));
    }

    fn spare(&self) -> &Rc<Spare> {
        &self.spare
    }
}

/// Deadlines that no stream uses now. One that was used before is filed with the worker's timers already.
#[derive(Default)]
pub(crate) struct Spare {
    deadlines: RefCell<Vec<Deadline>>,
}

impl Spare {
    fn take(&self, local: &Local) -> Deadline {
        let deadline = self.deadlines.borrow_mut().pop();
        let deadline = deadline.unwrap_or_else(|| Deadline::new(&local.worker));
        deadline.set_total(None);
        deadline
    }

    fn give(&self, deadline: Deadline) {
        let mut deadlines = self.deadlines.borrow_mut();
        if deadlines.len() < SPARE_MAX {
            deadlines.push(deadline);
        }
    }
}

const LATE: ProxyError = ProxyError::client(ErrorKind::ClientTimeout);
/// The most unused deadlines.
const SPARE_MAX: usize = 256;

#[cfg(test)]
mod tests;
