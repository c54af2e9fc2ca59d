//! WebSocket and other upgrades: after `101 Switching Protocols`, bytes in both ways.

use std::cell::Cell;
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_http::HeaderId;
use portunus_net::{Buffers, Io};
use portunus_upstream::ClientConn;

use crate::deadline::Deadline;
use crate::local::Local;
use crate::phases::receive::Bounds;
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::Run;

/// Tells the client that the protocol is switched, and moves bytes until both sides have ended.
pub(crate) async fn switch<C: ClientStream>(
    run: &Run<'_>,
    bounds: &Bounds<'_>,
    client: &mut C,
    mut conn: ClientConn,
) -> Result<(), ProxyError> {
    // From here on only silence ends it.
    bounds.deadline.set_total(None);
    let protocol = prepare(run);
    client.split().1.upgrade(&run.exchange.borrow().response, &protocol);
    client.split().1.flush().await?;
    let Some((client_io, early)) = client.raw() else {
        return Err(ProxyError::local(ErrorKind::UpgradeRefused));
    };
    let (upstream_io, read) = conn.parts();
    let moved = Moved::default();
    let both = async {
        upstream_io.write_all(early).await?;
        client_io.write_all(read.filled()).await?;
        let up = copy(client_io, upstream_io, &run.local.buffers, &moved.up);
        let down = copy(upstream_io, client_io, &run.local.buffers, &moved.down);
        tokio::try_join!(up, down).map(|_| ())
    };
    let ended = quiet(run.local, &bounds.deadline, &moved, both).await;
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
    crate::phases::response::merge_extra(&mut exchange);
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
    moved: &Moved,
    both: impl Future<Output = std::io::Result<()>>,
) -> Result<std::io::Result<()>, ProxyError> {
    let mut both = std::pin::pin!(both);
    let mut seen = 0;
    loop {
        let late = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
        local.worker.refresh();
        match deadline.bound(IDLE, late, both.as_mut()).await {
            Ok(ended) => return Ok(ended),
            Err(_) if moved.up.get() + moved.down.get() > seen => {
                seen = moved.up.get() + moved.down.get();
            }
            Err(error) => return Err(error),
        }
    }
}

/// Moves bytes one way until their end; holds a buffer only while there are any.
async fn copy(from: &Io, to: &Io, buffers: &Buffers, moved: &Cell<u64>) -> std::io::Result<()> {
    loop {
        from.readable().await?;
        let mut buffer = buffers.take();
        let done = match from.try_read(&mut buffer) {
            Ok(0) => Ok(true),
            Ok(bytes) => {
                moved.set(moved.get() + bytes as u64);
                to.write_all(&buffer).await.map(|()| false)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        };
        buffers.give(buffer);
        if done? {
            to.shutdown_write();
            return Ok(());
        }
    }
}

/// How long a tunnel may be silent both ways.
const IDLE: Duration = Duration::from_secs(3600);
