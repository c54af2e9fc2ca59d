//! Filters see the answer; its headers become those that the client gets.

use portunus_exchange::{Exchange, Phase};
use portunus_filter::{BodyMode, Way};
use portunus_http::{Framing, HeaderId, ResponseHead, strip_hop_by_hop};
use portunus_snapshot::Route;

use crate::phases::filters;
use crate::run::{Run, Stop};

/// Takes the answer's head in, runs the filters over it, and adds what every answer of this exchange gets. What
/// filters need of its body.
pub(crate) async fn response(
    run: &Run<'_>,
    route: &Route,
    mut head: ResponseHead,
    framing: Framing,
) -> Result<BodyMode, Stop> {
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
    if framing == Framing::None {
        return Ok(BodyMode::Pass);
    }
    Ok(route.chain.body_mode(Way::Response, &run.exchange.borrow()))
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
