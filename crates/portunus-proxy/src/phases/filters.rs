//! Calling the filters of a chain.

use std::time::Duration;

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError};
use portunus_filter::{
    BodyPiece, Chain, Filter, FilterCx, Link, LocalFuture, Resume, Verdict, Way,
};

use crate::phases::receive::unless;
use crate::phases::request;
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::{Run, Stop};

/// Requests meet filters in the order written. One that answers speaks only once those before it have had the body
/// that they wait for: what they say of it comes first.
pub(crate) async fn on_request<C: ClientStream>(
    run: &Run<'_>,
    chain: &Chain,
    client: &mut C,
) -> Result<(), Stop> {
    for (at, link) in chain.links().iter().enumerate() {
        if !link.interest.phases.has(Phase::Request) {
            continue;
        }
        if chain.has_own_pages() {
            own_page(run, chain, (at, link), client).await?;
        }
        let verdict = hook(run, |exchange, cx| link.filter.on_request(exchange, cx));
        let settled = settle(run, link, verdict, async |wait| within(client, wait).await).await;
        if let Err(stop) = settled {
            if matches!(stop, Stop::Reply(_)) {
                request::whole_body_before(run, chain, at, client).await?;
            }
            return Err(stop);
        }
    }
    Ok(())
}

/// Ends a request for a page of the filter's own, once its body is there.
async fn own_page<C: ClientStream>(
    run: &Run<'_>,
    chain: &Chain,
    (at, link): (usize, &Link),
    client: &mut C,
) -> Result<(), Stop> {
    let bytes_max = link.filter.own_page(&run.exchange.borrow());
    let Some(bytes_max) = bytes_max else { return Ok(()) };
    let seen = request::whole_body_before(run, chain, at, client).await?;
    let body = match seen {
        Some(body) if body.len() > bytes_max => {
            return Err(ProxyError::client(ErrorKind::BodyTooLarge).into());
        }
        Some(body) => body,
        None => request::gather(run, client, bytes_max).await?,
    };
    let reply = hook(run, |exchange, cx| link.filter.on_own_page(exchange, body, cx)).await;
    Err(Stop::Reply(Box::new(reply)))
}

/// Answers meet filters in the reverse order: the first written is the outermost.
pub(crate) async fn on_response(run: &Run<'_>, chain: &Chain) -> Result<(), Stop> {
    let links = chain.links().iter().rev();
    for link in links.filter(|link| link.interest.phases.has(Phase::Response)) {
        let verdict = hook(run, |exchange, cx| link.filter.on_response(exchange, cx));
        settle(run, link, verdict, async |wait| Ok(wait.await)).await?;
    }
    Ok(())
}

/// The exchange is over.
pub(crate) fn on_finish(run: &Run<'_>, chain: &Chain) {
    for link in chain.links().iter().filter(|link| link.interest.phases.has(Phase::Finish)) {
        hook(run, |exchange, cx| link.filter.on_finish(exchange, cx));
    }
}

/// A piece of a body, or all of one, through some filters of a chain.
pub(crate) async fn on_body(
    run: &Run<'_>,
    links: &[Link],
    way: Way,
    bytes: &mut Vec<u8>,
    end: bool,
) -> Result<(), Stop> {
    let count = links.len();
    for at in 0..count {
        let at = if way == Way::Request { at } else { count - 1 - at };
        let Some(link) = links.get(at) else { continue };
        if !link.needs_body(way, &run.exchange.borrow()) {
            continue;
        }
        let mut piece = BodyPiece { bytes, end };
        let verdict =
            hook(run, |exchange, cx| body_hook(&*link.filter, way, exchange, &mut piece, cx));
        settle(run, link, verdict, async |wait| Ok(wait.await)).await?;
    }
    Ok(())
}

fn body_hook(
    filter: &dyn Filter,
    way: Way,
    exchange: &mut Exchange,
    piece: &mut BodyPiece<'_>,
    cx: &mut FilterCx<'_>,
) -> Verdict {
    match way {
        Way::Request => filter.on_request_body(exchange, piece, cx),
        Way::Response => filter.on_response_body(exchange, piece, cx),
    }
}

fn hook<R>(run: &Run<'_>, call: impl FnOnce(&mut Exchange, &mut FilterCx<'_>) -> R) -> R {
    let mut exchange = run.exchange.borrow_mut();
    run.local.hook(|cx| call(&mut exchange, cx))
}

/// Waits for what a filter waits for: no longer than the exchange may take, and for no client that has left.
async fn within<C: ClientStream>(
    client: &mut C,
    waiting: LocalFuture<Resume>,
) -> Result<Resume, ProxyError> {
    let deadline = client.deadline().clone();
    let answer = client.split().1;
    let late = ProxyError::local(ErrorKind::RequestTimeout);
    let waiting = unless(|cx| answer.poll_left(cx), waiting);
    // Rare: it need not be part of every exchange's memory.
    Box::pin(deadline.bound(Duration::MAX, late, waiting)).await?
}

/// Goes on as a filter says, where `wait` is how it is waited for.
async fn settle(
    run: &Run<'_>,
    link: &Link,
    mut verdict: Verdict,
    mut wait: impl AsyncFnMut(LocalFuture<Resume>) -> Result<Resume, ProxyError>,
) -> Result<(), Stop> {
    loop {
        let waiting = match verdict {
            Verdict::Continue => return Ok(()),
            Verdict::Reply(reply) => return Err(Stop::Reply(reply)),
            Verdict::Fail(error) => return Err(Stop::Fail(error)),
            Verdict::Suspend(waiting) => waiting,
        };
        verdict = match wait(waiting).await? {
            Resume::Continue(patch) => {
                patch.apply(&mut run.exchange.borrow_mut());
                Verdict::Continue
            }
            Resume::Reply(patch, reply) => {
                patch.apply(&mut run.exchange.borrow_mut());
                Verdict::Reply(reply)
            }
            Resume::Fail(error) => Verdict::Fail(error),
            Resume::Again(patch, again) => {
                patch.apply(&mut run.exchange.borrow_mut());
                hook(run, |exchange, cx| link.filter.on_again(exchange, again, cx))
            }
        };
    }
}
