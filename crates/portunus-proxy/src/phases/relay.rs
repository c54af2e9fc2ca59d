//! The body of the answer goes to the client.

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Retry};
use portunus_filter::{BodyMode, Way};
use portunus_http::{Framing, HeaderList, Method};
use portunus_net::{Splice, SpliceError};
use portunus_snapshot::Route;
use portunus_upstream::{AnswerSource, Step};

use crate::phases::filters;
use crate::phases::receive::Bounds;
use crate::phases::send::forget_body_headers;
use crate::protocol::{AnswerSink, PlainAnswer};
use crate::run::{Run, Stop};

/// Passes the answer on.
///
/// The usual case moves buffers, or lets the kernel move the bytes; only where a filter asked for the body is it
/// touched. That is a branch here, not a second way.
pub(crate) async fn relay<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    bounds: &Bounds,
    mode: BodyMode,
    framing: Framing,
    source: &mut S,
    answer: &mut A,
) -> Result<(), Stop> {
    run.enter(Phase::Relay);
    let mut bounded = Bounded { bounds, source };
    match mode {
        BodyMode::Pass => {
            begin(run, answer, framing);
            pass(run, &mut bounded, answer).await?;
        }
        BodyMode::Stream => {
            begin(run, answer, changed_framing(framing));
            stream(run, route, &mut bounded, answer).await?;
        }
        BodyMode::Buffer(bytes_max) => {
            whole(run, route, &mut bounded, answer, bytes_max).await?;
        }
    }
    answer.flush().await?;
    Ok(())
}

/// The answer's body on its way in, and how long it may pause.
struct Bounded<'s, S> {
    bounds: &'s Bounds,
    source: &'s mut S,
}

impl<S: AnswerSource> Bounded<'_, S> {
    /// Waits for more of the body.
    async fn fill(&mut self) -> Result<(), ProxyError> {
        let Self { bounds, source } = self;
        bounds.deadline.bound(bounds.idle, STALLED, source.fill()).await?
    }
}

/// Puts the head of the answer into the next write.
fn begin<A: AnswerSink>(run: &Run<'_>, answer: &mut A, framing: Framing) {
    let mut exchange = run.exchange.borrow_mut();
    let framing = framing_out(&exchange, framing);
    let bytes = answer.head(&exchange.response, framing, run.keep_wanted);
    exchange.bytes.response_head = bytes as u64;
}

/// A body that ends with the upstream's connection need not end the client's. One that is empty, though there might be
/// one, must say so: HTTP/1 would wait for its end, and an upstream of HTTP/2 ends it with the head.
fn framing_out(exchange: &Exchange, framing: Framing) -> Framing {
    let is_bodiless =
        exchange.request.method == Method::Head || matches!(exchange.response.status, 204 | 304);
    match framing {
        Framing::Close => Framing::Chunked,
        Framing::None if !is_bodiless => Framing::Length(0),
        framing => framing,
    }
}

/// A body that filters may change, or begin, has no length that is known before its end.
fn changed_framing(framing: Framing) -> Framing {
    if framing == Framing::None { framing } else { Framing::Chunked }
}

fn count(run: &Run<'_>, bytes: u64) {
    run.exchange.borrow_mut().bytes.response += bytes;
}

async fn pass<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    bounded: &mut Bounded<'_, S>,
    answer: &mut A,
) -> Result<(), ProxyError> {
    loop {
        match bounded.source.step()? {
            Step::Piece(piece) => {
                count(run, piece.len() as u64);
                answer.body(piece).await?;
            }
            Step::End => break,
            Step::Starved => {
                answer.flush().await?;
                run.local.worker.refresh();
                let long = bounded.source.plain().is_some_and(|(_, left)| left >= SPLICE_MIN);
                if !(long && splice(run, bounded, answer).await?) {
                    bounded.fill().await?;
                }
            }
        }
    }
    answer.end(bounded.source.trailers());
    Ok(())
}

