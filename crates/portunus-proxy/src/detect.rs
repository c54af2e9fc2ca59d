//! What a new connection begins with: a PROXY protocol header, or HTTP at once.

use std::net::SocketAddr;

use portunus_exchange::{ClientFacts, ErrorKind, ProxyError, Scheme};
use portunus_net::Io;
use portunus_preface::proxy_protocol::{self, Addresses, Parse};
use portunus_preface::sniff::{self, Sniff, Sniffed};
use portunus_snapshot::{ListenerPlan, Networks, ProxyProtocol};
use portunus_upstream::wire::ReadBuffer;

use crate::deadline::Deadline;
use crate::local::Local;

/// Reads the PROXY protocol header, where the listener expects one, and corrects the facts by it.
///
/// # Errors
/// The connection is to be closed: a header is missing, malformed, or from someone who may not send one.
pub(crate) async fn detect(
    local: &Local,
    listener: &ListenerPlan,
    trusted: &Networks,
    io: &Io,
    facts: &mut ClientFacts,
) -> Result<ReadBuffer, ProxyError> {
    if listener.proxy_protocol == ProxyProtocol::Off {
        return Ok(ReadBuffer::default());
    }
    if !trusted.contains(facts.peer.ip()) {
        return match listener.proxy_protocol {
            ProxyProtocol::Required => Err(refused("proxy_protocol.untrusted_peer")),
            _ => Ok(ReadBuffer::default()),
        };
    }
    let mut read = ReadBuffer::new(local.buffers.take());
    let late = ProxyError::client(ErrorKind::ClientTimeout);
    let reading = header(io, &mut read, listener.proxy_protocol, facts);
    let deadline = Deadline::new(&local.worker);
    deadline.bound(listener.timeouts.header_read, late, reading).await??;
    if read.is_empty() {
        // The request may be long in coming.
        local.buffers.give(read.into_inner());
        return Ok(ReadBuffer::default());
    }
    Ok(read)
}

async fn header(
    io: &Io,
    read: &mut ReadBuffer,
    wanted: ProxyProtocol,
    facts: &mut ClientFacts,
) -> Result<(), ProxyError> {
    loop {
        if !read.is_empty() && step(read, wanted, facts)? {
            return Ok(());
        }
        match read.read(io, READ_BYTES).await {
            Ok(0) | Err(_) => return Err(ProxyError::client(ErrorKind::ClientClosed)),
            Ok(_) => {}
        }
    }
}

/// True when the header was taken, or there is none and none is needed.
fn step(
    read: &mut ReadBuffer,
    wanted: ProxyProtocol,
    facts: &mut ClientFacts,
) -> Result<bool, ProxyError> {
    match sniff::protocol(read.filled()) {
        Sniff::NeedMore => return Ok(false),
        Sniff::Is(Sniffed::ProxyV1 | Sniffed::ProxyV2) => {}
        Sniff::Is(_) if wanted == ProxyProtocol::Optional => return Ok(true),
        Sniff::Is(_) => return Err(refused("proxy_protocol.missing")),
    }
    let parse = proxy_protocol::parse(read.filled(), proxy_protocol::Limits::default());
    let taken = match parse.map_err(|_| refused("proxy_protocol.malformed"))? {
        Parse::Incomplete => return Ok(false),
        Parse::Complete(parsed) => {
            adopt(&parsed.header, facts);
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

fn refused(code: &'static str) -> ProxyError {
    ProxyError::client(ErrorKind::BadRequest { code, status: 400 })
}

/// By how much a full read buffer grows.
const READ_BYTES: usize = 4096;
