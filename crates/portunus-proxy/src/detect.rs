//! What a new connection begins with: a PROXY protocol header, TLS, and then one version of HTTP or another.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use portunus_base::TlsFacts;
use portunus_exchange::{ClientFacts, ErrorKind, ProxyError, Scheme};
use portunus_net::Io;
use portunus_preface::proxy_protocol::{self, Addresses, Parse};
use portunus_preface::sniff::{self, Sniff, Sniffed};
use portunus_snapshot::{ListenerPlan, Networks, ProxyProtocol};
use portunus_tls::{ACME_ALPN, Accepted, ServerTls};
use portunus_upstream::wire::ReadBuffer;

use crate::deadline::Deadline;
use crate::hello;
use crate::local::{Gate, Local};
use crate::tcp::{self, Relayed};

/// A connection on its way to its protocol, and what is known of it.
pub(crate) struct Opening {
    pub(crate) io: Io,
    /// What was read and belongs to the protocol.
    pub(crate) read: ReadBuffer,
    pub(crate) facts: ClientFacts,
    pub(crate) tls: Option<Rc<TlsFacts>>,
    /// The values (TLVs) of its PROXY header.
    pub(crate) tlvs: Option<Rc<Vec<u8>>>,
    pub(crate) deadline: Deadline,
    pub(crate) listener: Arc<ListenerPlan>,
    pub(crate) gate: Rc<Gate>,
    pub(crate) local: Rc<Local>,
}

