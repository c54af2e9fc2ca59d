//! The answers of the API as JSON: plain views of what is there.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_balance::{Endpoint, EndpointState};
use portunus_base::{Clock as _, Mono, SystemClock, Wall};
use portunus_compile::Compiled;
use portunus_resilience::{BreakerStand, BreakerTurns, WaitEnd};
use portunus_snapshot::{Destination, Route, Snapshot};
use portunus_telemetry::metrics::{
    BreakerTotals, Count, EndpointStateTotals, QueueTotals, SeriesTotals,
};
use portunus_tls::KeyKind;
use portunus_upstream::Upstream;
use serde::Serialize;

use super::endpoints;
use super::history::{self, RevisionAnswer};
use super::keys::{self, KeyStoreAnswer};
use crate::certificates::ShownCertificate;
use crate::changes::configured_weight;
use crate::shared::{ReloadResult, Reloaded, Shared};

/// `/api/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    stage: &'static str,
    generation: u64,
    uptime_s: u64,
    workers: usize,
    connections: usize,
    in_flight: usize,
    routes: usize,
    upstreams: usize,
    /// What the process has given up; null where it keeps all.
    sandbox: Option<String>,
    /// Where consumers and keys live that are made at run time.
    keys: KeyStoreAnswer,
    /// Null until there was one.
    last_reload: Option<LastReload>,
    /// The configuration that is served though the files say something else; null where they do not.
    gone_back: Option<RevisionAnswer>,
    /// How many endpoints operators have changed and not taken back.
    changed_endpoints: usize,
}

#[derive(Debug, Serialize)]
struct LastReload {
    ok: bool,
    at: String,
    error: Option<String>,
}

pub(super) fn status(shared: &Shared) -> Status {
    let current = shared.current.load();
    let snapshot = &current.compiled.snapshot;
    let last_reload = shared.last_reload.load();
    let last_reload = last_reload.as_ref().as_ref().map(|last| LastReload {
        ok: last.error.is_none(),
        at: timestamp(last.at),
        error: last.error.as_ref().map(|refusal| format!("{refusal}\n{}", refusal.details())),
    });
    Status {
        version: shared.world.version,
        stage: shared.stage().word(),
        generation: snapshot.generation,
        uptime_s: SystemClock.mono().since_us(shared.started) / 1_000_000,
        workers: shared.service.workers(),
        connections: shared.service.connections(),
        in_flight: shared.service.in_flight(),
        routes: snapshot.routes.len(),
        upstreams: snapshot.upstreams.iter().flatten().count(),
        sandbox: shared.confinement.told.clone(),
        keys: keys::store(shared),
        last_reload,
        gone_back: history::gone_back(shared),
        changed_endpoints: endpoints::changed_count(shared),
    }
}

/// One of `/api/listeners`.
#[derive(Debug, Serialize)]
pub(super) struct ListenerAnswer {
    name: String,
    address: String,
    connections: u64,
    requests: u64,
}

pub(super) fn listeners(shared: &Shared) -> Vec<ListenerAnswer> {
    let totals = shared.world.metrics.snapshot();
    let answer = |bound: &crate::listeners::Bound| {
        let series = named(&totals.listeners, &bound.name);
        ListenerAnswer {
            name: bound.name.clone(),
            address: bound.address.to_string(),
            connections: series.map_or(0, |series| series.sums.count(Count::Open)),
            requests: series.map_or(0, |series| series.sums.requests()),
        }
    };
    shared.bound.load().iter().map(answer).collect()
}

/// One of `/api/certificates`.
#[derive(Debug, Serialize)]
pub(super) struct CertificateAnswer {
    listener: String,
    source: String,
    names: Vec<String>,
    issuer: Option<String>,
    key: Option<&'static str>,
    not_before: Option<String>,
    not_after: Option<String>,
    expired: bool,
    fingerprint_sha256: Option<String>,
}

pub(super) fn certificates(shared: &Shared) -> Vec<CertificateAnswer> {
    certificate_answers(shared.shown.all())
}

/// The certificates in the files of a configuration, as `/api/certificates` shows them once it is served. Those by
/// ACME are not among them.
#[must_use]
pub fn certificates_in_files(compiled: &Compiled) -> impl Serialize + use<> {
    certificate_answers(ShownCertificate::all(&compiled.certificates, &[]))
}

fn certificate_answers(all: Vec<ShownCertificate>) -> Vec<CertificateAnswer> {
    let now = SystemClock.wall();
    all.into_iter().map(|shown| certificate(shown, now)).collect()
}

fn certificate(shown: ShownCertificate, now: Wall) -> CertificateAnswer {
    let ShownCertificate { listener, origin, facts } = shown;
    let facts = facts.as_ref();
    CertificateAnswer {
        listener,
        source: origin,
        names: facts.map_or_else(
            || vec!["whatever is asked for".to_owned()],
            |facts| facts.names.iter().map(ToString::to_string).collect(),
        ),
        issuer: facts.map(|facts| facts.issuer.clone()),
        key: facts.map(|facts| match facts.key {
            KeyKind::Rsa => "rsa",
            KeyKind::Ecdsa => "ecdsa",
            KeyKind::Ed25519 => "ed25519",
            KeyKind::Other => "other",
        }),
        not_before: facts.map(|facts| timestamp(facts.not_before)),
        not_after: facts.map(|facts| timestamp(facts.not_after)),
        expired: facts.is_some_and(|facts| facts.not_after <= now),
        fingerprint_sha256: facts.map(|facts| facts.fingerprint_sha256.clone()),
    }
}

