//! The choice of a route in the words of the configuration: names in place of ids.

use portunus_base::RouteId;
use portunus_route::{Condition, Event, Failure};

use super::RunnerUp;
use crate::Compiled;

/// What a search told, beside the route itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) host: Option<String>,
    pub(super) hosts_elsewhere: Vec<String>,
    pub(super) runners_up: Vec<RunnerUp>,
}

pub(super) fn tell(compiled: &Compiled, events: &[Event]) -> Told {
    let mut told = Told::default();
    let mut lost = |route: RouteId, reason| {
        told.runners_up.push(RunnerUp { route: name(compiled, route), reason });
    };
    for event in events {
        match event {
            Event::Host { host } => told.host = Some(host.to_string()),
            Event::HostElsewhere { host } => told.hosts_elsewhere.push(host.to_string()),
            Event::Failed { route, failure } => lost(*route, reason(compiled, failure)),
            Event::Outranked { route, why, .. } => {
                lost(*route, format!("matches too, but the route above {why}"));
            }
            Event::Won { .. } | Event::Missed(_) => {}
        }
    }
    told
}

/// The name of a route.
pub(super) fn name(compiled: &Compiled, route: RouteId) -> String {
    let record = compiled.routes.get(route.index());
    record.map_or_else(String::new, |record| record.name.to_string())
}

fn reason(compiled: &Compiled, failure: &Failure) -> String {
    let Condition::Listeners(wanted) = &failure.condition else { return failure.to_string() };
    let names = compiled.listeners.iter().filter(|listener| wanted.contains(&listener.id));
    let names: Vec<&str> = names.map(|listener| listener.name.as_str()).collect();
    format!("is only on listener {}", names.join(", "))
}
