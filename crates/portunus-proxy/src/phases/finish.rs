//! The end of an exchange, however it ended: filters, metrics, log.

use portunus_exchange::template::version_number;
use portunus_exchange::{Exchange, Phase, ProxyError};
use portunus_http::Version;
use portunus_snapshot::{ListenerPlan, Route, Snapshot};
use portunus_telemetry::{AccessRecord, Outcome, Place};

use crate::phases::filters;
use crate::phases::route::Served;
use crate::reply;
use crate::run::Run;

/// Records the exchange. `failed` is what cut the answer, or kept it from being sent.
pub(crate) fn finish(run: &Run<'_>, served: Option<&Served>, failed: Option<ProxyError>) {
    note_end(run, failed);
    let chain = served.map(Served::chain);
    if let Some(chain) = chain.filter(|chain| chain.has(Phase::Finish)) {
        filters::on_finish(run, chain);
    }
    let route = served.and_then(Served::route);
    let exchange = run.exchange.borrow();
    let snapshot = &run.plan.snapshot;
    if let Some(listener) = snapshot.listener(exchange.client.listener) {
        measure(run, &exchange, snapshot, listener, route);
        log(run, &exchange, snapshot, listener);
    }
}

fn note_end(run: &Run<'_>, failed: Option<ProxyError>) {
    let mut exchange = run.exchange.borrow_mut();
    if let Some(error) = failed {
        exchange.reason = exchange.reason.or_else(|| Some(reply::reason_of(error)));
    }
    if exchange.timings.end < exchange.timings.start || exchange.reason.is_some() {
        exchange.timings.end = run.local.worker.refresh();
    }
}

fn measure(
    run: &Run<'_>,
    exchange: &Exchange,
    snapshot: &Snapshot,
    listener: &ListenerPlan,
    route: Option<&Route>,
) {
    let shard = &run.local.shard;
    let upstream = exchange.upstream.and_then(|id| snapshot.upstream(id));
    let place = Place {
        listener: listener.series,
        route: route.map(|route| route.series),
        upstream: upstream.map(|upstream| upstream.series),
        endpoint: run.endpoint.get(),
    };
    run.gauges.leave();
    let timings = exchange.timings;
    let asked = upstream.is_some() && timings.attempt.0 > 0;
    let outcome = Outcome {
        status: exchange.response.status,
        reason: exchange.reason.map(|reason| run.local.reason(reason.0)),
        duration_us: timings.end.since_us(timings.start),
        upstream_us: if asked { timings.end.since_us(timings.attempt) } else { 0 },
        bytes_in: exchange.bytes.request + exchange.bytes.request_head,
        bytes_out: exchange.bytes.response + exchange.bytes.response_head,
    };
    shard.request(place, &outcome);
}

fn log(run: &Run<'_>, exchange: &Exchange, snapshot: &Snapshot, listener: &ListenerPlan) {
    let Some(format) = snapshot.access_log.as_ref().filter(|_| run.local.logs()) else { return };
    let record = record(exchange, listener);
    run.local.log(|times, out| format.write(&record, times, out));
}

fn record<'e>(exchange: &'e Exchange, listener: &'e ListenerPlan) -> AccessRecord<'e> {
    let headers = &exchange.request.headers;
    let tls = exchange.tls.as_deref();
    let timings = exchange.timings;
    let asked = timings.attempt.0 > 0;
    let text = |name: &'e Option<std::rc::Rc<str>>| name.as_deref().unwrap_or("");
    let attribute = |name| exchange.attributes.value(name).unwrap_or(b"");
    let value = |id| headers.value_of(id).unwrap_or(b"");
    AccessRecord {
        time: timings.wall,
        request_id: attribute("request_id"),
        client_ip: Some(exchange.client.ip),
        client_port: exchange.client.port,
        peer_ip: Some(exchange.client.peer.ip()),
        listener: &listener.name,
        protocol: if exchange.request.version == Version::H2 { "h2" } else { "h1" },
        scheme: exchange.client.scheme.text(),
        method: exchange.request.method_text(),
        host: exchange.request.host(),
        path: headers.text(exchange.target.0),
        query: exchange.target.1.map_or(b"", |query| headers.text(query)),
        version: exchange.request.version.text(),
        status: exchange.response.status,
        reason: exchange.reason.map_or("", |reason| reason.0),
        phase: if exchange.reason.is_some() { exchange.phase.name() } else { "" },
        route: text(&exchange.route_name),
        upstream: text(&exchange.upstream_name),
        endpoint: text(&exchange.endpoint_name),
        attempts: u32::from(exchange.attempts),
        duration_us: timings.end.since_us(timings.start),
        queue_us: timings.queue_us,
        connect_us: timings.connect_us,
        first_byte_us: (timings.first_byte.0 > 0)
            .then(|| timings.first_byte.since_us(timings.start)),
        upstream_us: asked.then(|| timings.end.since_us(timings.attempt)),
        bytes_in: exchange.bytes.request + exchange.bytes.request_head,
        bytes_out: exchange.bytes.response + exchange.bytes.response_head,
        user: attribute("user"),
        user_agent: value(portunus_http::HeaderId::UserAgent),
        referer: value(portunus_http::HeaderId::Referer),
        tls_version: tls.map_or("", version_number),
        tls_cipher: tls.map_or("", |tls| tls.cipher),
        tls_server_name: tls.and_then(|tls| tls.server_name.as_deref()).unwrap_or(""),
        tls_resumed: tls.map(|tls| tls.resumed),
        tls_client_subject: exchange.client_certificate().map_or("", |it| &it.subject),
    }
}