/// `/api/authority`.
#[derive(Debug, Serialize)]
pub(super) struct AuthorityAnswer {
    /// Null where no listener uses it.
    pem: Option<String>,
}

pub(super) fn authority(shared: &Shared) -> AuthorityAnswer {
    let is_used = shared.current.load().compiled.certificates.iter().any(|one| one.self_signed);
    let authority = is_used.then(|| shared.world.tls.authority()).flatten();
    let pem = authority.and_then(Result::ok).map(|authority| authority.pem().to_owned());
    AuthorityAnswer { pem }
}

/// One of `/api/routes`.
#[derive(Debug, Serialize)]
pub(super) struct RouteAnswer {
    name: String,
    filters: Vec<&'static str>,
    to: Vec<Target>,
    mirror: Option<String>,
}

#[derive(Debug, Serialize)]
struct Target {
    upstream: String,
    weight: u32,
}

pub(super) fn routes(shared: &Shared) -> Vec<RouteAnswer> {
    let current = shared.current.load();
    let snapshot = &current.compiled.snapshot;
    snapshot.routes.iter().map(|route| route_answer(route, snapshot)).collect()
}

fn route_answer(route: &Route, snapshot: &Snapshot) -> RouteAnswer {
    let name =
        |id| snapshot.upstream(id).map_or_else(String::new, |found| found.plan.name.to_string());
    let to = match &route.destination {
        Destination::None => Vec::new(),
        Destination::Upstream(id) => vec![Target { upstream: name(*id), weight: 1 }],
        Destination::Split(split) => {
            split.weights().map(|(id, weight)| Target { upstream: name(id), weight }).collect()
        }
    };
    RouteAnswer {
        name: route.name.to_string(),
        filters: route.chain.links().iter().map(|link| link.name).collect(),
        to,
        mirror: route.mirror.map(|mirror| name(mirror.upstream)),
    }
}

/// One of `/api/upstreams`.
#[derive(Debug, Serialize)]
pub(super) struct UpstreamAnswer {
    name: String,
    /// False until somebody has said which endpoints there are.
    resolved: bool,
    requests: u64,
    /// Where its breaker stands; null where it has none.
    breaker: Option<&'static str>,
    /// How many requests wait for their turn.
    waiting: u32,
    /// The limit that was found for requests at once; null where none is looked for.
    limit: Option<u32>,
    endpoints: Vec<EndpointAnswer>,
}

/// One endpoint of `/api/upstreams`.
#[derive(Debug, Serialize)]
pub(super) struct EndpointAnswer {
    name: String,
    address: String,
    state: &'static str,
    /// Whether an operator lets it drain: it takes no new requests.
    drain: bool,
    /// What counts now.
    weight: u32,
    /// What the configuration or a provider says.
    configured_weight: u32,
    zone: Option<String>,
    backup: bool,
    in_flight: u32,
    connections: u32,
    latency_ms: f64,
    requests_total: u64,
    failures_total: u64,
}

pub(super) fn upstreams(shared: &Shared) -> Vec<UpstreamAnswer> {
    let totals = shared.world.metrics.snapshot();
    let series: HashMap<&str, &SeriesTotals> =
        totals.upstreams.iter().map(|series| (&*series.labels.name, series)).collect();
    let current = shared.current.load();
    let upstreams = current.compiled.snapshot.upstreams.iter().flatten();
    let series_of = |upstream: &Upstream| series.get(&*upstream.plan.name).copied();
    upstreams.map(|upstream| upstream_answer(upstream, series_of(upstream))).collect()
}

pub(super) fn upstream(shared: &Shared, upstream: &Upstream) -> UpstreamAnswer {
    let totals = shared.world.metrics.snapshot().upstreams;
    upstream_answer(upstream, named(&totals, &upstream.plan.name))
}

pub(super) fn endpoint_answers(endpoints: &[Endpoint]) -> Vec<EndpointAnswer> {
    let now = SystemClock.mono();
    endpoints.iter().map(|one| endpoint(one, now)).collect()
}

fn upstream_answer(upstream: &Upstream, series: Option<&SeriesTotals>) -> UpstreamAnswer {
    let serving = upstream.serving.load();
    UpstreamAnswer {
        name: upstream.plan.name.to_string(),
        resolved: serving.resolved,
        requests: series.map_or(0, |series| series.sums.requests()),
        breaker: stand(upstream, SystemClock.mono()).map(word_of),
        waiting: upstream.state.queue.waiting(),
        limit: upstream.plan.adaptive.map(|rule| upstream.state.gradient.limit(&rule)),
        endpoints: endpoint_answers(serving.set.endpoints()),
    }
}

