//! HTTP/1: a connection becomes exchanges, one after the other.
//!
//! Two futures serve a connection. The outer one is small, holds no buffer, and waits while the connection is idle.
//! The inner one, in recycled memory, serves requests, and gives the connection back after a pause.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_base::TlsFacts;
use portunus_exchange::{ClientFacts, ErrorKind, Exchange, ProxyError};
use portunus_h1::{Parsed, expects_continue, parse_request, request_framing, wants_keep_alive};
use portunus_http::Framing;
use portunus_net::Io;
use portunus_snapshot::ListenerPlan;
use portunus_upstream::wire::{BodyReader, Outgoing, ReadBuffer};

use crate::deadline::Deadline;
use crate::detect::{self, Opening, Wake, hold_buffer};
use crate::floor::Floors;
use crate::local::{Gate, Local};
use crate::protocol::linger;
use crate::recycle::Recycled;
use crate::run;

mod stream;

use stream::{Answer, Body, Stream};

/// A connection of a client. Boxed: the futures that pass it to each other stay small.
pub(crate) struct Conn {
    pub(super) link: Link,
    pub(super) read: ReadBuffer,
}

/// The part of a connection that both directions share.
pub(crate) struct Link {
    pub(super) io: Io,
    pub(super) deadline: Deadline,
    /// Bounds the reading of bodies; made by the first one.
    pub(super) body_deadline: OnceCell<Deadline>,
    /// Bounds each pause of the client within a body.
    pub(super) idle: Cell<Duration>,
    /// The answer was cut: no farewell.
    pub(super) cut: Cell<bool>,
    /// The socket is watched for a reset while an answer is waited for; not while a body comes over it.
    pub(super) watch: Cell<bool>,
    /// All of the request is read.
    pub(super) read_whole: Cell<bool>,
    /// What requests get instead of an answer.
    pub(super) refusal: Option<&'static ErrorKind>,
    pub(super) facts: ClientFacts,
    pub(super) tls: Option<Rc<TlsFacts>>,
    pub(super) tlvs: Option<Rc<Vec<u8>>>,
    pub(super) listener: Arc<ListenerPlan>,
    pub(super) gate: Rc<Gate>,
    pub(super) local: Rc<Local>,
}

impl Conn {
    /// A connection that is ready for its first request. `refusal` is what all of them get instead of an answer.
    pub(crate) fn new(opening: Opening, refusal: Option<&'static ErrorKind>) -> Box<Self> {
        let Opening { io, read, facts, tls, tlvs, deadline, listener, gate, local } = opening;
        let link = Link {
            io,
            deadline,
            body_deadline: OnceCell::new(),
            idle: Cell::new(listener.timeouts.request_idle),
            cut: Cell::new(false),
            watch: Cell::new(true),
            read_whole: Cell::new(false),
            refusal,
            facts,
            tls,
            tlvs,
            listener,
            gate,
            local,
        };
        Box::new(Self { link, read })
    }
}

/// Serves a connection to its end. `active` is [`serve_active`], in recycled memory.
pub(crate) async fn serve<F, M>(mut conn: Box<Conn>, memory: Rc<Recycled<F>>, active: M)
where
    F: Future<Output = Option<Box<Conn>>>,
    M: Fn(Box<Conn>) -> F,
{
    let mut rested = Duration::ZERO;
    loop {
        let late = conn.link.listener.timeouts.keep_alive.saturating_sub(rested);
        if conn.read.is_empty() && conn.link.wait(late).await != Wake::Bytes {
            return conn.link.leave();
        }
        match memory.run(|| active(conn)).await {
            Some(resting) => (conn, rested) = (resting, REST),
            None => return,
        }
    }
}

/// Serves requests until the connection closes, or rests for a moment: then it is given back.
pub(crate) async fn serve_active(mut conn: Box<Conn>) -> Option<Box<Conn>> {
    loop {
        let local = Rc::clone(&conn.link.local);
        conn.link.renew();
        hold_buffer(&mut conn.read, &local);
        let exchange = local.take_exchange();
        let keep = serve_one(&mut conn, &exchange).await;
        local.give_exchange(exchange);
        if !keep {
            close(&mut conn).await;
            return None;
        }
        if conn.read.is_empty() {
            release_buffer(&mut conn.read, &local);
            match conn.link.wait(REST.min(conn.link.listener.timeouts.keep_alive)).await {
                Wake::Bytes => {}
                Wake::Close => {
                    conn.link.leave();
                    return None;
                }
                Wake::Late => return Some(conn),
            }
        } else {
            // Requests that came together take turns with other connections.
            tokio::task::coop::consume_budget().await;
        }
    }
}

impl Link {
    /// Follows the listener's settings: a reload may have changed them.
    fn renew(&mut self) {
        let plan = self.local.plan();
        match plan.snapshot.listener(self.facts.listener) {
            Some(listener) if !Arc::ptr_eq(listener, &self.listener) => {
                self.listener = Arc::clone(listener);
            }
            _ => {}
        }
    }

