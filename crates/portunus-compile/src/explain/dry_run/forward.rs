//! A request on its way to an upstream.

use std::fmt::Write as _;

use portunus_base::UpstreamId;
use portunus_discovery::{Discovered, EndpointInput};
use portunus_exchange::Exchange;
use portunus_http::HeaderId;
use portunus_snapshot::{Destination, Route};
use portunus_spec::yaml;

use super::{filters, text};
use crate::explain::{Choice, ChoiceLimits, Forward};
use crate::{Compiled, Source, UpstreamSource};

pub(super) fn forward(compiled: &Compiled, route: &Route, exchange: &mut Exchange) -> Forward {
    let shares: Vec<(UpstreamId, u32)> = match &route.destination {
        Destination::None => Vec::new(),
        Destination::Upstream(id) => vec![(*id, 1)],
        Destination::Split(split) => split.weights().collect(),
    };
    let total: f64 = shares.iter().map(|(_, weight)| f64::from(*weight)).sum();
    let choice = |(id, weight): &(UpstreamId, u32)| {
        Some(choice(source(compiled, *id)?, route, f64::from(*weight) / total))
    };
    let choices: Vec<Choice> = shares.iter().filter_map(choice).collect();
    exchange.request.headers.append_id(HeaderId::Via, b"1.1 portunus");
    let headers = exchange.request.headers.iter();
    let mirror = route.mirror.and_then(|mirror| {
        let name = source(compiled, mirror.upstream)?.upstream.plan.name.to_string();
        Some((name, mirror.share))
    });
    Forward {
        choices,
        request: format!("{} {}", text(exchange.request.method_text()), filters::target(exchange)),
        headers: headers.map(|header| (text(header.name), text(header.value))).collect(),
        mirror,
        retry: route.retry.clone(),
        request_timeout: route.timeouts.request,
    }
}

fn source(compiled: &Compiled, id: UpstreamId) -> Option<&UpstreamSource> {
    compiled.upstreams.iter().find(|source| source.upstream.plan.id == id)
}

fn choice(source: &UpstreamSource, route: &Route, share: f64) -> Choice {
    let plan = &source.upstream.plan;
    Choice {
        upstream: plan.name.to_string(),
        share,
        balance: source.balance.clone(),
        endpoints: match &source.source {
            Source::Fixed(endpoints) => endpoints.iter().map(found).collect(),
            Source::Resolve(inputs) => inputs.iter().map(input).collect(),
            Source::Provider(provider) => {
                vec![format!("found by {}", yaml::inline(&provider.write()))]
            }
        },
        connect_timeout: route.timeouts.connect.unwrap_or(plan.connect_timeout),
        first_byte_timeout: route.timeouts.first_byte.unwrap_or(plan.first_byte_timeout),
        idle_timeout: route.timeouts.idle.unwrap_or(plan.idle_timeout),
        health: source.health.clone(),
        slow_start: plan.slow_start,
        outlier: plan.outlier,
        breaker: plan.breaker,
        limits: ChoiceLimits {
            connections_max: plan.connections_max,
            requests_max: plan.requests_max,
            adaptive: plan.adaptive,
            queue: plan.queue,
            priority: route.priority,
        },
        sticky: plan.sticky.as_ref().map(|sticky| sticky.name.to_string()),
    }
}

fn found(endpoint: &Discovered) -> String {
    let Discovered { name, weight, zone, backup, .. } = endpoint;
    line(name, *weight, zone.as_deref(), *backup)
}

fn input(endpoint: &EndpointInput) -> String {
    let EndpointInput { name, weight, zone, backup, .. } = endpoint;
    line(name, *weight, zone.as_deref(), *backup)
}

/// An endpoint with what is special about it.
fn line(name: &str, weight: u32, zone: Option<&str>, backup: bool) -> String {
    let mut line = name.to_owned();
    if weight != 1 {
        let _ = write!(line, ", weight {weight}");
    }
    if let Some(zone) = zone {
        let _ = write!(line, ", zone {zone}");
    }
    if backup {
        line.push_str(", backup");
    }
    line
}
