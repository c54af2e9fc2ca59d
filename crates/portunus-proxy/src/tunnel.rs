//! WebSocket and other upgrades: after `101 Switching Protocols`, bytes in both ways.

use std::cell::Cell;
use std::time::Duration;

use portunus_exchange::{ErrorKind, Exchange, ProxyError, Retry};
use portunus_http::HeaderId;
use portunus_snapshot::RouteTimeouts;
use portunus_upstream::{TunnelSink, TunnelSource, UpstreamStream};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::Run;
use crate::websocket;

/// Tells the client that the protocol is switched, and moves bytes until both sides have ended.
pub(crate) async fn switch<C: ClientStream, U: UpstreamStream>(
    run: &Run<'_>,
    timeouts: &RouteTimeouts,
    deadline: &Deadline,
    client: &mut C,
    stream: &mut U,
) -> Result<(), ProxyError> {
    // From here on only silence ends it, and old age.
    deadline.set_total(timeouts.tunnel_lifetime);
    let protocol = prepare(run);
    client.split().1.upgrade(&run.exchange.borrow().response, &protocol);
    client.split().1.flush().await?;
    let (from_client, to_client) = client.tunnel();
    let (from_upstream, to_upstream) = stream.tunnel();
    let moved = Moved::default();
    let idle = timeouts.tunnel_idle.unwrap_or(IDLE);
    let both = async {
        let up = copy(from_client, to_upstream, &moved.up);
        let down = copy(from_upstream, to_client, &moved.down);
        tokio::try_join!(up, down).map(|_| ())
    };
    let ended = quiet(run.local, deadline, idle, &moved, both).await;
    let mut exchange = run.exchange.borrow_mut();
    exchange.bytes.request += moved.up.get();
    exchange.bytes.response += moved.down.get();
    exchange.timings.end = run.local.worker.refresh();
    // A peer that resets a tunnel ends it; that is no failure of the exchange.
    ended.map(|_| ())
}

/// The upstream's head becomes the answer; the protocol that it chose.
fn prepare(run: &Run<'_>) -> Vec<u8> {
    let mut exchange = run.exchange.borrow_mut();
    let protocol = exchange.response.headers.value_of(HeaderId::Upgrade).unwrap_or(b"").to_vec();
    portunus_http::strip_hop_by_hop(&mut exchange.response.headers);
    if websocket::is_websocket(&protocol) {
        let Exchange { request, response, .. } = &mut *exchange;
        websocket::add_accept(request, response);
    }
    exchange.merge_extra();
    protocol
}

/// Bytes that were moved each way.
#[derive(Debug, Default)]
struct Moved {
    up: Cell<u64>,
    down: Cell<u64>,
}

/// Waits for the tunnel to end, or for a long silence both ways.
async fn quiet(
    local: &Local,
    deadline: &Deadline,
    idle: Duration,
    moved: &Moved,
    both: impl Future<Output = std::io::Result<()>>,
) -> Result<std::io::Result<()>, ProxyError> {
    let mut both = std::pin::pin!(both);
    let mut seen = 0;
    loop {
        let late = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
        local.worker.refresh();
        match deadline.bound(idle, late, both.as_mut()).await {
            Ok(ended) => return Ok(ended),
            Err(error) if error == late && moved.up.get() + moved.down.get() > seen => {
                seen = moved.up.get() + moved.down.get();
            }
            Err(error) => return Err(error),
        }
    }
}

/// Moves bytes one way until their end.
async fn copy(
    mut from: impl TunnelSource,
    mut to: impl TunnelSink,
    moved: &Cell<u64>,
) -> std::io::Result<()> {
    loop {
        let piece = from.piece().await?;
        if piece.is_empty() {
            return to.shutdown().await;
        }
        moved.set(moved.get() + piece.len() as u64);
        to.send(piece).await?;
    }
}

/// How long a tunnel may be silent both ways.
const IDLE: Duration = Duration::from_secs(3600);
