//! Which route serves the request.

use std::sync::Arc;

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Reply};
use portunus_http::{Method, Version};
use portunus_route::{ConnectionFacts, Missed, NoRecorder};
use portunus_snapshot::{Decision, Route, UPGRADE};

use crate::reply;
use crate::run::{Run, Stop};

/// Finds the route, and notes its name.
pub(crate) fn route(run: &Run<'_>) -> Result<Arc<Route>, Stop> {
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
            Ok(Arc::clone(route))
        }
        Decision::Miss(missed) => Err(miss(&missed)),
    }
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
