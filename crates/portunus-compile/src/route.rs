//! Routes: rules for the router, and plans for the data path.

mod plan;

use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{ListenerId, RouteId};
use portunus_config::spec::{HostSpec, RouteSpec};
use portunus_exchange::Phase;
use portunus_filter::Link;
use portunus_route::{Condition, HostPattern, PathPattern, RouteRule, Router, RouterBuilder};
use portunus_snapshot::Route;
use portunus_spec::{Reader, Span, Spanned};

use crate::Inputs;
use crate::chain::Chains;
use crate::condition::conditions;
use crate::listener::ListenerIds;
use crate::place::{Extent, report_pattern};
use crate::upstream::Upstreams;
use plan::Plan;
pub(crate) use plan::same_route;

/// What a result remembers of a route beside the route itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RouteRecord {
    pub(crate) name: Arc<str>,
    /// As it stands under `routes`.
    pub(crate) path: Arc<str>,
    pub(crate) conditions: Vec<Condition>,
}

/// All routes of a configuration, by id.
#[derive(Default)]
pub(crate) struct Routes {
    drafts: Vec<Draft>,
}

/// A route before it is known whether the configuration is good.
struct Draft {
    record: RouteRecord,
    host: Arc<str>,
    /// Where messages about the route as a whole point.
    span: Span,
    /// `None` after mistakes.
    parts: Option<Parts>,
}

struct Parts {
    rule: (HostPattern, PathPattern),
    links: Vec<Link>,
    plan: Plan,
}

/// What the routes of a host have in common.
struct Host<'s> {
    name: Arc<str>,
    /// `None` where the loader reported the name.
    pattern: Option<HostPattern>,
    listeners: Vec<ListenerId>,
    filters: Vec<usize>,
    spec: &'s HostSpec,
}

/// What reading a route needs beside the route.
pub(crate) struct Parties<'p, 'a> {
    pub(crate) chains: &'p mut Chains<'a>,
    pub(crate) upstreams: &'p mut Upstreams<'a>,
    pub(crate) listeners: &'p ListenerIds,
}

