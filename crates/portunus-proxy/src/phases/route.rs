//! Which route serves the request.

use std::sync::Arc;

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Reply};
use portunus_filter::Chain;
use portunus_http::{Method, Version};
use portunus_route::{ConnectionFacts, Missed, NoRecorder};
use portunus_snapshot::{Decision, Miss, Route, UPGRADE};

use crate::phases::{filters, request};
use crate::protocol::ClientStream;
use crate::reply;
use crate::run::{Run, Stop};

/// Whose filters see a request and its answer.
pub(crate) enum Served {
    /// A route's, which serves it.
    Route(Arc<Route>),
    /// A host's: none of its routes serves it.
    Unrouted(Arc<Chain>, Missed),
}

impl Served {
    pub(crate) fn chain(&self) -> &Chain {
        match self {
            Self::Route(route) => &route.chain,
            Self::Unrouted(chain, _) => chain,
        }
    }

    pub(crate) fn route(&self) -> Option<&Route> {
        match self {
            Self::Route(route) => Some(route),
            Self::Unrouted(..) => None,
        }
    }
}

/// Finds the route, and notes its name.
pub(crate) fn route(run: &Run<'_>) -> Result<Served, Stop> {
    let mut exchange = run.exchange.borrow_mut();
    exchange.phase = Phase::Route;
    if exchange.request.method == Method::Connect {
        let kind = ErrorKind::BadRequest { code: "request.connect", status: 501 };
        return Err(ProxyError::client(kind).into());
    }
    let (listener, client_ip) = (exchange.client.listener, exchange.client.ip);
    let facts = ConnectionFacts { listener, client_ip };
    let exchange = &mut *exchange;
    let (head, params) = (&exchange.request, &mut exchange.params);
    match run.plan.snapshot.decide(&facts, head, params, &mut NoRecorder) {
        Decision::Route(route) if !route.upgrade && is_extended_connect(exchange) => {
            Err(ProxyError::client(ErrorKind::UpgradeRefused).into())
        }
        Decision::Route(route) => {
            exchange.route = Some(route.id);
            exchange.route_name = Some(run.plan.route_name(route.id, &route.name));
            run.gauges.enter_route(route.series);
            Ok(Served::Route(Arc::clone(route)))
        }
        Decision::Miss(Miss { missed, chain: Some(chain) }) => {
            Ok(Served::Unrouted(Arc::clone(chain), missed))
        }
        Decision::Miss(Miss { missed, chain: None }) => Err(miss(&missed)),
    }
}

/// Shows a request that no route serves to the filters of its host. Always ends it: by what one of them answers, or
/// by saying that there is no route.
pub(crate) async fn unrouted<C: ClientStream>(
    run: &Run<'_>,
    chain: &Chain,
    missed: &Missed,
    client: &mut C,
) -> Stop {
    if chain.has(Phase::Request) {
        run.enter(Phase::Request);
        if let Err(stop) = filters::on_request(run, chain, client).await {
            return stop;
        }
        // Who may not know what is there is not told what is missing either.
        let count = chain.links().len();
        if let Err(stop) = request::whole_body_before(run, chain, count, client).await {
            return stop;
        }
        run.enter(Phase::Route);
    }
    miss(missed)
}

/// True for a client of HTTP/2 that wants a tunnel (RFC 8441), which has no other use for its stream.
pub(crate) fn is_extended_connect(exchange: &Exchange) -> bool {
    exchange.request.version >= Version::H2 && exchange.attributes.value(UPGRADE).is_some()
}

fn miss(missed: &Missed) -> Stop {
    if !missed.methods.is_empty() {
        let reply = Reply::from_error(ErrorKind::MethodNotAllowed);
        return Stop::Reply(Box::new(reply.with_header("Allow", missed.methods.to_string())));
    }
    let kind = if missed.host_known { ErrorKind::NoRoute } else { ErrorKind::NoHost };
    ProxyError::local(kind).into()
}

/// The reply of a failure.
trait FromError {
    fn from_error(kind: ErrorKind) -> Self;
}

impl FromError for Reply {
    fn from_error(kind: ErrorKind) -> Self {
        reply::of_error(ProxyError::local(kind))
    }
}