    /// Ends a connection that nobody uses. In TLS the end must be said; that of the socket could be anybody's work.
    fn leave(&self) {
        if !self.io.is_plain() {
            self.io.shutdown_write();
        }
    }

    /// Waits for the first bytes of a request.
    async fn wait(&self, late: Duration) -> Wake {
        detect::wait(&self.io, &self.gate, &self.local, &self.deadline, late).await
    }
}

/// One request and its answer; true when the connection may serve another one.
async fn serve_one(conn: &mut Conn, exchange: &RefCell<Exchange>) -> bool {
    let head = match read_head(conn, exchange).await {
        Ok(None) => return false,
        Ok(Some(framing)) => match conn.link.refusal {
            Some(kind) => Err(ProxyError::client(*kind)),
            None => Ok(framing),
        },
        Err(error) => Err(error),
    };
    let link = &conn.link;
    let _running = link.local.running(&link.gate);
    let framing = head.unwrap_or(Framing::None);
    link.idle.set(link.listener.timeouts.request_idle);
    let floors = Floors::new(link.listener.floors);
    if expects_continue(&exchange.borrow().request) {
        floors.upload.hold();
    }
    link.watch.set(framing.is_empty());
    link.read_whole.set(framing.is_empty());
    let (version, keep_wanted) = {
        let exchange = exchange.borrow();
        let version = exchange.request.version;
        (version, wants_keep_alive(version, &exchange.request.headers))
    };
    let mut stream = Stream {
        body: Body {
            link,
            floors: &floors,
            read: &mut conn.read,
            reader: BodyReader::new(framing, &link.listener.limits),
            framing,
        },
        answer: Answer {
            link,
            floors: &floors,
            out: Outgoing::new(link.local.buffers.take()),
            version,
            keep: false,
        },
    };
    let may_keep = keep_wanted && head.is_ok();
    let keep = run::run(&link.local, exchange, &mut stream, head.err(), may_keep).await;
    let keep = keep && stream.answer.keep && stream.body.reader.is_end();
    link.local.buffers.give(stream.answer.out.pending);
    keep
}

/// Reads a head into the exchange; None when the connection ended before its first byte.
async fn read_head(
    conn: &mut Conn,
    exchange: &RefCell<Exchange>,
) -> Result<Option<Framing>, ProxyError> {
    let link = &conn.link;
    let mut request = std::mem::take(&mut exchange.borrow_mut().request);
    let late = ProxyError::client(ErrorKind::ClientTimeout);
    let header_read = link.listener.timeouts.header_read;
    // The bound of the exchange before is not this one's.
    link.deadline.set_total(None);
    link.local.worker.refresh();
    let begun = Cell::new(false);
    let reading = async {
        loop {
            if !conn.read.is_empty() && !begun.replace(true) {
                begin(exchange, link);
            }
            if !conn.read.is_empty() {
                let parsed = parse_request(conn.read.filled(), &link.listener.limits, &mut request);
                if let Parsed::Complete(bytes) = parsed.map_err(refused)? {
                    conn.read.consume(bytes);
                    exchange.borrow_mut().bytes.request_head = bytes as u64;
                    return request_framing(&request).map(Some).map_err(refused);
                }
            }
            match conn.read.read(&link.io, READ_BYTES).await {
                Ok(0) | Err(_) if !begun.get() => return Ok(None),
                Ok(0) | Err(_) => return Err(ProxyError::client(ErrorKind::ClientClosed)),
                Ok(_) => {}
            }
        }
    };
    let framing = match link.deadline.bound(header_read, late, reading).await {
        Err(_) if !begun.get() => Ok(None),
        read => read.and_then(|read| read),
    };
    exchange.borrow_mut().request = request;
    framing
}

fn begin(exchange: &RefCell<Exchange>, link: &Link) {
    let mut exchange = exchange.borrow_mut();
    exchange.timings.start = link.local.worker.now();
    exchange.timings.wall = link.local.worker.wall();
    exchange.client = link.facts;
    exchange.tls.clone_from(&link.tls);
    exchange.tlvs.clone_from(&link.tlvs);
}

fn refused(fault: portunus_h1::H1Error) -> ProxyError {
    let kind = ErrorKind::BadRequest { code: fault.reason(), status: fault.status() };
    ProxyError::client(kind)
}

fn release_buffer(read: &mut ReadBuffer, local: &Local) {
    local.buffers.give(std::mem::take(read).into_inner());
}

/// Closes so that the client sees the answer: unread bytes of its request would make the system reset the
/// connection and throw the answer away (RFC 9112 section 9.6).
async fn close(conn: &mut Conn) {
    if conn.link.cut.get() {
        return release_buffer(&mut conn.read, &conn.link.local);
    }
    conn.link.io.shutdown_write();
    let limit = conn.link.listener.timeouts.linger;
    linger(&conn.link.io, &mut conn.read, &conn.link.deadline, limit).await;
    release_buffer(&mut conn.read, &conn.link.local);
}

/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;
/// A pause longer than this gives the memory of an exchange back.
const REST: Duration = Duration::from_millis(100);