impl Routes {
    /// Reads all routes in written order, which is the order of the ids.
    pub(crate) fn read<'a>(
        inputs: &Inputs<'a>,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let mut routes = Self::default();
        reader.key("hosts", |reader| {
            for (name, host) in &inputs.spec.hosts {
                let host = Host::read(name, host, parties);
                reader.key(name, |reader| {
                    reader.key("routes", |reader| routes.read_host(&host, parties, reader));
                });
            }
        });
        routes
    }

    /// The router over all routes without mistakes. Reports routes that cannot be told apart, and those that no
    /// request reaches.
    pub(crate) fn router(&self, reader: &mut Reader<'_>) -> Option<Router> {
        let mut builder = RouterBuilder::new();
        for (id, draft) in (0..).map(RouteId).zip(&self.drafts) {
            let Some(Parts { rule: (host, path), .. }) = &draft.parts else { continue };
            let (host, path, conditions) =
                (host.clone(), path.clone(), draft.record.conditions.clone());
            builder.add(RouteRule { id, host, path, conditions });
        }
        match builder.build() {
            Ok(router) => {
                for shadowed in router.shadowed() {
                    self.warn_of_shadow(shadowed.route, shadowed.by, reader);
                }
                Some(router)
            }
            Err(conflicts) => {
                for conflict in conflicts {
                    self.report_conflict(conflict.first, conflict.second, reader);
                }
                None
            }
        }
    }

    /// Makes the routes, or takes those of before that are the same under the same id.
    pub(crate) fn finish(self, inputs: &Inputs<'_>) -> (Vec<Arc<Route>>, Vec<RouteRecord>) {
        let before: HashMap<&str, &Arc<Route>> = match inputs.previous {
            Some(previous) => {
                previous.snapshot.routes.iter().map(|route| (&*route.name, route)).collect()
            }
            None => HashMap::new(),
        };
        let mut routes = Vec::with_capacity(self.drafts.len());
        let mut records = Vec::with_capacity(self.drafts.len());
        for (id, draft) in (0..).map(RouteId).zip(self.drafts) {
            let Some(Parts { links, plan, .. }) = draft.parts else { continue };
            let before = before.get(&*draft.record.name).copied();
            let route = match before {
                Some(route) if route.id == id && plan.is_of(route, &links) => Arc::clone(route),
                _ => {
                    let name = Arc::clone(&draft.record.name);
                    let series = match before {
                        Some(route) => route.series,
                        None => inputs.metrics.route(&name),
                    };
                    Arc::new(plan.into_route(id, name, series, links))
                }
            };
            routes.push(route);
            records.push(draft.record);
        }
        (routes, records)
    }

    fn read_host<'a>(
        &mut self,
        host: &Host<'a>,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
    ) {
        for (path, rules) in &host.spec.routes {
            let pattern = match PathPattern::parse(path) {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    let regex = path.starts_with('~');
                    let extent = if regex { Extent::Rest } else { Extent::Segment };
                    reader.key(path, |reader| report_pattern(error, path, extent, reader));
                    None
                }
            };
            let text: Arc<str> = Arc::from(path.as_str());
            let single = rules.rules.len() == 1;
            for (index, route) in rules.rules.iter().enumerate() {
                let span = if single { path.span } else { place(route).unwrap_or(path.span) };
                let mut draft = |reader: &mut Reader<'_>| {
                    read_route(host, &pattern, (&text, index), route, span, parties, reader)
                };
                let draft = reader.key(path, |reader| match single {
                    true => draft(reader),
                    false => reader.index(index, draft),
                });
                self.drafts.push(draft);
            }
        }
    }

    fn warn_of_shadow(&self, id: RouteId, by: RouteId, reader: &mut Reader<'_>) {
        let (Some(draft), Some(by)) = (self.drafts.get(id.index()), self.drafts.get(by.index()))
        else {
            return;
        };
        reader.key(&draft.path(), |reader| {
            let message = format!("no request reaches the route {}", draft.record.name);
            let warning = reader.warning(draft.span, message);
            warning.related(by.span, "this one takes all of its requests");
            warning.help("remove it, or give it more conditions");
        });
    }

    fn report_conflict(&self, first: RouteId, second: RouteId, reader: &mut Reader<'_>) {
        let (Some(first), Some(second)) =
            (self.drafts.get(first.index()), self.drafts.get(second.index()))
        else {
            return;
        };
        reader.key(&second.path(), |reader| {
            let error = reader.error(second.span, "two routes match the same requests");
            error.related(first.span, "the other one");
            error.help("give one of them another path, or a condition under `when`");
        });
    }
}

impl Draft {
    fn path(&self) -> String {
        format!("hosts.{}.routes.{}", self.host, self.record.path)
    }
}

