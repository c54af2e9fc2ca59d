//! Upstreams: those with a name, and those that a URL in `to` stands for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{BalanceSpec, OutlierPlan, WindowPlan};
use portunus_base::UpstreamId;
use portunus_config::spec::{
    AdaptiveSpec, BreakerSpec, HttpSpec, OutlierSpec, ProxyProtocolVersionSpec, TargetSpec,
    UpstreamQueueSpec, UpstreamSpec,
};
use portunus_config::{EndpointScheme, EndpointUrl};
use portunus_discovery::DiscoverSpec;
use portunus_filter::UpstreamNames;
use portunus_h1::Limits;
use portunus_preface::proxy_protocol::Version;
use portunus_resilience::{BreakerRule, GradientRule};
use portunus_spec::{Entry, NoLookup, Node, Reader, Span, Spanned, Spec, Value, suggestion, yaml};
use portunus_upstream::{HttpVersion, QueuePlan, StateStore, StickyPlan, Upstream, UpstreamPlan};

use crate::health::HealthPlan;
use crate::source::{self, Source};
use crate::tls::{Files, TlsClients};
use crate::{Compiled, Inputs, sticky};

/// An upstream of a snapshot with what control's runners need for it.
#[derive(Clone, Debug)]
pub struct UpstreamSource {
    /// The upstream, as it stands in the snapshot.
    pub upstream: Arc<Upstream>,
    /// Where its endpoints come from.
    pub source: Source,
    /// How they are checked.
    pub health: Option<HealthPlan>,
    /// It is the same `Arc` as in the previous result, with the endpoints that it had.
    pub kept: bool,
    /// The algorithm as it was written, for comparing and telling.
    pub(crate) balance: String,
}

impl UpstreamSource {
    /// Whether both are the same to workers and to runners.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.balance == other.balance
            && same_plan(&self.upstream.plan, &other.upstream.plan)
            && self.source == other.source
            && self.health == other.health
    }
}

/// All upstreams of a configuration, as far as they are known.
pub(crate) struct Upstreams<'a> {
    inputs: &'a Inputs<'a>,
    files: &'a Files<'a>,
    clients: TlsClients,
    drafts: Vec<Draft>,
    by_name: HashMap<String, UpstreamId>,
}

/// An upstream before it is known whether the configuration is good.
struct Draft {
    plan: UpstreamPlan,
    balance: String,
    source: Source,
    health: Option<HealthPlan>,
}

impl<'a> Upstreams<'a> {
    /// Reads the upstreams that have a name.
    pub(crate) fn read(
        inputs: &'a Inputs<'a>,
        files: &'a Files<'a>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let clients = TlsClients::after(inputs.previous.map(|before| &before.clients));
        let (drafts, by_name) = (Vec::new(), HashMap::new());
        let mut upstreams = Self { inputs, files, clients, drafts, by_name };
        reader.key("upstreams", |reader| {
            for (name, upstream) in &inputs.spec.upstreams {
                reader.key(name, |reader| upstreams.read_named(name, upstream, reader));
            }
        });
        upstreams
    }

    /// The upstream of a target. Names that do not exist are for the loader to report.
    pub(crate) fn target(
        &mut self,
        target: &TargetSpec,
        reader: &mut Reader<'_>,
    ) -> Option<UpstreamId> {
        match target {
            TargetSpec::Upstream(name) => self.by_name.get(name).copied(),
            TargetSpec::Url(url) => self.implicit(std::slice::from_ref(url), reader),
        }
    }

    /// The upstream that a list of URLs stands for.
    pub(crate) fn of_urls(
        &mut self,
        urls: &[Spanned<EndpointUrl>],
        reader: &mut Reader<'_>,
    ) -> Option<UpstreamId> {
        let mut seen: HashMap<&EndpointUrl, Span> = HashMap::new();
        let mut fine = true;
        for url in urls {
            if let Some(first) = seen.insert(&url.value, url.span) {
                let message = format!("the endpoint {} is there twice", url.value);
                reader.error(url.span, message).related(first, "first here");
                fine = false;
            }
        }
        let urls: Vec<EndpointUrl> = urls.iter().map(|url| url.value.clone()).collect();
        fine.then(|| self.implicit(&urls, reader))?
    }

    /// Makes the upstreams, or takes those of before whose plan is the same.
    pub(crate) fn finish(self) -> (Vec<UpstreamSource>, TlsClients) {
        let Inputs { metrics, previous, store, .. } = *self.inputs;
        let before: HashMap<UpstreamId, &UpstreamSource> = previous
            .map(|compiled: &Compiled| compiled.upstreams.iter())
            .into_iter()
            .flatten()
            .map(|source| (source.upstream.plan.id, source))
            .collect();
        let make = |draft: Draft| {
            let Draft { plan, balance, source, health } = draft;
            let before = before.get(&plan.id);
            let same =
                before.filter(|old| old.balance == balance && same_plan(&old.upstream.plan, &plan));
            let kept = same.is_some();
            let upstream = match same {
                Some(old) => Arc::clone(&old.upstream),
                None => {
                    let state = store.upstream_state(plan.id);
                    Arc::new(Upstream::new(plan, state, metrics))
                }
            };
            UpstreamSource { upstream, source, health, kept, balance }
        };
        (self.drafts.into_iter().map(make).collect(), self.clients.finish())
    }

