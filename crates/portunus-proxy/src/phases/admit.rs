//! Who is there: the client as trusted proxies tell, and a request that holds only what may travel on.

use bytes::Bytes;
use portunus_exchange::{ErrorKind, Exchange, ProxyError, Reply, ReplyBody};
use portunus_snapshot::{ListenerPlan, is_misdirected, tell_certificate};

use crate::run::{Run, Stop};

/// See [`portunus_snapshot::admit`], which `explain` calls too.
pub(crate) fn admit(run: &Run<'_>) -> Result<(), Stop> {
    let exchange = &mut *run.exchange.borrow_mut();
    let snapshot = &run.plan.snapshot;
    portunus_snapshot::admit(exchange, &snapshot.trusted);
    let Some(listener) = snapshot.listener(exchange.client.listener) else { return Ok(()) };
    if is_misdirected(exchange, listener) {
        return Err(ProxyError::client(ErrorKind::Misdirected).into());
    }
    tell_certificate(exchange, listener);
    if let Some(reply) = challenge(exchange, listener) {
        return Err(Stop::Reply(Box::new(reply)));
    }
    overload(run, listener).map_or(Ok(()), |kind| Err(ProxyError::local(kind).into()))
}

/// Why this request, which counts already, is one too many. Beside others that begin at the same moment it may be taken
/// for one, or not for one, by mistake.
fn overload(run: &Run<'_>, listener: &ListenerPlan) -> Option<ErrorKind> {
    let loads = &run.local.shared.loads;
    let requests_max = run.plan.snapshot.limits.requests_max;
    if loads.is_memory_full() {
        Some(ErrorKind::MemoryFull)
    } else if requests_max.is_some_and(|max| loads.in_flight() > max) {
        Some(ErrorKind::Overloaded)
    } else {
        let is_full = |max| run.local.running_of(listener.id) > max;
        listener.requests_max.is_some_and(is_full).then_some(ErrorKind::ListenerFull)
    }
}

/// The answer to a certificate authority, which comes before any route.
fn challenge(exchange: &Exchange, listener: &ListenerPlan) -> Option<Reply> {
    let answer = listener.http_challenges.as_ref()?.answer(exchange.request.path())?;
    let body = ReplyBody::Whole(Bytes::copy_from_slice(answer.as_bytes()));
    Some(Reply::plain(200, body).with_header("Content-Type", "application/octet-stream"))
}
