//! Reading routes: a host, its paths, the rules of each path.

use std::sync::Arc;

use portunus_base::ListenerId;
use portunus_config::ConfigSpec;
use portunus_config::spec::{HostSpec, RouteSpec, RulesSpec};
use portunus_exchange::Phase;
use portunus_filter::Link;
use portunus_route::{Condition, HostPattern, PathPattern};
use portunus_spec::{Reader, Span, Spanned};

use super::RouteRecord;
use super::plan::Plan;
use crate::chain::Chains;
use crate::condition::conditions;
use crate::listener::ListenerIds;
use crate::openapi::Operations;
use crate::place::{Extent, report_pattern};
use crate::secure;
use crate::upstream::Upstreams;

/// A route before it is known whether the configuration is good.
pub(super) struct Draft {
    pub(super) record: RouteRecord,
    host: Arc<str>,
    /// Where messages about the route as a whole point.
    pub(super) span: Span,
    /// `None` after mistakes.
    pub(super) parts: Option<Parts>,
}

/// What a route and its rule are made of.
pub(super) struct Parts {
    pub(super) rule: (HostPattern, PathPattern),
    pub(super) links: Vec<Link>,
    pub(super) plan: Plan,
}

/// What reading a route needs beside the route.
pub(crate) struct Parties<'p, 'a> {
    pub(crate) chains: &'p mut Chains<'a>,
    pub(crate) upstreams: &'p mut Upstreams<'a>,
    pub(crate) listeners: &'p ListenerIds,
    pub(crate) operations: &'p Operations,
}

/// What the routes of a host have in common.
pub(super) struct Host<'s> {
    name: Arc<str>,
    /// `None` where the loader reported the name.
    pattern: Option<HostPattern>,
    listeners: Vec<ListenerId>,
    filters: Vec<usize>,
    spec: &'s HostSpec,
}

/// A rule of a path, as it is written.
struct Rule<'s> {
    path: Arc<str>,
    /// `None` after a mistake.
    pattern: Option<PathPattern>,
    /// Which rule of its path it is.
    index: usize,
    span: Span,
    spec: &'s RouteSpec,
}

impl Draft {
    /// Where it stands in the tree.
    pub(super) fn path(&self) -> String {
        format!("hosts.{}.routes.{}", self.host, self.record.path)
    }
}