    fn read_named(&mut self, name: &Spanned<String>, spec: &UpstreamSpec, reader: &mut Reader<'_>) {
        if name.contains([':', '/']) {
            let message = format!("`{}` looks like a URL", name.value);
            let help = "give the upstream a name without `:` and `/`";
            reader.error(name.span, message).help(help);
        }
        let balance = match &spec.balance {
            Some(node) => reader.key("balance", |reader| BalanceSpec::read(node, reader)),
            None => BalanceSpec::absent(),
        };
        let source = read_source(spec, reader);
        // A name that is known, though wrongly described, is not reported as unknown too.
        let id = self.inputs.store.upstream(name);
        self.by_name.insert(name.value.clone(), id);
        let tls = self.clients.of(spec, self.files, reader);
        let sticky = read_sticky(spec, self.inputs.store, reader);
        let health = match &spec.health {
            Some(health) => {
                reader.key("health", |reader| HealthPlan::read(health, reader)).map(Some)
            }
            None => Some(None),
        };
        let (Some(balance), Some(source), Some(tls)) = (balance, source, tls) else { return };
        let Some(health) = health else { return };
        let Some(sticky) = sticky else { return };
        let plan = UpstreamPlan { tls, sticky, ..self.plan(id, name, &balance, spec) };
        self.drafts.push(Draft { plan, balance: text(&balance), source, health });
    }

    /// An upstream with default settings; one for each list of URLs.
    fn implicit(&mut self, urls: &[EndpointUrl], reader: &mut Reader<'_>) -> Option<UpstreamId> {
        let name = urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        if let Some(id) = self.by_name.get(&name) {
            return Some(*id);
        }
        let id = self.inputs.store.upstream(&name);
        let node = Node::seq(urls.iter().map(|url| Node::text(url.to_string())));
        let spec = UpstreamSpec::read(&node, &mut Reader::new(&NoLookup));
        if let (Some(balance), Some(spec)) = (BalanceSpec::absent(), spec) {
            let tls = self.clients.of(&spec, self.files, reader)?;
            let plan = UpstreamPlan { tls, ..self.plan(id, &name, &balance, &spec) };
            let source = Source::of(urls.iter().map(source::url).collect());
            self.drafts.push(Draft { plan, balance: text(&balance), source, health: None });
        }
        self.by_name.insert(name, id);
        Some(id)
    }

    /// What the configuration says, in the words of the data path. Every default that no spec names stands here.
    fn plan(
        &self,
        id: UpstreamId,
        name: &str,
        balance: &BalanceSpec,
        spec: &UpstreamSpec,
    ) -> UpstreamPlan {
        let UpstreamSpec { timeouts, limits, .. } = spec;
        let zone = spec.zone.as_ref().or(self.inputs.spec.zone.as_ref());
        UpstreamPlan {
            id,
            name: Arc::from(name),
            balancer: Arc::clone(&balance.plan),
            zone: zone.map(|zone| Arc::from(zone.as_str())),
            connect_timeout: timeouts.connect,
            first_byte_timeout: timeouts.first_byte,
            idle_timeout: timeouts.idle,
            pool_idle_timeout: timeouts.keep_alive,
            pool_idle_max: limits.idle_max as usize,
            connections_max: limits.connections_max,
            requests_max: limits.requests_max,
            adaptive: limits.adaptive.as_ref().map(adaptive),
            queue: limits.queue.as_ref().map(|queue| queue_plan(queue)),
            rest_for: REST_FOR,
            outlier: spec.outlier.as_ref().map(outlier),
            slow_start: spec.health.as_ref().map_or(Duration::ZERO, |health| health.slow_start),
            breaker: spec.breaker.as_ref().map(breaker),
            limits: Limits::default(),
            http: match spec.http.value {
                HttpSpec::Auto => HttpVersion::Auto,
                HttpSpec::H1 => HttpVersion::H1,
                HttpSpec::H2 => HttpVersion::H2,
            },
            tls: None,
            streams_max: limits.streams_max.value,
            proxy_protocol: spec.proxy_protocol.map(|version| match version {
                ProxyProtocolVersionSpec::V1 => Version::V1,
                ProxyProtocolVersionSpec::V2 => Version::V2,
            }),
            sticky: None,
        }
    }
}

