//! Whether a connection is passed on as it comes, told by its listener and its first bytes.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_preface::sniff::{self, Sniff, Sniffed};
use portunus_snapshot::{SniPlan, TcpPlan};
use portunus_tls::ACME_ALPN;

use super::Relayed;
use crate::detect::{Closed, Opening, Wake, hold_buffer, wait};
use crate::hello;

/// Decides on a connection, after the PROXY header and before TLS. None where it is served here; what was read of
/// it is in `opening` either way.
///
/// # Errors
/// It is to be closed.
pub(crate) async fn claim(opening: &mut Opening) -> Result<Option<Relayed>, Closed> {
    let listener = Arc::clone(&opening.listener);
    let (tcp, sni) = (listener.tcp.as_ref(), listener.sni.as_ref());
    let looks = sni.is_some() || listener.http && tcp.is_some();
    if !looks {
        // Nothing is read: a server may speak first.
        let whole = tcp.filter(|_| listener.tls.is_none());
        return Ok(whole.map(Relayed::unnamed));
    }
    let patience = tcp.map_or(listener.timeouts.keep_alive, |tcp| tcp.sniff_timeout);
    let first = first_bytes(opening, patience).await?;
    if let (Some(sni), Some(Sniffed::Tls)) = (sni, first) {
        return by_name(opening, sni).await;
    }
    let is_ours = match first {
        Some(Sniffed::Tls) => listener.tls.is_some(),
        Some(Sniffed::Http1 | Sniffed::Http2Preface) => listener.http,
        _ => tcp.is_none(),
    };
    Ok(tcp.filter(|_| !is_ours).map(Relayed::unnamed))
}

/// Decides on a connection whose TLS was ended here.
pub(crate) fn claim_secured(opening: &Opening) -> Option<Relayed> {
    let listener = &opening.listener;
    let agreed = opening.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
    // A handshake that only proves whose the name is (RFC 8737) has no bytes to pass on.
    let is_ours = listener.http || agreed == Some(ACME_ALPN);
    listener.tcp.as_ref().filter(|_| !is_ours).map(Relayed::unnamed)
}

impl Relayed {
    fn unnamed(plan: &Arc<TcpPlan>) -> Self {
        Self { plan: Arc::clone(plan), server_name: None }
    }
}

/// TLS goes by the name that its client asks for; to ourselves, where no name leads elsewhere and we end TLS.
async fn by_name(opening: &mut Opening, sni: &SniPlan) -> Result<Option<Relayed>, Closed> {
    let server_name = hello::read(opening).await?.server_name;
    let listener = &opening.listener;
    let named = sni.find(server_name.as_deref());
    let to = named.or_else(|| listener.tcp.as_ref().filter(|_| listener.tls.is_none()));
    match to {
        Some(plan) => Ok(Some(Relayed { plan: Arc::clone(plan), server_name })),
        None if listener.tls.is_some() => Ok(None),
        None => {
            // Whether the client still hears it makes no difference.
            let _ = opening.io.try_write(&[IoSlice::new(UNRECOGNIZED_NAME)]);
            let reason = server_name.map_or("sni.none", |_| "sni.unknown");
            Err(Closed::Refused(reason))
        }
    }
}

/// What the first bytes look like; None when the client is silent for so long.
async fn first_bytes(opening: &mut Opening, patience: Duration) -> Result<Option<Sniffed>, Closed> {
    if opening.read.is_empty() {
        let Opening { io, gate, local, deadline, .. } = &*opening;
        match wait(io, gate, local, deadline, patience).await {
            Wake::Bytes => {}
            Wake::Late => return Ok(None),
            Wake::Close => return Err(Closed::Quietly),
        }
    }
    hold_buffer(&mut opening.read, &opening.local);
    let Opening { io, read, deadline, listener, .. } = opening;
    let sniffing = async {
        loop {
            match sniff::protocol(read.filled()) {
                Sniff::Is(sniffed) => return Ok(sniffed),
                Sniff::NeedMore => {}
            }
            match read.read(io, READ_BYTES).await {
                Ok(1..) => {}
                // Whoever ends in the middle of a word has said all that there is.
                _ if read.is_empty() => return Err(Closed::Quietly),
                _ => return Ok(Sniffed::Unknown),
            }
        }
    };
    match deadline.bound(listener.timeouts.header_read, LATE, sniffing).await {
        Ok(sniffed) => sniffed.map(Some),
        Err(_) => Ok(Some(Sniffed::Unknown)),
    }
}

const LATE: ProxyError = ProxyError::client(ErrorKind::ClientTimeout);
/// The fatal alert `unrecognized_name` (RFC 6066 section 3).
const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];
/// By how much a full read buffer grows.
const READ_BYTES: usize = 4096;
