//! Drives a question through the decision and the filters.

mod filters;
mod forward;

use portunus_exchange::{ErrorKind, Exchange, ProxyError, Reply};
use portunus_filter::Chain;
use portunus_net::ListenAddress;
use portunus_route::{ConnectionFacts, Missed, Params, Trace};
use portunus_snapshot::{Decision, Destination, Miss, Route};

use super::trace::{self, Told};
use super::{Answer, ChosenRoute, Client, End, Explanation, admit, tls};
use crate::{Compiled, ListenerBinding, Question};
use filters::Filtered;

pub(super) fn run(compiled: &Compiled, question: &Question) -> Explanation {
    let listener = listener(compiled, question);
    let id = listener.map(|listener| listener.id).unwrap_or_default();
    let mut exchange = admit::exchange(question, id, &compiled.snapshot.trusted);
    let facts = exchange.client;
    let client = Client {
        ip: facts.ip,
        peer: facts.peer.ip(),
        trusted: facts.trusted,
        scheme: facts.scheme,
    };
    let mut trace = Trace::default();
    let decision = listener.map(|_| decide(compiled, &mut exchange, &mut trace));
    let Told { host, hosts_elsewhere, runners_up } = trace::tell(compiled, &trace.events);
    let mut explanation = Explanation {
        question: question.clone(),
        client,
        listener: listener.map(|one| (one.name.clone(), one.address.to_string())),
        tls: listener.and_then(|listener| tls::tell(compiled, listener, question, &exchange)),
        host,
        hosts_elsewhere,
        route: None,
        runners_up,
        filters: Vec::new(),
        end: End::Answer(Answer::default()),
    };
    if explanation.tls.as_ref().is_some_and(|tls| tls.misdirected) {
        explanation.end = End::Answer(misdirected());
        return explanation;
    }
    match decision {
        Some(Decision::Route(route)) => serve(compiled, route, exchange, &mut explanation),
        Some(Decision::Miss(Miss { missed, chain })) => {
            let chain = chain.map(|chain| &**chain);
            refuse(compiled, &missed, chain, exchange, &mut explanation);
        }
        None => {
            let detail = Some("There is no listener of that name.".to_owned());
            explanation.end = End::Answer(Answer { detail, ..Answer::default() });
        }
    }
    explanation
}

/// The listener that was asked for; else one with the port; else the first one that has a route. Each time one that
/// speaks TLS as the client does comes first: others may stand behind a proxy that ends it.
fn listener<'c>(compiled: &'c Compiled, question: &Question) -> Option<&'c ListenerBinding> {
    let listeners = &compiled.listeners;
    if let Some(name) = &question.listener {
        return listeners.iter().find(|listener| listener.name == *name);
    }
    let port = question.port();
    let on_port = |listener: &ListenerBinding| match listener.address {
        ListenAddress::Ip(address) => address.port() == port,
        ListenAddress::Unix(_) => false,
    };
    let serves = |listener: &ListenerBinding| {
        let mut exchange = admit::exchange(question, listener.id, &compiled.snapshot.trusted);
        let decision = decide(compiled, &mut exchange, &mut Trace::default());
        matches!(decision, Decision::Route(_))
    };
    let first = |fits: &dyn Fn(&ListenerBinding) -> bool| {
        let mut alike = listeners.iter().filter(|one| one.https == question.is_https());
        alike.find(|one| fits(one)).or_else(|| listeners.iter().find(|one| fits(one)))
    };
    first(&on_port).or_else(|| first(&serves)).or_else(|| first(&|_| true))
}

fn decide<'c>(compiled: &'c Compiled, exchange: &mut Exchange, trace: &mut Trace) -> Decision<'c> {
    let (listener, client_ip) = (exchange.client.listener, exchange.client.ip);
    let facts = ConnectionFacts { listener, client_ip };
    compiled.snapshot.decide(&facts, &exchange.request, &mut exchange.params, trace)
}

fn serve(
    compiled: &Compiled,
    route: &Route,
    mut exchange: Exchange,
    explanation: &mut Explanation,
) {
    exchange.route = Some(route.id);
    exchange.route_name = Some(std::rc::Rc::from(&*route.name));
    let record = compiled.routes.get(route.id.index());
    explanation.route = Some(ChosenRoute {
        name: route.name.to_string(),
        path: record.map_or_else(String::new, |record| record.path.to_string()),
        params: params(&exchange.params),
    });
    let body = explanation.question.body.as_deref().unwrap_or("");
    let Filtered { steps, answer } =
        filters::run(compiled, &route.chain, &mut exchange, body.as_bytes(), true);
    explanation.filters = steps;
    explanation.end = match answer {
        Some(answer) => End::Answer(answer),
        None if route.destination == Destination::None => {
            let reply = filters::failure(ProxyError::local(ErrorKind::NoEndpoint));
            End::Answer(filters::answer(compiled, &route.chain, &mut exchange, reply))
        }
        None => End::Forward(Box::new(forward::forward(compiled, route, &mut exchange))),
    };
}

/// Ends a request that no route takes, once the filters of its host have seen it.
fn refuse(
    compiled: &Compiled,
    missed: &Missed,
    chain: Option<&Chain>,
    mut exchange: Exchange,
    explanation: &mut Explanation,
) {
    let none = Chain::default();
    let chain = chain.unwrap_or(&none);
    let body = explanation.question.body.as_deref().unwrap_or("");
    let Filtered { steps, answer } =
        filters::run(compiled, chain, &mut exchange, body.as_bytes(), false);
    explanation.filters = steps;
    let answer =
        answer.unwrap_or_else(|| filters::answer(compiled, chain, &mut exchange, miss(missed)));
    explanation.end = End::Answer(answer);
}

fn params(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The answer where the host fits neither the name that was asked for nor the certificate.
fn misdirected() -> Answer {
    let detail = "The host is not one of this connection: its certificate is for another one.";
    Answer {
        status: 421,
        reason: Some("tls.misdirected".to_owned()),
        detail: Some(detail.to_owned()),
        headers: Vec::new(),
    }
}

/// The reply where no route fits.
fn miss(missed: &Missed) -> Reply {
    let reply = match missed {
        Missed { host_known: false, .. } => Reply::problem(404, "route.no_host"),
        Missed { methods, .. } if !methods.is_empty() => {
            Reply::problem(405, "route.method").with_header("Allow", methods.to_string())
        }
        _ => Reply::problem(404, "route.none"),
    };
    reply.with_detail(missed.to_string())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
