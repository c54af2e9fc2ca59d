//! Filters see the request.

use portunus_exchange::{ErrorKind, Phase, ProxyError};
use portunus_filter::{BodyMode, Chain, Way};
use portunus_h1::expects_continue;
use portunus_http::{Framing, HeaderId, ResponseHead};
use portunus_snapshot::Route;

use crate::phases::filters;
use crate::phases::replay::Replay;
use crate::protocol::{AnswerSink, ClientStream, RequestBody};
use crate::run::{Run, Stop};

/// What is sent as the request's body.
#[derive(Debug, Default)]
pub(crate) struct RequestBodyPlan {
    /// The body as a whole, where filters took it so; else it is passed on as it comes.
    pub(crate) whole: Option<Vec<u8>>,
    /// It passes through filters piece by piece.
    pub(crate) streamed: bool,
    /// What was passed on of it, for another try.
    pub(crate) replay: Replay,
}

/// Runs the request's filters, and gathers its body where one of them needs it whole.
pub(crate) async fn request<C: ClientStream>(
    run: &Run<'_>,
    route: &Route,
    client: &mut C,
) -> Result<RequestBodyPlan, Stop> {
    if route.chain.has(Phase::Request) {
        run.enter(Phase::Request);
        filters::on_request(run, &route.chain, client).await?;
    }
    check_length(run, client.split().0.framing())?;
    let mode = route.chain.body_mode(Way::Request, &run.exchange.borrow());
    match mode {
        BodyMode::Buffer(bytes_max) => {
            let mut whole = gather(run, client, bytes_max).await?;
            filters::on_body(run, route.chain.links(), Way::Request, &mut whole, true).await?;
            Ok(RequestBodyPlan { whole: Some(whole), ..RequestBodyPlan::default() })
        }
        BodyMode::Pass | BodyMode::Stream => {
            let streamed = mode == BodyMode::Stream;
            Ok(RequestBodyPlan { streamed, ..RequestBodyPlan::default() })
        }
    }
}

/// The whole body through the first so many filters, where one of them needs it so: of a request that a filter after them
/// answers. Nothing is read where none of them does.
///
/// # Errors
/// One of them refused the body, which comes before the answer.
pub(crate) async fn whole_body_before<C: ClientStream>(
    run: &Run<'_>,
    chain: &Chain,
    count: usize,
    client: &mut C,
) -> Result<Option<Vec<u8>>, Stop> {
    let mode = chain.body_mode_before(count, Way::Request, &run.exchange.borrow());
    let BodyMode::Buffer(bytes_max) = mode else { return Ok(None) };
    check_length(run, client.split().0.framing())?;
    let links = chain.links().get(..count).unwrap_or_default();
    // Rare: it need not be part of every exchange's memory.
    Box::pin(async move {
        let mut whole = gather(run, client, bytes_max).await?;
        filters::on_body(run, links, Way::Request, &mut whole, true).await?;
        Ok(Some(whole))
    })
    .await
}

/// A length that is known to be too large is refused before anything is read.
fn check_length(run: &Run<'_>, framing: Framing) -> Result<(), ProxyError> {
    let bytes_max = run.exchange.borrow().request_body_max;
    match (framing.length(), bytes_max) {
        (Some(bytes), Some(bytes_max)) if bytes > bytes_max => {
            Err(ProxyError::client(ErrorKind::BodyTooLarge))
        }
        _ => Ok(()),
    }
}

/// The whole of the request's body, up to so many bytes.
pub(crate) async fn gather<C: ClientStream>(
    run: &Run<'_>,
    client: &mut C,
    bytes_max: usize,
) -> Result<Vec<u8>, ProxyError> {
    let (body, answer) = client.split();
    let mut whole = Vec::new();
    if body.is_end() {
        return Ok(whole);
    }
    if expects_continue(&run.exchange.borrow().request) {
        run.exchange.borrow_mut().request.headers.remove_id(HeaderId::Expect);
        let mut go_on = ResponseHead::default();
        go_on.set_status(100);
        answer.interim(&go_on).await?;
    }
    loop {
        let piece = body.next().await?;
        if piece.is_empty() {
            return Ok(whole);
        }
        if whole.len() + piece.len() > bytes_max {
            return Err(ProxyError::client(ErrorKind::BodyTooLarge));
        }
        whole.extend_from_slice(piece);
        count(run, piece.len())?;
    }
}

/// Counts bytes of the request's body, up to what is allowed.
pub(crate) fn count(run: &Run<'_>, bytes: usize) -> Result<(), ProxyError> {
    let mut exchange = run.exchange.borrow_mut();
    exchange.bytes.request += bytes as u64;
    match exchange.request_body_max {
        Some(bytes_max) if exchange.bytes.request > bytes_max => {
            Err(ProxyError::client(ErrorKind::BodyTooLarge))
        }
        _ => Ok(()),
    }
}
