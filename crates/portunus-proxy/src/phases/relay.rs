//! The body of the answer goes to the client.

use portunus_exchange::{ErrorKind, Phase, ProxyError, Retry};
use portunus_filter::BodyMode;
use portunus_http::Framing;
use portunus_net::{Io, Splice, SpliceError};
use portunus_snapshot::Route;
use portunus_upstream::wire::{BodyFault, BodyReader, ReadBuffer, Step};

use crate::phases::filters::{self, Way};
use crate::phases::receive::Bounds;
use crate::phases::response::Prepared;
use crate::phases::send::forget_body_headers;
use crate::protocol::AnswerSink;
use crate::run::{Run, Stop};

/// Passes the answer on. True when the upstream's connection is fit for another request.
///
/// The usual case moves buffers, or lets the kernel move the bytes; only where a filter asked for the body is it
/// touched. That is a branch here, not a second way.
pub(crate) async fn relay<A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    bounds: &Bounds<'_>,
    prepared: Prepared,
    io: &Io,
    read: &mut ReadBuffer,
    answer: &mut A,
) -> Result<bool, Stop> {
    run.enter(Phase::Relay);
    let mut source =
        Source { bounds, io, read, reader: BodyReader::new(prepared.framing, bounds.limits) };
    match prepared.mode {
        BodyMode::Pass => {
            begin(run, answer, prepared.framing);
            pass(run, &mut source, answer).await?;
        }
        BodyMode::Stream => {
            begin(run, answer, changed_framing(prepared.framing));
            stream(run, route, &mut source, answer).await?;
        }
        BodyMode::Buffer(bytes_max) => {
            whole(run, route, &mut source, answer, bytes_max).await?;
        }
    }
    answer.flush().await?;
    Ok(prepared.keep_upstream)
}

/// The answer's body on its way in.
struct Source<'s> {
    bounds: &'s Bounds<'s>,
    io: &'s Io,
    read: &'s mut ReadBuffer,
    reader: BodyReader,
}

impl Source<'_> {
    /// Reads once more.
    async fn fill(&mut self) -> Result<(), ProxyError> {
        let late = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
        let more = self.reader.left().map_or(READ_BYTES, more_for);
        let reading = self.read.read(self.io, more);
        match self.bounds.deadline.bound(self.bounds.idle, late, reading).await? {
            Ok(0) | Err(_) => self.reader.close().map_err(truncated),
            Ok(_) => Ok(()),
        }
    }

    fn step(&mut self) -> Result<Step, ProxyError> {
        let bad = |fault: portunus_h1::H1Error| {
            ProxyError::upstream(ErrorKind::BadResponse(fault.code()), Retry::Never)
        };
        self.reader.step(self.read).map_err(bad)
    }
}

fn more_for(left: u64) -> usize {
    usize::try_from(left).unwrap_or(READ_BYTES).clamp(1, READ_BYTES)
}

fn truncated(_: BodyFault) -> ProxyError {
    ProxyError::upstream(ErrorKind::Truncated, Retry::Never)
}

/// Puts the head of the answer into the next write.
fn begin<A: AnswerSink>(run: &Run<'_>, answer: &mut A, framing: Framing) {
    // A body that ends with the upstream's connection need not end the client's.
    let framing = if framing == Framing::Close { Framing::Chunked } else { framing };
    let mut exchange = run.exchange.borrow_mut();
    let bytes = answer.head(&exchange.response, framing, run.keep_wanted);
    exchange.bytes.response_head = bytes as u64;
}

/// A body that filters may change, or begin, has no length that is known before its end.
fn changed_framing(framing: Framing) -> Framing {
    if framing == Framing::None { framing } else { Framing::Chunked }
}

fn count(run: &Run<'_>, bytes: u64) {
    run.exchange.borrow_mut().bytes.response += bytes;
}

async fn pass<A: AnswerSink>(
    run: &Run<'_>,
    source: &mut Source<'_>,
    answer: &mut A,
) -> Result<(), ProxyError> {
    loop {
        match source.step()? {
            Step::Piece(piece) => {
                let piece = source.read.piece(piece);
                count(run, piece.len() as u64);
                answer.body(piece).await?;
            }
            Step::End => break,
            Step::Starved => {
                answer.flush().await?;
                run.local.worker.refresh();
                match source.reader.left() {
                    Some(left) if left >= SPLICE_MIN => splice(run, source, answer, left).await?,
                    _ => source.fill().await?,
                }
            }
        }
    }
    answer.end(source.reader.trailers());
    Ok(())
}

/// Lets the kernel move a long body, where both ends are plain sockets.
async fn splice<A: AnswerSink>(
    run: &Run<'_>,
    source: &mut Source<'_>,
    answer: &mut A,
    left: u64,
) -> Result<(), ProxyError> {
    let (Some(to), Ok(mut pipe)) = (answer.plain_io(), run.local.pipes.take()) else {
        return source.fill().await;
    };
    let late = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
    let mut splice = Splice { from: source.io, to, pipe: &mut pipe, left };
    let ended = loop {
        run.local.worker.refresh();
        match source.bounds.deadline.bound(source.bounds.idle, late, splice.step()).await {
            Ok(Ok(0)) => break Ok(()),
            Ok(Ok(moved)) => {
                source.reader.moved(moved);
                count(run, moved);
            }
            Ok(Err(SpliceError::From(_))) => {
                break Err(ProxyError::upstream(ErrorKind::Truncated, Retry::Never));
            }
            Ok(Err(SpliceError::To(_))) => break Err(ProxyError::client(ErrorKind::ClientClosed)),
            Err(error) => break Err(error),
        }
    };
    run.local.pipes.give(pipe);
    ended
}

/// Piece by piece through the filters.
async fn stream<A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    source: &mut Source<'_>,
    answer: &mut A,
) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let end = match source.step()? {
            Step::Piece(piece) => {
                bytes.extend_from_slice(source.read.piece(piece));
                false
            }
            Step::End => true,
            Step::Starved => {
                answer.flush().await?;
                run.local.worker.refresh();
                source.fill().await?;
                continue;
            }
        };
        filters::on_body(run, &route.chain, Way::Response, &mut bytes, end).await?;
        count(run, bytes.len() as u64);
        answer.body(&bytes).await?;
        if end {
            answer.end(source.reader.trailers());
            return Ok(());
        }
    }
}

/// The whole body through the filters, then on.
async fn whole<A: AnswerSink>(
    run: &Run<'_>,
    route: &Route,
    source: &mut Source<'_>,
    answer: &mut A,
    bytes_max: usize,
) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    loop {
        match source.step()? {
            Step::Piece(piece) if bytes.len() + piece.len() > bytes_max => {
                let kind = ErrorKind::BadResponse("too_large_to_filter");
                return Err(ProxyError::upstream(kind, Retry::Never).into());
            }
            Step::Piece(piece) => bytes.extend_from_slice(source.read.piece(piece)),
            Step::End => break,
            Step::Starved => source.fill().await?,
        }
    }
    filters::on_body(run, &route.chain, Way::Response, &mut bytes, true).await?;
    forget_body_headers(&mut run.exchange.borrow_mut().response.headers);
    begin(run, answer, Framing::Length(bytes.len() as u64));
    count(run, bytes.len() as u64);
    answer.body(&bytes).await?;
    Ok(())
}

/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;
/// Bodies with at least this much still to come are moved by the kernel, in bytes.
const SPLICE_MIN: u64 = 64 * 1024;
