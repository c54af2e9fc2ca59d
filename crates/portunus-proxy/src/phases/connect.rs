//! A connection to the endpoint: an unused one, or a new one.

use portunus_exchange::{ErrorKind, Phase, ProxyError, Retry, Side};
use portunus_snapshot::Route;
use portunus_telemetry::Connect;
use portunus_upstream::wire::ReadBuffer;
use portunus_upstream::{ClientConn, Picked, Upstream};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::run::Run;

/// Takes a connection from the worker's pool, or opens one.
pub(crate) async fn connect(
    run: &Run<'_>,
    route: &Route,
    upstream: &Upstream,
    picked: &Picked,
    deadline: &Deadline,
) -> Result<ClientConn, ProxyError> {
    run.enter(Phase::Connect);
    let local = run.local;
    let mut conn = match local.pools.take(picked.endpoint().state.key()) {
        Some(conn) => {
            local.shard.connect(picked.series, Connect::Reused);
            conn
        }
        None => {
            let timeout = route.timeouts.connect.unwrap_or(upstream.plan.connect_timeout);
            let late = ProxyError::upstream(ErrorKind::ConnectTimeout, Retry::Unsent);
            let opening = open(local, upstream, picked);
            let began = local.worker.refresh();
            let opened = deadline.bound(timeout, late, opening).await.and_then(|opened| opened);
            let conn = note_failure(local, upstream, picked, opened)?;
            let connect_us = local.worker.now().since_us(began);
            run.exchange.borrow_mut().timings.connect_us = Some(connect_us);
            conn
        }
    };
    conn.read = ReadBuffer::new(local.buffers.take());
    Ok(conn)
}

/// Opens a connection, unless the endpoint has all that it allows.
async fn open(
    local: &Local,
    upstream: &Upstream,
    picked: &Picked,
) -> Result<ClientConn, ProxyError> {
    let endpoint = picked.endpoint();
    let connections_max = upstream.plan.connections_max.unwrap_or(u32::MAX);
    if endpoint.state.connections() >= connections_max {
        // Another endpoint may have room.
        return Err(ProxyError {
            retry: Retry::Unsent,
            ..ProxyError::local(ErrorKind::UpstreamBusy)
        });
    }
    let conn = ClientConn::open(&endpoint.address, &endpoint.state).await?;
    local.worker.refresh();
    local.shard.connect(picked.series, Connect::Fresh);
    Ok(conn)
}

/// An endpoint that cannot be connected to is left alone for a while.
fn note_failure(
    local: &Local,
    upstream: &Upstream,
    picked: &Picked,
    opened: Result<ClientConn, ProxyError>,
) -> Result<ClientConn, ProxyError> {
    let failed = |error: &ProxyError| error.retry == Retry::Unsent && error.side == Side::Upstream;
    if opened.as_ref().is_err_and(failed) {
        local.shard.connect(picked.series, Connect::Failed);
        picked.endpoint().state.fail(local.worker.refresh(), upstream.plan.eject_for);
    }
    opened
}

/// Keeps a connection whose answer is whole for the next request, or closes it.
pub(crate) fn rest(local: &Local, upstream: &Upstream, mut conn: ClientConn, reusable: bool) {
    local.buffers.give(std::mem::take(&mut conn.read).into_inner());
    // At the bound on connections, one that lies unused here would keep the other workers from theirs.
    let full = upstream.plan.connections_max.is_some_and(|max| conn.siblings() >= max);
    if reusable && !full && !local.is_draining() {
        let conn = conn.rest(local.worker.now(), upstream.plan.pool_idle_timeout);
        local.pools.give(conn, upstream.plan.pool_idle_max);
    }
}
