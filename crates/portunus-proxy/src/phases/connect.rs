//! A connection to the endpoint: an unused one, a shared one, or a new one.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use portunus_balance::Outcome;
use portunus_base::TlsFacts;
use portunus_exchange::{ErrorKind, Phase, ProxyError, Retry, Side};
use portunus_snapshot::{Route, UPGRADE};
use portunus_telemetry::Connect;
use portunus_upstream::{
    ClientConn, Dial, Found, H2Session, HttpVersion, Opened, Opening, Picked, Spoken, Upstream,
};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::run::Run;

/// A connection on which an exchange can begin.
pub(crate) enum Connection {
    /// HTTP/1, all of it for one exchange.
    H1(ClientConn),
    /// HTTP/2, shared with others.
    H2(H2Session),
}

/// Finds a connection in the worker's pool, or opens one.
pub(crate) async fn connect(
    run: &Run<'_>,
    route: &Route,
    upstream: &Upstream,
    picked: &Picked,
    h1_only: bool,
    deadline: &Deadline,
) -> Result<Connection, ProxyError> {
    run.enter(Phase::Connect);
    let local = run.local;
    let seek = Seek { h1_only, ..Seek::new(run, route, upstream, picked) };
    let found = match seek.look() {
        Found::Conn(conn) => {
            local.shard.connect(picked.series, Connect::Reused);
            return Ok(Connection::H1(conn));
        }
        Found::Session(session) if !seek.upgrade => {
            local.shard.connect(picked.series, Connect::Reused);
            return Ok(Connection::H2(session));
        }
        found => found,
    };
    let timeout = route.timeouts.connect.unwrap_or(upstream.plan.connect_timeout);
    let late = ProxyError::upstream(ErrorKind::ConnectTimeout, Retry::Unsent);
    let began = local.worker.refresh();
    let connected = deadline.bound(timeout, late, seek.obtain(found)).await;
    let connected = connected.and_then(|connected| connected);
    seek.note_failure(&connected);
    let connect_us = local.worker.now().since_us(began);
    run.exchange.borrow_mut().timings.connect_us = Some(connect_us);
    connected
}

/// A connection for a call of our own. The caller bounds the time.
pub(crate) async fn acquire(
    local: &Local,
    upstream: &Upstream,
    picked: &Picked,
) -> Result<Connection, ProxyError> {
    let opened = Cell::new(false);
    let (client, tlvs, client_tls, upgrade, h1_only) = (None, None, None, false, false);
    let seek = Seek { local, upstream, picked, client, tlvs, client_tls, upgrade, h1_only, opened };
    seek.obtain(seek.look()).await
}

/// The search for a connection.
struct Seek<'s> {
    local: &'s Local,
    upstream: &'s Upstream,
    picked: &'s Picked,
    /// Both ends of the client's connection.
    client: Option<(SocketAddr, SocketAddr)>,
    /// The values (TLVs) of the client's PROXY header.
    tlvs: Option<Rc<Vec<u8>>>,
    /// The client's TLS, where the endpoint is to be told.
    client_tls: Option<Rc<TlsFacts>>,
    /// The exchange wants to switch protocols.
    upgrade: bool,
    /// The endpoint wants the exchange over HTTP/1.
    h1_only: bool,
    /// A connection was opened, or tried to be.
    opened: Cell<bool>,
}

impl<'s> Seek<'s> {
    fn new(run: &'s Run<'_>, route: &Route, upstream: &'s Upstream, picked: &'s Picked) -> Self {
        let exchange = run.exchange.borrow();
        let facts = &exchange.client;
        let client = Some((SocketAddr::new(facts.ip, facts.port), facts.local));
        let upgrade = route.upgrade && exchange.attributes.value(UPGRADE).is_some();
        let (tlvs, opened) = (exchange.tlvs.clone(), Cell::new(false));
        let is_told = upstream.plan.proxy_protocol.is_some();
        let client_tls = exchange.tls.clone().filter(|_| is_told);
        let (local, h1_only) = (run.local, false);
        Self { local, upstream, picked, client, tlvs, client_tls, upgrade, h1_only, opened }
    }

    /// What the pool has. A connection that named its client is that client's alone.
    fn look(&self) -> Found {
        let plan = &self.upstream.plan;
        if self.h1_only || plan.proxy_protocol.is_some() {
            return Found::Open(Opening::alone());
        }
        self.local.pools.find(self.key(), plan)
    }

    fn key(&self) -> u32 {
        self.picked.endpoint().state.key()
    }

    async fn obtain(&self, mut found: Found) -> Result<Connection, ProxyError> {
        if self.h1_only {
            return self.open_h1().await;
        }
        loop {
            match found {
                Found::Conn(conn) => return Ok(Connection::H1(conn)),
                Found::Session(session) => return self.suited(session).await,
                Found::Wait(pending) => pending.wait().await?,
                Found::Open(opening) => match self.open_for_all(opening).await? {
                    Connection::H2(session) => return self.suited(session).await,
                    conn @ Connection::H1(_) => return Ok(conn),
                },
            }
            found = self.look();
        }
    }

    /// An upgrade needs a shared connection whose endpoint takes it, or one of its own.
    async fn suited(&self, session: H2Session) -> Result<Connection, ProxyError> {
        if !self.upgrade || session.takes_upgrades(&self.local.worker).await {
            return Ok(Connection::H2(session));
        }
        self.open_h1().await
    }