impl UpstreamNames for Upstreams<'_> {
    fn upstream(&mut self, to: &Spanned<String>, reader: &mut Reader<'_>) -> Option<UpstreamId> {
        let node = Node::new(to.span, Value::Text(to.value.clone()));
        let target = TargetSpec::read(&node, reader)?;
        if let TargetSpec::Url(url) = &target
            && url.scheme == EndpointScheme::Raw
        {
            let error = reader.error(to.span, format!("nothing says how to speak to {url}"));
            error.help(format!("write http://{url} or https://{url}"));
            return None;
        }
        let found = self.target(&target, reader);
        if found.is_none() {
            let names = self.inputs.spec.upstreams.names();
            let error = reader.error(to.span, format!("there is no upstream `{}`", to.value));
            let help = suggestion(to, names, "upstreams");
            error.help(help.unwrap_or_else(|| format!("add `{}` to `upstreams`", to.value)));
        }
        found
    }
}

fn read_source(spec: &UpstreamSpec, reader: &mut Reader<'_>) -> Option<Source> {
    let listed = spec.endpoints.iter().map(source::endpoint).collect();
    let Some(discover) = &spec.discover else { return Some(Source::of(listed)) };
    let entry = Entry { key: discover.name.clone(), value: discover.node.clone() };
    let node = Node::new(discover.name.span, Value::Map(vec![entry]));
    let found = reader.key("discover", |reader| DiscoverSpec::read(&node, reader))?;
    Some(Source::found(listed, found))
}

fn read_sticky(
    spec: &UpstreamSpec,
    store: &StateStore,
    reader: &mut Reader<'_>,
) -> Option<Option<StickyPlan>> {
    let Some(spec) = &spec.sticky else { return Some(None) };
    reader.key("sticky", |reader| sticky::plan(spec, store, reader)).map(Some)
}

/// Whether two plans say the same; their balancers are compared by text.
fn same_plan(old: &UpstreamPlan, new: &UpstreamPlan) -> bool {
    // Written out, so that a new field does not compile before it is compared.
    let UpstreamPlan {
        id,
        name,
        balancer: _,
        zone,
        connect_timeout,
        first_byte_timeout,
        idle_timeout,
        pool_idle_timeout,
        pool_idle_max,
        connections_max,
        requests_max,
        adaptive,
        queue,
        rest_for,
        outlier,
        slow_start,
        breaker,
        limits,
        http,
        tls,
        streams_max,
        proxy_protocol,
        sticky,
    } = old;
    let same_tls = match (tls, &new.tls) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        (old, new) => old.is_none() && new.is_none(),
    };
    (id, name, zone, limits) == (&new.id, &new.name, &new.zone, &new.limits)
        && *connect_timeout == new.connect_timeout
        && *first_byte_timeout == new.first_byte_timeout
        && *idle_timeout == new.idle_timeout
        && *pool_idle_timeout == new.pool_idle_timeout
        && *pool_idle_max == new.pool_idle_max
        && *connections_max == new.connections_max
        && *requests_max == new.requests_max
        && *adaptive == new.adaptive
        && *queue == new.queue
        && *rest_for == new.rest_for
        && *outlier == new.outlier
        && *slow_start == new.slow_start
        && *breaker == new.breaker
        && *http == new.http
        && same_tls
        && *streams_max == new.streams_max
        && *proxy_protocol == new.proxy_protocol
        && *sticky == new.sticky
}

fn outlier(spec: &OutlierSpec) -> OutlierPlan {
    OutlierPlan {
        consecutive_5xx: spec.consecutive_5xx.value,
        consecutive_failures: spec.consecutive_failures.value,
        eject_for: spec.eject_for.value,
        eject_for_max: spec.eject_for_max.value,
        max_ejected: spec.max_ejected.value.0,
        panic: spec.panic.0,
        window: spec.judges_a_window().then(|| WindowPlan {
            over: spec.over.value,
            min_requests: spec.min_requests.value,
            error_rate: spec.error_rate.as_ref().map(|share| share.value.0),
            success_rate_stdev: spec.success_rate_stdev.as_ref().map(|factor| factor.value),
            slower_than: spec.slower_than.as_ref().map(|times| times.value.0),
        }),
    }
}

fn adaptive(spec: &AdaptiveSpec) -> GradientRule {
    GradientRule {
        min: spec.min.value,
        max: spec.max.value,
        tolerance: spec.tolerance.value.0,
        window: ADAPTIVE_WINDOW,
        measure_every: spec.measure_every.value,
    }
}

fn queue_plan(spec: &UpstreamQueueSpec) -> QueuePlan {
    QueuePlan { max: spec.max.value, timeout: spec.timeout.value }
}

fn breaker(spec: &BreakerSpec) -> BreakerRule {
    BreakerRule {
        error_rate: spec.error_rate.value.0,
        over: spec.over.value,
        open_for: spec.open_for.value,
        min_requests: spec.min_requests.value,
        probes: spec.probes.value,
    }
}

fn text(balance: &BalanceSpec) -> String {
    yaml::inline(&balance.write())
}

/// How long an endpoint that could not be connected to is left alone: long enough that a restart does not cost each
/// request a try, short enough that it is soon found to be back.
const REST_FOR: Duration = Duration::from_secs(2);
/// How long an adaptive limit gathers latencies: many answers of a busy upstream, and still a quick reaction.
const ADAPTIVE_WINDOW: Duration = Duration::from_millis(100);