impl<'a> Host<'a> {
    pub(super) fn read(
        name: &Spanned<String>,
        spec: &'a HostSpec,
        config: &ConfigSpec,
        parties: &mut Parties<'_, 'a>,
    ) -> Self {
        let ipv6 = name.contains(':') && !name.starts_with('[');
        let pattern = match ipv6 {
            true => HostPattern::parse(&format!("[{}]", name.value)),
            false => HostPattern::parse(name),
        };
        let listeners = spec.listeners.iter().filter_map(|name| parties.listeners.known(name));
        let mut filters = secure::filters(name, spec, config, parties.chains);
        filters.extend(parties.chains.places(&spec.r#use, &format!("hosts.{}.use", name.value)));
        Self {
            name: Arc::from(name.as_str()),
            pattern: pattern.ok(),
            listeners: listeners.collect(),
            filters,
            spec,
        }
    }

    /// All routes in written order.
    pub(super) fn routes(
        &self,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
        drafts: &mut Vec<Draft>,
    ) {
        for (path, rules) in &self.spec.routes {
            let pattern = pattern(path, reader);
            for rule in rules_of(path, &pattern, rules) {
                let single = rules.rules.len() == 1;
                drafts.push(reader.key(path, |reader| match single {
                    true => self.route(&rule, parties, reader),
                    false => reader.index(rule.index, |reader| self.route(&rule, parties, reader)),
                }));
            }
        }
    }

    /// The filters for requests that no route takes. What they know of the path is what all routes know of it, so that
    /// they are those of the routes.
    pub(super) fn unrouted(
        &self,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
    ) -> Option<(HostPattern, Vec<Link>)> {
        let paths = self.spec.routes.iter().map(|(path, _)| PathPattern::parse(path).ok());
        let paths: Vec<PathPattern> = paths.collect::<Option<_>>()?;
        let (first, others) = paths.split_first()?;
        let is_everywhere =
            |name: &&str| others.iter().all(|path| path.names().any(|known| known == *name));
        let params: Vec<&str> = first.names().filter(is_everywhere).collect();
        let Parties { chains, upstreams, .. } = parties;
        let links = chains.links(&self.filters, &params, upstreams, reader)?;
        let pattern = self.pattern.clone()?;
        (!links.is_empty()).then_some((pattern, links))
    }

    fn route(
        &self,
        rule: &Rule<'a>,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
    ) -> Draft {
        let links = self.links(rule, parties, reader);
        let conditions = conditions(rule.spec, reader);
        let plan = Plan::read(rule.spec, parties.upstreams, reader);
        let record = RouteRecord {
            name: match parties.operations.name(&self.name, &rule.path, rule.index) {
                Some(operation) => operation_name(&self.name, &rule.path, operation),
                None => name(&self.name, &rule.path, rule.index),
            },
            path: Arc::clone(&rule.path),
            conditions: with_listeners(conditions.as_deref().unwrap_or_default(), &self.listeners),
        };
        let patterns = self.pattern.clone().zip(rule.pattern.clone());
        let parts = patterns.zip(links).zip(plan).filter(|_| conditions.is_some());
        let parts = parts.map(|((rule, links), plan)| Parts { rule, links, plan });
        Draft { record, host: Arc::clone(&self.name), span: rule.span, parts }
    }

    /// The filters: those of the host, those of the route, and the route's own answer.
    fn links(
        &self,
        rule: &Rule<'a>,
        parties: &mut Parties<'_, 'a>,
        reader: &mut Reader<'_>,
    ) -> Option<Vec<Link>> {
        let Parties { chains, upstreams, .. } = parties;
        let spec = rule.spec;
        let scope = format!("hosts.{}.routes.{}", self.name, rule.path);
        let mut places = self.filters.clone();
        places.extend(chains.places(&spec.r#use, &format!("{scope}.use")));
        let answers = ANSWERS.into_iter().zip([&spec.redirect, &spec.respond]);
        for (name, node) in answers.filter_map(|(name, node)| Some((name, node.as_ref()?))) {
            places.extend(chains.answer(name, node, &scope, reader));
        }
        // Without a pattern nobody knows the named parts: filters that use them would only seem to be wrong.
        let params: Vec<&str> = rule.pattern.as_ref()?.names().collect();
        let links = chains.links(&places, &params, upstreams, reader)?;
        warn_of_unreached(rule, (&places, &links), chains, reader);
        Some(links)
    }
}

fn pattern(path: &Spanned<String>, reader: &mut Reader<'_>) -> Option<PathPattern> {
    match PathPattern::parse(path) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let extent = if path.starts_with('~') { Extent::Rest } else { Extent::Segment };
            reader.key(path, |reader| report_pattern(error, path, extent, reader));
            None
        }
    }
}

fn rules_of<'s>(
    path: &Spanned<String>,
    pattern: &Option<PathPattern>,
    rules: &'s RulesSpec,
) -> impl Iterator<Item = Rule<'s>> {
    let text: Arc<str> = Arc::from(path.as_str());
    let single = rules.rules.len() == 1;
    rules.rules.iter().enumerate().map(move |(index, spec)| Rule {
        path: Arc::clone(&text),
        pattern: pattern.clone(),
        index,
        span: place(spec).filter(|_| !single).unwrap_or(path.span),
        spec,
    })
}

/// Warns of what stands behind a filter that answers every request, and of a route where nothing does.
fn warn_of_unreached(
    rule: &Rule<'_>,
    (places, links): (&[usize], &[Link]),
    chains: &Chains<'_>,
    reader: &mut Reader<'_>,
) {
    let Some(at) = links.iter().position(|link| ANSWERS.contains(&link.name)) else {
        let is_mocked = links.iter().any(|link| link.name == "mock");
        if rule.spec.to.is_none() && !is_mocked {
            let warning = reader.warning(rule.span, "requests that no filter answers go nowhere");
            warning.help("add `to`, `redirect` or `respond`");
        }
        return;
    };
    let answers = places.get(at).map_or(Span::NONE, |place| chains.span(*place));
    let mut behind = places.iter().zip(links).skip(at + 1);
    let filter = behind.find(|(_, link)| link.interest.phases.has(Phase::Request));
    let unreached = match (filter, &rule.spec.to) {
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

/// The name of a route that a document gives: host, path and operation.
fn operation_name(host: &str, path: &str, operation: &str) -> Arc<str> {
    Arc::from(format!("{} {operation}", name(host, path, 0)))
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
        let methods = when.method.iter().map(|method| method.span);
        let networks = when.client_ip.iter().map(|range| range.span);
        texts.map(|(name, _)| name.span).chain(methods).chain(networks)
    });
    let methods = route.methods.iter().map(|method| method.span);
    let filters = route.r#use.iter().map(|filter| filter.name.span);
    let answers = [&route.redirect, &route.respond].into_iter().flatten().map(|node| node.span);
    let to = route.to.iter().map(|to| to.span);
    named.chain(methods).chain(filters).chain(to).chain(answers).min()
}

/// The filters that answer every request. A route has keys of their names.
const ANSWERS: [&str; 2] = ["redirect", "respond"];
