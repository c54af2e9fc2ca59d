//! The head of the answer comes in.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use portunus_exchange::{ErrorKind, Phase, ProxyError, Retry};
use portunus_http::{HeaderId, ResponseHead, list_has};
use portunus_snapshot::{Route, UPGRADE};
use portunus_upstream::{AnswerSource, Upstream};

use crate::deadline::Deadline;
use crate::phases::route;
use crate::protocol::AnswerSink;
use crate::run::Run;

/// How long the upstream may take for its answer.
pub(crate) struct Bounds {
    pub(crate) deadline: Deadline,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
    /// The answer may switch protocols.
    pub(crate) upgrade: bool,
}

impl Bounds {
    pub(crate) fn new(route: &Route, upstream: &Upstream, deadline: &Deadline) -> Self {
        Self {
            deadline: deadline.clone(),
            first_byte: route.timeouts.first_byte.unwrap_or(upstream.plan.first_byte_timeout),
            idle: route.timeouts.idle.unwrap_or(upstream.plan.idle_timeout),
            upgrade: route.upgrade,
        }
    }
}

/// Waits for the head of the answer; answers before it (1xx) go to the client at once, where that is given.
pub(crate) async fn head<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    bounds: &Bounds,
    source: &mut S,
    mut answer: Option<&mut A>,
) -> Result<ResponseHead, ProxyError> {
    run.enter(Phase::Receive);
    let mut head = std::mem::take(&mut run.exchange.borrow_mut().response);
    let mut interims = 0;
    let mut seen = run.exchange.borrow().bytes.request;
    loop {
        let late = ProxyError::upstream(ErrorKind::FirstByteTimeout, Retry::Never);
        let receiving = unless_gone(answer.as_deref(), source.head(&mut head));
        match bounds.deadline.bound(bounds.first_byte, late, receiving).await {
            // Nobody answers a request that is still on its way.
            Err(error) if error == late && has_moved(run, &mut seen) => continue,
            received => received???,
        }
        match head.status {
            _ if head.is_interim() && interims < INTERIMS_MAX => {
                interims += 1;
                if let Some(answer) = &mut answer {
                    answer.interim(&head).await?;
                }
            }
            _ if head.is_interim() => return Err(bad("too_many_interim")),
            101 if !may_switch(run, bounds, &head) => return Err(bad("unasked_upgrade")),
            // To a client of HTTP/2 this would say that the protocol is switched.
            200..300 if route::is_extended_connect(&run.exchange.borrow()) => {
                return Err(bad("ignored_upgrade"));
            }
            _ => return Ok(head),
        }
    }
}

/// A client that broke its connection off needs no answer: the upstream may stop working on it.
fn unless_gone<A: AnswerSink, F: Future>(
    answer: Option<&A>,
    receiving: F,
) -> impl Future<Output = Result<F::Output, ProxyError>> {
    unless(move |cx| answer.is_some_and(|answer| answer.poll_gone(cx)), receiving)
}

/// Waits for something, unless the client is gone before.
pub(crate) async fn unless<F: Future>(
    gone: impl Fn(&mut Context<'_>) -> bool,
    future: F,
) -> Result<F::Output, ProxyError> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if gone(cx) => Poll::Ready(Err(ProxyError::client(ErrorKind::ClientClosed))),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn bad(code: &'static str) -> ProxyError {
    ProxyError::upstream(ErrorKind::BadResponse(code), Retry::Never)
}

/// True for a switch that we asked for, to a protocol that we named.
fn may_switch(run: &Run<'_>, bounds: &Bounds, head: &ResponseHead) -> bool {
    let exchange = run.exchange.borrow();
    let Some(asked) = exchange.attributes.value(UPGRADE).filter(|_| bounds.upgrade) else {
        return false;
    };
    let chosen = head.headers.value_of(HeaderId::Upgrade);
    chosen.is_some_and(|chosen| list_has(asked, chosen))
}

/// True when more of the request has come since the last look.
fn has_moved(run: &Run<'_>, seen: &mut u64) -> bool {
    let bytes = run.exchange.borrow().bytes.request;
    std::mem::replace(seen, bytes) != bytes
}

/// Answers before the answer that one request may have.
const INTERIMS_MAX: usize = 32;
