//! Filters see the answer; its headers become those that the client gets.

use portunus_exchange::Phase;
use portunus_filter::{BodyMode, Way};
use portunus_http::{Framing, ResponseHead, strip_hop_by_hop};
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
    run.exchange.borrow_mut().merge_extra();
    if framing == Framing::None {
        return Ok(BodyMode::Pass);
    }
    Ok(route.chain.body_mode(Way::Response, &run.exchange.borrow()))
}
