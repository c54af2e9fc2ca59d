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
    challenge(exchange, listener).map_or(Ok(()), |reply| Err(Stop::Reply(Box::new(reply))))
}

/// The answer to a certificate authority, which comes before any route.
fn challenge(exchange: &Exchange, listener: &ListenerPlan) -> Option<Reply> {
    let answer = listener.http_challenges.as_ref()?.answer(exchange.request.path())?;
    let body = ReplyBody::Whole(Bytes::copy_from_slice(answer.as_bytes()));
    Some(Reply::plain(200, body).with_header("Content-Type", "application/octet-stream"))
}