impl<'a> Host<'a> {
    fn read(name: &Spanned<String>, spec: &'a HostSpec, parties: &mut Parties<'_, 'a>) -> Self {
        let ipv6 = name.contains(':') && !name.starts_with('[');
        let pattern = match ipv6 {
            true => HostPattern::parse(&format!("[{}]", name.value)),
            false => HostPattern::parse(name),
        };
        let listeners = spec.listeners.iter().filter_map(|name| parties.listeners.known(name));
        Self {
            name: Arc::from(name.as_str()),
            pattern: pattern.ok(),
            listeners: listeners.collect(),
            filters: parties.chains.places(&spec.r#use, &format!("hosts.{}.use", name.value)),
            spec,
        }
    }
}

fn read_route<'a>(
    host: &Host<'a>,
    pattern: &Option<PathPattern>,
    (path, index): (&Arc<str>, usize),
    route: &'a RouteSpec,
    span: Span,
    parties: &mut Parties<'_, 'a>,
    reader: &mut Reader<'_>,
) -> Draft {
    let Parties { chains, upstreams, .. } = parties;
    let mut places = host.filters.clone();
    let scope = format!("hosts.{}.routes.{path}", host.name);
    places.extend(chains.places(&route.r#use, &format!("{scope}.use")));
    let answers = ANSWERS.into_iter().zip([&route.redirect, &route.respond]);
    for (name, node) in answers.filter_map(|(name, node)| Some((name, node.as_ref()?))) {
        places.extend(chains.answer(name, node, &scope, reader));
    }
    // Without a pattern nobody knows the named parts: filters that use them would only seem to be wrong.
    let links = pattern.as_ref().and_then(|pattern| {
        let params: Vec<&str> = pattern.names().collect();
        chains.links(&places, &params, upstreams, reader)
    });
    if let Some(links) = &links {
        warn_of_unreached(route, span, (&places, links), chains, reader);
    }
    let conditions = conditions(route, reader);
    let plan = Plan::read(route, upstreams, reader);
    let record = RouteRecord {
        name: name(&host.name, path, index),
        path: Arc::clone(path),
        conditions: with_listeners(conditions.as_deref().unwrap_or_default(), &host.listeners),
    };
    let rule = host.pattern.clone().zip(pattern.clone());
    let parts = rule.zip(links).zip(plan).filter(|_| conditions.is_some());
    let parts = parts.map(|((rule, links), plan)| Parts { rule, links, plan });
    Draft { record, host: Arc::clone(&host.name), span, parts }
}

/// Warns of what stands behind a filter that answers every request, and of a route where nothing does.
fn warn_of_unreached(
    route: &RouteSpec,
    span: Span,
    (places, links): (&[usize], &[Link]),
    chains: &Chains<'_>,
    reader: &mut Reader<'_>,
) {
    let Some(at) = links.iter().position(|link| ANSWERS.contains(&link.name)) else {
        if route.to.is_none() {
            let warning = reader.warning(span, "requests that no filter answers go nowhere");
            warning.help("add `to`, `redirect` or `respond`");
        }
        return;
    };
    let answers = places.get(at).map_or(Span::NONE, |place| chains.span(*place));
    let mut behind = places.iter().zip(links).skip(at + 1);
    let filter = behind.find(|(_, link)| link.interest.phases.has(Phase::Request));
    let unreached = match (filter, &route.to) {
        (Some((place, _)), _) => chains.span(*place),
        (None, Some(to)) => to.span,
        (None, None) => return,
    };
    let warning = reader.warning(unreached, "no request gets this far");
    warning.related(answers, "this filter answers all of them").help("remove one of them");
}

fn with_listeners(conditions: &[Condition], listeners: &[ListenerId]) -> Vec<Condition> {
    let listeners = (!listeners.is_empty()).then(|| Condition::Listeners(listeners.to_vec()));
    listeners.into_iter().chain(conditions.iter().cloned()).collect()
}

/// The name in logs and metrics: host and path; of further rules of a path, with their number.
fn name(host: &str, path: &str, index: usize) -> Arc<str> {
    let space = if path.starts_with('/') { "" } else { " " };
    Arc::from(match index {
        0 => format!("{host}{space}{path}"),
        _ => format!("{host}{space}{path}#{}", index + 1),
    })
}

/// Where one of several rules of a path stands: at the first thing in it that has a place.
fn place(route: &RouteSpec) -> Option<Span> {
    let when = route.when.as_ref();
    let named = when.into_iter().flat_map(|when| {
        let texts = when.header.iter().chain(&when.query).chain(&when.cookie);
        let networks = when.client_ip.iter().map(|range| range.span);
        texts.map(|(name, _)| name.span).chain(when.method.iter().map(|m| m.span)).chain(networks)
    });
    let methods = route.methods.iter().map(|method| method.span);
    let filters = route.r#use.iter().map(|filter| filter.name.span);
    let answers = [&route.redirect, &route.respond].into_iter().flatten().map(|node| node.span);
    let to = route.to.iter().map(|to| to.span);
    named.chain(methods).chain(filters).chain(to).chain(answers).min()
}

/// The filters that answer every request. A route has keys of their names.
const ANSWERS: [&str; 2] = ["redirect", "respond"];
