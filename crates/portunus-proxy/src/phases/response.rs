//! Filters see the answer; its headers become those that the client gets.

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Retry};
use portunus_filter::BodyMode;
use portunus_h1::{response_framing, wants_keep_alive};
use portunus_http::{Framing, HeaderId, Method, ResponseHead, strip_hop_by_hop};
use portunus_snapshot::Route;

use crate::phases::filters;
use crate::run::{Run, Stop};

/// An answer that is ready to be passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prepared {
    /// How the upstream frames its body.
    pub(crate) framing: Framing,
    /// What filters need of its body.
    pub(crate) mode: BodyMode,
    /// The upstream's connection stays open after it.
    pub(crate) keep_upstream: bool,
}

/// Takes the answer's head in, runs the filters over it, and adds what every answer of this exchange gets.
pub(crate) async fn response(
    run: &Run<'_>,
    route: &Route,
    mut head: ResponseHead,
    method: Method,
) -> Result<Prepared, Stop> {
    let framing = response_framing(&head, method).map_err(|fault| {
        ProxyError::upstream(ErrorKind::BadResponse(fault.code()), Retry::Never)
    })?;
    let keep_upstream = wants_keep_alive(head.version, &head.headers) && framing != Framing::Close;
    strip_hop_by_hop(&mut head.headers);
    {
        let mut exchange = run.exchange.borrow_mut();
        exchange.phase = Phase::Response;
        exchange.response = head;
    }
    if route.chain.has(Phase::Response) {
        filters::on_response(run, &route.chain).await?;
    }
    merge_extra(&mut run.exchange.borrow_mut());
    let mode = if framing == Framing::None { BodyMode::Pass } else { route.chain.response_body() };
    Ok(Prepared { framing, mode, keep_upstream })
}

/// Adds the headers that every answer of this exchange gets, in the place of the upstream's own of that name.
pub(crate) fn merge_extra(exchange: &mut Exchange) {
    if exchange.response_extra.is_empty() {
        return;
    }
    let extra = &exchange.response_extra;
    let headers = &mut exchange.response.headers;
    for header in extra.iter().filter(|header| header.id != HeaderId::SetCookie) {
        headers.remove(header.name);
    }
    for header in extra.iter() {
        headers.append(header.name, header.value);
    }
}
