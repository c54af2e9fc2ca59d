//! Answers that we make ourselves: from a failure, or from a filter's reply.

use std::io::Write;

use bytes::Bytes;
use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Reason, Reply, ReplyBody};
use portunus_filter::Chain;
use portunus_http::{Framing, HeaderId, Method, list_items, reason_phrase};

use crate::grpc;
use crate::phases::route::is_extended_connect;
use crate::phases::{filters, request};
use crate::protocol::{AnswerSink, ClientStream, RequestBody};
use crate::run::{Run, Stop};

mod date;
mod page;
mod table;

pub use table::{ReasonRow, reasons};

pub(crate) use table::{of_error, reason_of};

/// Answers an exchange that ended early.
///
/// # Errors
/// The client got no answer, or only a part of one.
pub(crate) async fn answer<C: ClientStream>(
    run: &Run<'_>,
    chain: Option<&Chain>,
    client: &mut C,
    stop: Stop,
) -> Result<(), ProxyError> {
    let (reply, error) = match stop {
        Stop::Reply(reply) => (*reply, None),
        Stop::Fail(error) => (of_error(error), Some(error)),
    };
    let gone = error.is_some_and(|error| error.kind == ErrorKind::ClientClosed);
    if gone || client.split().1.is_started() {
        client.split().1.cut();
        return Err(error.unwrap_or(ProxyError::client(ErrorKind::ClientClosed)));
    }
    // A request that could not be read leaves the connection in doubt.
    let refused = error.is_some_and(|error| {
        matches!(
            error.kind,
            ErrorKind::BadRequest { .. }
                | ErrorKind::BodyTooSlow
                | ErrorKind::ClientTimeout
                // Its memory is what is needed.
                | ErrorKind::MemoryFull
        )
    });
    client.deadline().set_total(None);
    let body = prepare(run, chain, reply).await;
    let keep = run.keep_wanted && !refused && swallow(run, client).await;
    send(run, client, &body, keep).await
}

/// Makes the reply the exchange's answer, and lets the filters that saw the request see it.
async fn prepare(run: &Run<'_>, chain: Option<&Chain>, reply: Reply) -> Bytes {
    let mut body = take_over(&mut run.exchange.borrow_mut(), reply);
    if let Some(chain) = chain.filter(|chain| chain.has(Phase::Response)) {
        match filters::on_response(run, chain).await {
            Ok(()) => {}
            Err(Stop::Reply(reply)) => body = take_over(&mut run.exchange.borrow_mut(), *reply),
            Err(Stop::Fail(error)) => {
                body = take_over(&mut run.exchange.borrow_mut(), of_error(error));
            }
        }
    }
    if opens_tunnel(&run.exchange.borrow()) {
        let refused = of_error(ProxyError::local(ErrorKind::UpgradeRefused));
        body = take_over(&mut run.exchange.borrow_mut(), refused);
    }
    finish_head(run, body.len());
    body
}

/// Any answer of 2xx to an extended CONNECT says that there is a tunnel (RFC 8441 section 5), which is never so here.
fn opens_tunnel(exchange: &Exchange) -> bool {
    (200..300).contains(&exchange.response.status) && is_extended_connect(exchange)
}

/// Fills the answer's head from the reply; its body.
fn take_over(exchange: &mut Exchange, reply: Reply) -> Bytes {
    let reason = reply.reason.or(exchange.reason);
    exchange.reason = reason;
    exchange.response.clear();
    exchange.response.set_status(reply.status);
    for (name, value) in &reply.headers {
        exchange.response.headers.append(name, value);
    }
    if let Some(reason) = reason {
        let status = proxy_status(reason);
        exchange.response.headers.set_id(HeaderId::ProxyStatus, status.as_bytes());
    }
    let refused = !(200..300).contains(&reply.status);
    if refused && grpc::is_grpc(&exchange.request) {
        return status_alone(exchange, &reply);
    }
    match reply.body {
        ReplyBody::Empty => Bytes::new(),
        ReplyBody::Whole(body) => body,
        ReplyBody::Problem => problem(exchange, reply.status, reply.detail.as_deref()),
    }
}

