//! The endpoint of a connection: the first that can be connected to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::Tried;
use portunus_exchange::{ErrorKind, ProxyError, Retry, Side};
use portunus_snapshot::TcpPlan;
use portunus_telemetry::Connect;
use portunus_upstream::{ClientConn, Dial, Opened, Upstream};

use crate::deadline::Deadline;
use crate::passage::{Carried, Passage};

/// Connects to one endpoint after the other. Nothing of the connection was passed on: another try is safe.
pub(super) async fn connect(
    passage: &Passage,
    plan: &TcpPlan,
    deadline: &Deadline,
) -> Result<(ClientConn, Carried), ProxyError> {
    let local = &passage.local;
    let upstream = passage.upstream(&plan.destination)?;
    let timeout = plan.connect_timeout.unwrap_or(upstream.plan.connect_timeout);
    let late = ProxyError::upstream(ErrorKind::ConnectTimeout, Retry::Unsent);
    let mut tried = Tried::new();
    loop {
        let picked = passage.endpoint(&upstream, &mut tried)?;
        let carried = Carried::new(local, &upstream, picked);
        let began = local.worker.refresh();
        let opened = deadline.bound(timeout, late, open(passage, &upstream, &carried)).await;
        let connect_us = local.worker.refresh().since_us(began);
        passage.connect_us.set(Some(connect_us));
        match opened.and_then(|opened| opened) {
            Ok(conn) => {
                local.shard.connect(carried.picked().series, Connect::Fresh);
                carried.answered(Duration::from_micros(connect_us));
                return Ok((conn, carried));
            }
            Err(error) => {
                if error.side == Side::Upstream {
                    local.shard.connect(carried.picked().series, Connect::Failed);
                    carried.failed();
                }
                let again = error.retry == Retry::Unsent && passage.attempts() < ATTEMPTS_MAX;
                if !again || !local.spend_retry(&upstream) {
                    return Err(error);
                }
                local.shard.retry(upstream.series);
            }
        }
    }
}

async fn open(
    passage: &Passage,
    upstream: &Arc<Upstream>,
    carried: &Carried,
) -> Result<ClientConn, ProxyError> {
    let endpoint = carried.picked().endpoint();
    let full = ProxyError { retry: Retry::Unsent, ..ProxyError::local(ErrorKind::UpstreamBusy) };
    if upstream.plan.connections_max.is_some_and(|max| endpoint.state.connections() >= max) {
        // Another endpoint may have room.
        return Err(full);
    }
    let facts = &passage.client;
    let dial = Dial {
        plan: &upstream.plan,
        endpoint,
        queue: &upstream.state.queue,
        client: Some((SocketAddr::new(facts.ip, facts.port), facts.local)),
        tlvs: passage.tlvs.as_deref().map_or(&[], Vec::as_slice),
        client_tls: passage.tls.as_deref(),
        h1_only: true,
        worker: &passage.local.worker,
        network: &*passage.local.network,
    };
    match dial.open().await? {
        Opened::H1(conn) => Ok(conn),
        Opened::H2(_) => Err(ProxyError::local(ErrorKind::ConnectFailed)),
    }
}

/// The most endpoints that a connection is given to.
const ATTEMPTS_MAX: u32 = 3;
