//! Routes: rules for the router, and plans for the data path.

mod draft;
mod plan;

use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::RouteId;
use portunus_filter::{Chain, Link};
use portunus_route::{Condition, HostPattern, RouteRule, Router, RouterBuilder};
use portunus_snapshot::Route;
use portunus_spec::Reader;

use crate::Inputs;
use draft::{Draft, Host, Parts};

pub(crate) use draft::Parties;
pub(crate) use plan::{destination, same_route};

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
    /// The filters of hosts.
    hosts: Vec<(HostPattern, Vec<Link>)>,
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
                let host = Host::read(name, host, inputs.spec, parties);
                reader.key(name, |reader| {
                    let drafts = &mut routes.drafts;
                    reader.key("routes", |reader| host.routes(parties, reader, drafts));
                    routes.hosts.extend(host.unrouted(parties, reader));
                });
            }
        });
        routes
    }

    /// True when no route has mistakes.
    pub(crate) fn are_whole(&self) -> bool {
        self.drafts.iter().all(|draft| draft.parts.is_some())
    }

    /// The filters of hosts, for requests that none of their routes takes.
    pub(crate) fn unrouted(&self) -> HashMap<HostPattern, Arc<Chain>> {
        let chain = |links: &Vec<Link>| Arc::new(Chain::new(links.clone()));
        self.hosts.iter().map(|(host, links)| (host.clone(), chain(links))).collect()
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
            let name = Arc::clone(&draft.record.name);
            let series = before.map_or_else(|| inputs.metrics.route(&name), |route| route.series);
            let made = plan.into_route(id, name, series, links);
            let route = match before {
                Some(route) if route.id == id && same_route(route, &made) => Arc::clone(route),
                _ => Arc::new(made),
            };
            routes.push(route);
            records.push(draft.record);
        }
        (routes, records)
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