/// gRPC clients are told by a status of their own, in an answer without a body.
fn status_alone(exchange: &mut Exchange, reply: &Reply) -> Bytes {
    let code = exchange.reason.map_or("", |reason| reason.0);
    let detail = reply.detail.as_deref().or_else(|| table::sentence(code)).unwrap_or(code);
    exchange.response.set_status(200);
    grpc::describe(grpc::code_of(reply.status), detail, &mut exchange.response.headers);
    Bytes::new()
}

/// `Proxy-Status` (RFC 9209): the nearest registered error, and our own code as its details. What a filter answers is
/// a refusal.
fn proxy_status(reason: Reason) -> String {
    let error = table::registered_error(reason).unwrap_or("http_request_denied");
    format!("portunus; error={error}; details=\"{reason}\"")
}

fn problem(exchange: &mut Exchange, status: u16, detail: Option<&str>) -> Bytes {
    let code = exchange.reason.map_or("", |reason| reason.0);
    let detail = detail.or_else(|| table::sentence(code)).unwrap_or("");
    let (kind, text) = if wants_html(exchange) {
        ("text/html; charset=utf-8", page::html(status, code, detail))
    } else {
        ("application/problem+json", page::json(status, code, detail))
    };
    exchange.response.headers.set_id(HeaderId::ContentType, kind.as_bytes());
    exchange.response.headers.set_id(HeaderId::CacheControl, b"no-store");
    Bytes::from(text)
}

/// Browsers name `text/html` among what they accept; programs ask for anything, or for JSON.
fn wants_html(exchange: &Exchange) -> bool {
    let accepted = exchange.request.headers.values_of(HeaderId::Accept);
    accepted.flat_map(list_items).any(|item| {
        let kind = item.split(|byte| *byte == b';').next().unwrap_or(item);
        kind.trim_ascii().eq_ignore_ascii_case(b"text/html")
    })
}

fn finish_head(run: &Run<'_>, body_bytes: usize) {
    let mut exchange = run.exchange.borrow_mut();
    exchange.merge_extra();
    if !exchange.response.headers.has(HeaderId::Date) {
        exchange
            .response
            .headers
            .append_id(HeaderId::Date, &date::imf_fixdate(run.local.worker.wall()));
    }
    if exchange.request.method == Method::Head {
        // The length that a GET would have had (RFC 9110 section 9.3.2).
        let mut digits = [0u8; 20];
        let room = digits.len();
        let mut rest = digits.as_mut_slice();
        let _ = write!(rest, "{body_bytes}");
        let written = room - rest.len();
        let text = digits.get(..written).unwrap_or(b"0");
        exchange.response.headers.set_id(HeaderId::ContentLength, text);
    }
}

/// Takes in what is left of the request's body, where it is there already: the connection may then go on.
async fn swallow<C: ClientStream>(run: &Run<'_>, client: &mut C) -> bool {
    let (body, _) = client.split();
    while !body.is_end() && body.is_ready() {
        match body.next().await {
            Ok(piece) if request::count(run, piece.len()).is_ok() => {}
            _ => return false,
        }
    }
    body.is_end()
}

async fn send<C: ClientStream>(
    run: &Run<'_>,
    client: &mut C,
    body: &[u8],
    keep: bool,
) -> Result<(), ProxyError> {
    let (_, answer) = client.split();
    let bodyless = {
        let mut exchange = run.exchange.borrow_mut();
        let status = exchange.response.status;
        let bodyless = exchange.request.method == Method::Head || matches!(status, 204 | 304);
        let framing = if bodyless { Framing::None } else { Framing::Length(body.len() as u64) };
        let bytes = answer.head(&exchange.response, framing, keep);
        exchange.bytes.response_head = bytes as u64;
        bodyless
    };
    if !bodyless {
        run.exchange.borrow_mut().bytes.response += body.len() as u64;
        answer.body(body).await?;
    }
    answer.end(None);
    answer.flush().await
}

/// The title of a problem page.
fn title(status: u16) -> &'static str {
    match reason_phrase(status) {
        "" => "Error",
        phrase => phrase,
    }
}