/// Lets the kernel move a long body. False when it cannot: one end is no plain socket, or there is no pipe.
async fn splice<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    bounded: &mut Bounded<'_, S>,
    answer: &mut A,
) -> Result<bool, ProxyError> {
    let Bounded { bounds, source } = bounded;
    let (Some(to), Some((from, left))) = (answer.plain(), source.plain()) else { return Ok(false) };
    let Some(mut pipe) = run.local.pipes.take() else { return Ok(false) };
    let mut splice = Splice { from, to: to.io, pipe: &mut pipe, left };
    let mut total = 0;
    let ended = loop {
        run.local.worker.refresh();
        match moved(bounds, &to, &mut splice).await {
            Ok(0) => break Ok(true),
            Ok(moved) => {
                total += moved;
                count(run, moved);
            }
            Err(error) => break Err(error),
        }
    };
    source.moved(total);
    run.local.pipes.give(pipe);
    ended
}

/// Moves what there is: the bytes that reached the client, 0 when all did.
async fn moved(
    bounds: &Bounds,
    to: &PlainAnswer<'_>,
    splice: &mut Splice<'_>,
) -> Result<u64, ProxyError> {
    match bounds.deadline.bound(bounds.idle, STALLED, splice.fill()).await? {
        Ok(true) => to.take(splice.drain()).await?.map_err(broken),
        Ok(false) => Ok(0),
        Err(error) => Err(broken(error)),
    }
}

fn broken(error: SpliceError) -> ProxyError {
    match error {
        SpliceError::From(_) => ProxyError::upstream(ErrorKind::Truncated, Retry::Never),
        SpliceError::To(_) => ProxyError::client(ErrorKind::ClientClosed),
    }
}

/// Piece by piece through the filters.
async fn stream<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    bounded: &mut Bounded<'_, S>,
    answer: &mut A,
) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let end = match bounded.source.step()? {
            Step::Piece(piece) => {
                bytes.extend_from_slice(piece);
                false
            }
            Step::End => true,
            Step::Starved => {
                answer.flush().await?;
                run.local.worker.refresh();
                bounded.fill().await?;
                continue;
            }
        };
        if end {
            keep_trailers(run, bounded.source);
        }
        filters::on_body(run, route.chain.links(), Way::Response, &mut bytes, end).await?;
        count(run, bytes.len() as u64);
        answer.body(&bytes).await?;
        if end {
            answer.end(trailers(&run.exchange.borrow()));
            return Ok(());
        }
    }
}

/// The whole body through the filters, then on.
async fn whole<S: AnswerSource, A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    bounded: &mut Bounded<'_, S>,
    answer: &mut A,
    bytes_max: usize,
) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    loop {
        match bounded.source.step()? {
            Step::Piece(piece) if bytes.len() + piece.len() > bytes_max => {
                let kind = ErrorKind::BadResponse(TOO_LARGE);
                return Err(ProxyError::upstream(kind, Retry::Never).into());
            }
            Step::Piece(piece) => bytes.extend_from_slice(piece),
            Step::End => break,
            Step::Starved => bounded.fill().await?,
        }
    }
    keep_trailers(run, bounded.source);
    filters::on_body(run, route.chain.links(), Way::Response, &mut bytes, true).await?;
    forget_body_headers(&mut run.exchange.borrow_mut().response.headers);
    let framing = match trailers(&run.exchange.borrow()) {
        Some(_) => Framing::Chunked,
        None => Framing::Length(bytes.len() as u64),
    };
    begin(run, answer, framing);
    count(run, bytes.len() as u64);
    answer.body(&bytes).await?;
    answer.end(trailers(&run.exchange.borrow()));
    Ok(())
}

/// Lets the filters that see the end of the body change its trailers too.
fn keep_trailers<S: AnswerSource>(run: &Run<'_>, source: &S) {
    if let Some(trailers) = source.trailers() {
        run.exchange.borrow_mut().response_trailers.clone_from(trailers);
    }
}

fn trailers(exchange: &Exchange) -> Option<&HeaderList> {
    Some(&exchange.response_trailers).filter(|list| !list.is_empty())
}

const STALLED: ProxyError = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
/// Bodies with at least this much still to come are moved by the kernel, in bytes.
const SPLICE_MIN: u64 = 64 * 1024;

/// The code of an answer that no filter holds as a whole.
pub(crate) const TOO_LARGE: &str = "too_large_to_filter";