    /// Opens a connection of HTTP/1 to an endpoint that chose HTTP/2 before.
    async fn open_h1(&self) -> Result<Connection, ProxyError> {
        let without = if self.upgrade { "no_extended_connect" } else { "h1_required" };
        let refused = ProxyError::upstream(ErrorKind::BadResponse(without), Retry::Never);
        if self.upstream.plan.http == HttpVersion::H2 {
            return Err(refused);
        }
        match self.open(true).await {
            Ok(Opened::H1(conn)) => Ok(Connection::H1(conn)),
            // That it speaks HTTP/2 alone is no failure of the endpoint's.
            Ok(Opened::H2(_)) => Err(refused),
            Err(error) if matches!(error.kind, ErrorKind::TlsFailed(_)) => Err(refused),
            Err(error) => Err(error),
        }
    }

    /// Opens a connection, and shares it where that can be.
    async fn open_for_all(&self, opening: Opening) -> Result<Connection, ProxyError> {
        let (pools, plan) = (&self.local.pools, &self.upstream.plan);
        // Where requests wait for their turn, they do not wait in a connection.
        let (is_full, waits) = (self.is_full(), plan.queue.is_some());
        let bounded = is_full && !waits || pools.sessions(self.key()) >= SESSIONS_MAX;
        if let Some(session) = pools.least_busy(self.key()).filter(|_| bounded) {
            return Ok(Connection::H2(session));
        }
        match self.open(false).await {
            Ok(Opened::H1(conn)) => {
                pools.note(self.key(), Spoken::H1);
                Ok(Connection::H1(conn))
            }
            Ok(Opened::H2(session)) => {
                pools.note(self.key(), Spoken::H2);
                if plan.proxy_protocol.is_none() && !self.local.is_draining() {
                    pools.share(self.key(), session.clone(), plan.pool_idle_timeout);
                    // It has room for more than who opened it.
                    self.picked.call_next();
                }
                Ok(Connection::H2(session))
            }
            Err(error) => {
                opening.fail(error);
                Err(error)
            }
        }
    }

    /// Opens a connection, unless the endpoint has all that it allows.
    async fn open(&self, h1_only: bool) -> Result<Opened, ProxyError> {
        if self.is_full() {
            // Another endpoint may have room.
            return Err(ProxyError {
                retry: Retry::Unsent,
                ..ProxyError::local(ErrorKind::UpstreamBusy)
            });
        }
        self.opened.set(true);
        let dial = Dial {
            plan: &self.upstream.plan,
            endpoint: self.picked.endpoint(),
            queue: &self.upstream.state.queue,
            client: self.client,
            tlvs: self.tlvs.as_deref().map_or(&[], Vec::as_slice),
            client_tls: self.client_tls.as_deref(),
            h1_only,
            worker: &self.local.worker,
            network: &*self.local.network,
        };
        let mut tries = 0;
        let opened = loop {
            match dial.open().await {
                // Connections that nobody uses are given up first.
                Err(error) if error.kind == ErrorKind::NoFiles && tries < FILES_TRIES_MAX => {
                    tries += 1;
                    self.local.give_up_idle();
                    // Rare: it need not be part of every exchange's memory.
                    Box::pin(tokio::time::sleep(FILES_PAUSE)).await;
                }
                opened => break opened?,
            }
        };
        self.local.worker.refresh();
        self.local.shard.connect(self.picked.series, Connect::Fresh);
        Ok(opened)
    }

    fn is_full(&self) -> bool {
        let Upstream { plan, state, .. } = self.upstream;
        let connections_max = plan.connections_max.map(|_| state.limits.connections_max());
        connections_max.is_some_and(|max| self.picked.endpoint().state.connections() >= max)
    }

    /// An endpoint that cannot be connected to is left alone for a while.
    fn note_failure<T>(&self, connected: &Result<T, ProxyError>) {
        let failed =
            |error: &ProxyError| error.retry == Retry::Unsent && error.side == Side::Upstream;
        if self.opened.get() && connected.as_ref().is_err_and(failed) {
            self.local.shard.connect(self.picked.series, Connect::Failed);
            let now = self.local.worker.refresh();
            self.picked.observe(Outcome::Unreachable, &self.upstream.plan, now);
        }
    }
}

/// Keeps a connection whose answer is whole for the next request, or closes it.
pub(crate) fn rest(local: &Local, upstream: &Upstream, mut conn: ClientConn, reusable: bool) {
    local.buffers.give(std::mem::take(&mut conn.read).into_inner());
    // At the bound on connections, one that lies unused here would keep the other workers from theirs.
    let full = upstream.plan.connections_max.is_some_and(|max| conn.siblings() >= max);
    let shareable = upstream.plan.proxy_protocol.is_none();
    if reusable && shareable && !full && !local.is_draining() {
        let conn = conn.rest(local.worker.now(), upstream.plan.pool_idle_timeout);
        local.pools.give(conn, upstream.plan.pool_idle_max);
    }
}

/// How often a file descriptor is waited for, and how long each time: for longer than other connections may be idle.
const FILES_TRIES_MAX: u32 = 30;
const FILES_PAUSE: Duration = Duration::from_millis(50);
/// Shared connections to one endpoint that a worker opens; more exchanges than they take wait in them.
const SESSIONS_MAX: usize = 64;