/// The breakers that there are, for the metrics.
pub(super) fn breakers(shared: &Shared) -> Vec<BreakerTotals> {
    let current = shared.current.load();
    let now = SystemClock.mono();
    let totals = |upstream: &Arc<Upstream>| {
        let stand = stand(upstream, now)?;
        let BreakerTurns { opened, half_opened, closed } = upstream.state.breaker.turns();
        Some(BreakerTotals {
            upstream: (&*upstream.plan.name).into(),
            state: stand as u8,
            turns: [
                (word_of(BreakerStand::Closed), closed),
                (word_of(BreakerStand::HalfOpen), half_opened),
                (word_of(BreakerStand::Open), opened),
            ],
        })
    };
    current.compiled.snapshot.upstreams.iter().flatten().filter_map(totals).collect()
}

/// The queues and found limits that there are, for the metrics.
pub(super) fn queues(shared: &Shared) -> Vec<QueueTotals> {
    let totals = |upstream: &Arc<Upstream>| {
        let (plan, state) = (&upstream.plan, &upstream.state);
        let queue = &state.queue;
        (plan.queue.is_some() || plan.adaptive.is_some()).then(|| QueueTotals {
            upstream: (&*plan.name).into(),
            length: queue.waiting(),
            ends: WaitEnd::ALL.map(|end| (end.word(), queue.ended(end))),
            waited_us: u64::try_from(queue.waited().as_micros()).unwrap_or(u64::MAX),
            limit: plan.adaptive.map(|rule| state.gradient.limit(&rule)),
        })
    };
    shared.current.load().compiled.snapshot.upstreams.iter().flatten().filter_map(totals).collect()
}

/// Where the breaker of an upstream stands, if it has one.
fn stand(upstream: &Upstream, now: Mono) -> Option<BreakerStand> {
    upstream.plan.breaker.map(|_| upstream.state.breaker.stand(now))
}

fn word_of(stand: BreakerStand) -> &'static str {
    match stand {
        BreakerStand::Closed => "closed",
        BreakerStand::HalfOpen => "half_open",
        BreakerStand::Open => "open",
    }
}

/// How the endpoints of each upstream are, for the metrics.
pub(super) fn endpoint_states(shared: &Shared) -> Vec<EndpointStateTotals> {
    let current = shared.current.load();
    let now = SystemClock.mono();
    let totals = |upstream: &Arc<Upstream>| {
        let serving = upstream.serving.load();
        let words: Vec<_> =
            serving.set.endpoints().iter().map(|one| word_of_state(&one.state, now)).collect();
        let count = |state| words.iter().filter(|word| **word == state).count() as u64;
        EndpointStateTotals {
            upstream: (&*upstream.plan.name).into(),
            states: ENDPOINT_STATES.map(|state| (state, count(state))).to_vec(),
        }
    };
    current.compiled.snapshot.upstreams.iter().flatten().map(totals).collect()
}

/// How an endpoint is, in one of [`ENDPOINT_STATES`].
fn word_of_state(state: &EndpointState, now: Mono) -> &'static str {
    if state.draining() {
        "draining"
    } else if state.active_down() {
        "down"
    } else if !state.usable(now) {
        "ejected"
    } else {
        "up"
    }
}

fn endpoint(endpoint: &Endpoint, now: Mono) -> EndpointAnswer {
    let state = &endpoint.state;
    EndpointAnswer {
        name: endpoint.name.clone(),
        address: endpoint.address.to_string(),
        state: word_of_state(state, now),
        drain: state.draining(),
        weight: endpoint.weight,
        configured_weight: configured_weight(endpoint),
        zone: endpoint.zone.as_ref().map(ToString::to_string),
        backup: endpoint.backup,
        in_flight: state.in_flight(),
        connections: state.connections(),
        latency_ms: (state.latency_us(now)).round() / 1000.0,
        requests_total: state.requests_total(),
        failures_total: state.failures_total(),
    }
}

/// `POST /api/reload`.
#[derive(Debug, Serialize)]
pub(super) struct ReloadAnswer {
    ok: bool,
    generation: u64,
    /// What is different, one line each.
    change: Vec<String>,
    /// The stable word for why it is refused.
    code: Option<&'static str>,
    error: Option<String>,
    details: Option<String>,
}

pub(super) fn reload(result: ReloadResult) -> ReloadAnswer {
    let ReloadResult { generation, reloaded } = result;
    match reloaded {
        Ok(Reloaded { change, .. }) => ReloadAnswer {
            ok: true,
            generation,
            change: change.lines().map(str::to_owned).collect(),
            code: None,
            error: None,
            details: None,
        },
        Err(refusal) => ReloadAnswer {
            ok: false,
            generation,
            change: Vec::new(),
            code: Some(refusal.code()),
            error: Some(refusal.to_string()),
            details: Some(refusal.details()),
        },
    }
}

fn named<'t>(all: &'t [SeriesTotals], name: &str) -> Option<&'t SeriesTotals> {
    all.iter().find(|series| *series.labels.name == *name)
}

/// RFC 3339 in UTC.
pub(crate) fn timestamp(at: Wall) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

const ENDPOINT_STATES: [&str; 4] = ["up", "draining", "down", "ejected"];