/// What a connection speaks.
#[derive(Debug)]
pub(crate) enum Spoken {
    /// HTTP/1, where that is served.
    H1,
    /// HTTP/2.
    H2,
    /// HTTP/1 where it is not served: each request is refused so.
    Unserved(&'static ErrorKind),
    /// Whatever it is, it is passed on.
    Relayed(Relayed),
}

/// Why a connection is closed before it has a protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Closed {
    /// Nothing is wrong: it ended, or there is no more to be done.
    Quietly,
    /// It broke a rule of the listener: the reason code.
    Refused(&'static str),
    /// Its TLS handshake failed: the kind of failure.
    Handshake(&'static str),
}

/// Finds out what the connection speaks, and corrects the facts about its client. `enter` is asked whether the client
/// may have the connection, as soon as it is known who that is.
///
/// # Errors
/// The connection is to be closed.
pub(crate) async fn detect(
    opening: Opening,
    enter: impl FnOnce(&ClientFacts) -> Result<(), Closed>,
) -> Result<(Opening, Spoken), Closed> {
    let mut opening = opening;
    opening.proxy_header().await?;
    enter(&opening.facts)?;
    if let Some(relayed) = tcp::claim(&mut opening).await? {
        return Ok((opening, Spoken::Relayed(relayed)));
    }
    match opening.listener.tls.clone() {
        Some(tls) => opening.secure(&tls).await,
        None => opening.plain().await,
    }
}

impl Opening {
    pub(crate) fn new(
        io: Io,
        listener: Arc<ListenerPlan>,
        gate: Rc<Gate>,
        local: Rc<Local>,
    ) -> Self {
        let (own, peer) = io.addresses();
        Self {
            io,
            read: ReadBuffer::default(),
            facts: ClientFacts::direct(peer, own, listener.id),
            tls: None,
            tlvs: None,
            deadline: Deadline::new(&local.worker),
            listener,
            gate,
            local,
        }
    }

    /// Reads the PROXY protocol header, where the listener expects one.
    async fn proxy_header(&mut self) -> Result<(), Closed> {
        let wanted = self.listener.proxy_protocol;
        if wanted == ProxyProtocol::Off {
            return Ok(());
        }
        if !trusted(&self.local.plan().snapshot.trusted, &self.facts) {
            return match wanted {
                ProxyProtocol::Required => Err(Closed::Refused("proxy_protocol.untrusted_peer")),
                _ => Ok(()),
            };
        }
        hold_buffer(&mut self.read, &self.local);
        let Self { io, read, facts, tlvs, deadline, listener, .. } = self;
        let reading = header(io, read, wanted, (facts, tlvs));
        let read = deadline.bound(listener.timeouts.header_read, LATE, reading).await;
        release_if_empty(&mut self.read, &self.local);
        read.map_err(|_| Closed::Quietly)?
    }

    /// Where no TLS, or TLS without ALPN, settles it: the first bytes tell the version of HTTP.
    async fn plain(mut self) -> Result<(Self, Spoken), Closed> {
        let protocols = self.listener.protocols;
        match self.sniff(self.listener.timeouts.keep_alive).await {
            Ok(Sniffed::Tls) => Err(Closed::Handshake("unexpected")),
            Ok(Sniffed::Http2Preface) if protocols.h2 => Ok((self, Spoken::H2)),
            Err(_) if self.read.is_empty() => Err(Closed::Quietly),
            // What has only begun, and might have become something else, is HTTP/1's to judge.
            _ if protocols.h1 => Ok((self, Spoken::H1)),
            _ => Ok((self, Spoken::Unserved(&WITHOUT_H2))),
        }
    }

    /// With TLS: its handshake, in which the version of HTTP is agreed on.
    async fn secure(mut self, tls: &Arc<ServerTls>) -> Result<(Self, Spoken), Closed> {
        let limit = self.listener.timeouts.header_read;
        match self.sniff(limit).await {
            Ok(Sniffed::Tls) => {}
            Ok(Sniffed::Http1 | Sniffed::Http2Preface) => {
                return Ok((self, Spoken::Unserved(&WITHOUT_TLS)));
            }
            Ok(_) => return Err(Closed::Handshake("not_tls")),
            Err(Wake::Late) => return Err(TIMEOUT),
            Err(_) => return Err(Closed::Quietly),
        }
        if let Some(on_demand) = self.listener.on_demand.clone() {
            // It is long, and most listeners never do it.
            Box::pin(hello::settle(&mut self, tls, &on_demand)).await?;
        }
        let early = std::mem::take(&mut self.read);
        let local = &self.local;
        let shaking = portunus_tls::accept(self.io, early.filled(), tls, &local.handshakes);
        let shaken = self.deadline.bound(limit, LATE, shaking).await;
        local.buffers.give(early.into_inner());
        let shaken = shaken.map_err(|_| TIMEOUT)?;
        let Accepted { io, facts, .. } = shaken.map_err(|error| Closed::Handshake(error.kind()))?;
        let (new, resumed) = (facts.version == "TLSv1.3", facts.resumed);
        local.shard.tls_handshake(self.listener.series, new, resumed);
        (self.io, self.facts.scheme) = (io, Scheme::Https);
        let agreed = facts.alpn.clone();
        self.tls = Some(facts);
        if let Some(relayed) = tcp::claim_secured(&self) {
            return Ok((self, Spoken::Relayed(relayed)));
        }
        match agreed.as_deref() {
            Some(b"h2") => Ok((self, Spoken::H2)),
            // The handshake was the answer (RFC 8737 section 3).
            Some(ACME_ALPN) => Err(Closed::Quietly),
            Some(_) => Ok((self, Spoken::H1)),
            None => self.plain().await,
        }
    }

    /// Waits up to `late` for the first bytes, and says what they look like.
    async fn sniff(&mut self, late: Duration) -> Result<Sniffed, Wake> {
        if self.read.is_empty() {
            let Self { io, gate, local, deadline, .. } = &*self;
            let woken = match wait(io, gate, local, deadline, late).await {
                // Who has just come may have sent a request already: closing now would lose it.
                Wake::Close => deadline
                    .bound(FRESH, LATE, io.readable())
                    .await
                    .map_or(Wake::Close, |_| Wake::Bytes),
                woken => woken,
            };
            match woken {
                Wake::Bytes => hold_buffer(&mut self.read, &self.local),
                ended => return Err(ended),
            }
        }
        let Self { io, read, deadline, listener, .. } = self;
        let sniffing = async {
            loop {
                match look(read.filled()) {
                    Sniff::Is(sniffed) => return Ok(sniffed),
                    Sniff::NeedMore => {}
                }
                if !matches!(read.read(io, READ_BYTES).await, Ok(1..)) {
                    return Err(Wake::Close);
                }
            }
        };
        let sniffed = deadline.bound(listener.timeouts.header_read, LATE, sniffing).await;
        release_if_empty(&mut self.read, &self.local);
        sniffed.unwrap_or(Err(Wake::Late))
    }
}

/// What a wait for bytes ended with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wake {
    /// There is something to read, or the end of the stream.
    Bytes,
    /// The listener closes.
    Close,
    /// It took too long.
    Late,
}

/// Waits for the first bytes of a connection, or of its next request. Holds no buffer.
pub(crate) async fn wait(
    io: &Io,
    gate: &Gate,
    local: &Local,
    deadline: &Deadline,
    late: Duration,
) -> Wake {
    let began = local.worker.now();
    // Pinned here, it is in the memory of an idle connection but once.
    let first = pin!(poll_fn(move |cx| {
        // A request that is there already is still answered.
        if io.poll_readable(cx).is_ready() {
            return Poll::Ready(Wake::Bytes);
        }
        let closing = local.is_draining()
            || local.sheds_idle(began)
            || (gate.is_closed() && !local.is_retiring());
        if closing { Poll::Ready(Wake::Close) } else { Poll::Pending }
    }));
    deadline.set_total(None);
    deadline.bound(late, LATE, first).await.unwrap_or(Wake::Late)
}

/// As [`sniff::protocol`], but sure of HTTP/1 as soon as nothing else is possible.
fn look(bytes: &[u8]) -> Sniff {
    match sniff::protocol(bytes) {
        Sniff::NeedMore if !matches!(bytes, [] | [0x16] | [b'P', ..]) => Sniff::Is(Sniffed::Http1),
        known => known,
    }
}

fn trusted(networks: &Networks, facts: &ClientFacts) -> bool {
    networks.contains(facts.peer.ip())
}

pub(crate) fn hold_buffer(read: &mut ReadBuffer, local: &Local) {
    if read.is_empty() {
        *read = ReadBuffer::new(local.buffers.take());
    }
}

/// The request may be long in coming.
fn release_if_empty(read: &mut ReadBuffer, local: &Local) {
    if read.is_empty() {
        local.buffers.give(std::mem::take(read).into_inner());
    }
}

async fn header(
    io: &Io,
    read: &mut ReadBuffer,
    wanted: ProxyProtocol,
    (facts, tlvs): (&mut ClientFacts, &mut Option<Rc<Vec<u8>>>),
) -> Result<(), Closed> {
    loop {
        if !read.is_empty() && step(read, wanted, facts, tlvs)? {
            return Ok(());
        }
        match read.read(io, READ_BYTES).await {
            Ok(0) | Err(_) => return Err(Closed::Quietly),
            Ok(_) => {}
        }
    }
}

/// True when the header was taken, or there is none and none is needed.
fn step(
    read: &mut ReadBuffer,
    wanted: ProxyProtocol,
    facts: &mut ClientFacts,
    tlvs: &mut Option<Rc<Vec<u8>>>,
) -> Result<bool, Closed> {
    match sniff::protocol(read.filled()) {
        Sniff::NeedMore => return Ok(false),
        Sniff::Is(Sniffed::ProxyV1 | Sniffed::ProxyV2) => {}
        Sniff::Is(_) if wanted == ProxyProtocol::Optional => return Ok(true),
        Sniff::Is(_) => return Err(Closed::Refused("proxy_protocol.missing")),
    }
    let parse = proxy_protocol::parse(read.filled(), proxy_protocol::Limits::default());
    let taken = match parse.map_err(|_| Closed::Refused("proxy_protocol.malformed"))? {
        Parse::Incomplete => return Ok(false),
        Parse::Complete(parsed) => {
            adopt(&parsed.header, facts);
            let bytes = parsed.header.tlvs.bytes();
            *tlvs = (!bytes.is_empty()).then(|| Rc::new(bytes.to_vec()));
            parsed.len
        }
    };
    read.consume(taken);
    Ok(true)
}

fn adopt(header: &proxy_protocol::ProxyHeader<'_>, facts: &mut ClientFacts) {
    if let Addresses::Inet { source, destination, .. } = header.addresses {
        // IPv4 that is written as IPv6 is IPv4 to whoever compares it.
        let canonical = |to: SocketAddr| SocketAddr::new(to.ip().to_canonical(), to.port());
        (facts.peer, facts.local) = (canonical(source), canonical(destination));
        (facts.ip, facts.port) = (facts.peer.ip(), facts.peer.port());
        if header.ssl().is_some() {
            facts.scheme = Scheme::Https;
        }
    }
}

const LATE: ProxyError = ProxyError::client(ErrorKind::ClientTimeout);
const TIMEOUT: Closed = Closed::Handshake("timeout");
/// What a request gets that comes without TLS where TLS is spoken.
static WITHOUT_TLS: ErrorKind = ErrorKind::BadRequest { code: TLS_EXPECTED, status: 400 };
/// The reason code of that.
pub(crate) const TLS_EXPECTED: &str = "tls.expected";
/// What a request of HTTP/1 gets where only HTTP/2 is spoken.
static WITHOUT_H2: ErrorKind = ErrorKind::BadRequest { code: "request.h2_expected", status: 505 };
/// How long a connection without a first byte is waited for when its listener closes.
const FRESH: Duration = Duration::from_millis(500);
/// By how much a full read buffer grows.
const READ_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
