//! WebSocket and other upgrades: after `101 Switching Protocols`, bytes in both ways.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use portunus_exchange::{ErrorKind, Exchange, ProxyError, Retry};
use portunus_http::HeaderId;
use portunus_snapshot::RouteTimeouts;
use portunus_upstream::{TunnelSink, TunnelSource, UpstreamStream};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::Run;
use crate::websocket::{self, frames};

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
    let ways = Ways::new(run.local, &moved, websocket::is_websocket(&protocol));
    let idle = timeouts.tunnel_idle.unwrap_or(IDLE);
    let both = async {
        let up = copy(from_client, to_upstream, ways.up);
        let down = copy(from_upstream, to_client, ways.down);
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
    both: impl Future<Output = io::Result<()>>,
) -> Result<io::Result<()>, ProxyError> {
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

/// Both ways of a tunnel.
struct Ways<'t> {
    up: Way<'t>,
    down: Way<'t>,
}

/// One way of a tunnel.
struct Way<'t> {
    local: &'t Local,
    moved: &'t Cell<u64>,
    farewell: Option<Farewell>,
}

/// How a way of a WebSocket ends when the process does.
struct Farewell {
    frames: frames::Frames,
    /// The frame that is sent last.
    frame: Vec<u8>,
}

impl<'t> Ways<'t> {
    fn new(local: &'t Local, moved: &'t Moved, is_websocket: bool) -> Self {
        let way = |moved, frame: &dyn Fn() -> Vec<u8>| {
            let farewell = || Farewell { frames: frames::Frames::default(), frame: frame() };
            Way { local, moved, farewell: is_websocket.then(farewell) }
        };
        let random = || local.worker.random(portunus_base::Rng::u64);
        Self {
            up: way(&moved.up, &|| frames::going_away_masked(random())),
            down: way(&moved.down, &frames::going_away),
        }
    }
}

impl Way<'_> {
    /// The process is about to end, and no frame is under way: what was sent is whole.
    fn may_leave(&self) -> bool {
        let between = |farewell: &Farewell| farewell.frames.is_between();
        self.local.is_leaving() && self.farewell.as_ref().is_some_and(between)
    }

    /// How much of a piece is sent: all of it, or what belongs to the frames that end in it where that is the last.
    fn follow(&mut self, piece: &[u8]) -> (usize, bool) {
        let ended = self.farewell.as_mut().map_or(0, |farewell| farewell.frames.follow(piece));
        let is_last = ended > 0 && self.local.is_leaving();
        (if is_last { ended } else { piece.len() }, is_last)
    }
}

/// Moves bytes one way until their end.
async fn copy(
    mut from: impl TunnelSource,
    mut to: impl TunnelSink,
    mut way: Way<'_>,
) -> io::Result<()> {
    while let Some(piece) = next(&mut from, &way).await {
        let piece = piece?;
        if piece.is_empty() {
            return to.shutdown().await;
        }
        let (bytes, is_last) = way.follow(piece);
        way.moved.set(way.moved.get() + bytes as u64);
        to.send(piece.get(..bytes).unwrap_or(piece)).await?;
        if is_last {
            break;
        }
    }
    let farewell = way.farewell.map(|farewell| farewell.frame).unwrap_or_default();
    to.send(&farewell).await?;
    to.shutdown().await
}

/// The next bytes; None when it is time to say farewell.
async fn next<'s>(from: &'s mut impl TunnelSource, way: &Way<'_>) -> Option<io::Result<&'s [u8]>> {
    let mut piece = pin!(from.piece());
    poll_fn(|cx| match piece.as_mut().poll(cx) {
        Poll::Pending if way.may_leave() => Poll::Ready(None),
        polled => polled.map(Some),
    })
    .await
}

/// How long a tunnel may be silent both ways.
const IDLE: Duration = Duration::from_secs(3600);
