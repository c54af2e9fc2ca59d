//! What a route does beside its filters: where to, how long, how often.

use std::sync::Arc;

use portunus_base::RouteId;
use portunus_config::spec::{
    BackoffSpec, MirrorSpec, PrioritySpec, RetryOnSpec, RetrySpec, RouteSpec, ToSpec,
};
use portunus_filter::{Chain, Link};
use portunus_resilience::{BackoffRule, Priority};
use portunus_snapshot::{Destination, Mirror, RetryOn, RetryPlan, Route, RouteTimeouts, Split};
use portunus_spec::{Reader, Spanned};
use portunus_telemetry::RouteSeries;

use crate::upstream::Upstreams;

/// The settings of a route. Every default that no spec names stands in this file.
#[derive(Debug)]
pub(super) struct Plan {
    destination: Destination,
    timeouts: RouteTimeouts,
    priority: Priority,
    retry: RetryPlan,
    mirror: Option<Mirror>,
    upgrade: bool,
}

impl Plan {
    /// Reads the settings. `None` after mistakes.
    pub(super) fn read(
        route: &RouteSpec,
        upstreams: &mut Upstreams<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let destination = match &route.to {
            Some(to) => reader.key("to", |reader| destination(to, upstreams, reader)),
            None => Some(Destination::None),
        };
        let mirror = match &route.mirror {
            Some(mirror) => self::mirror(mirror, upstreams, reader).map(Some),
            None => Some(None),
        };
        let timeouts = RouteTimeouts {
            request: route.timeouts.request,
            connect: route.timeouts.connect,
            first_byte: route.timeouts.first_byte,
            idle: route.timeouts.idle,
            tunnel_idle: route.timeouts.tunnel_idle,
            tunnel_lifetime: route.timeouts.tunnel_lifetime,
        };
        let (destination, retry, mirror) = (destination?, retry(&route.retry), mirror?);
        let priority = match route.priority {
            PrioritySpec::High => Priority::High,
            PrioritySpec::Normal => Priority::Normal,
            PrioritySpec::Low => Priority::Low,
        };
        Some(Self { destination, timeouts, priority, retry, mirror, upgrade: route.upgrade })
    }

    pub(super) fn into_route(
        self,
        id: RouteId,
        name: Arc<str>,
        series: RouteSeries,
        links: Vec<Link>,
    ) -> Route {
        Route {
            id,
            name,
            series,
            chain: Chain::new(links),
            destination: self.destination,
            timeouts: self.timeouts,
            priority: self.priority,
            retry: self.retry,
            mirror: self.mirror,
            upgrade: self.upgrade,
            preserve_host: PRESERVE_HOST,
            forwarded: FORWARDED,
        }
    }
}

/// Whether two routes do the same, whatever they are called.
pub(crate) fn same_route(old: &Route, new: &Route) -> bool {
    // Written out, so that a new field does not compile before it is compared.
    let Route {
        id: _,
        name: _,
        series: _,
        chain,
        destination,
        timeouts,
        priority,
        retry,
        mirror,
        preserve_host,
        forwarded,
        upgrade,
    } = old;
    same_links(chain.links(), new.chain.links())
        && *destination == new.destination
        && *timeouts == new.timeouts
        && *priority == new.priority
        && *retry == new.retry
        && *mirror == new.mirror
        && (*preserve_host, *forwarded) == (new.preserve_host, new.forwarded)
        && *upgrade == new.upgrade
}

fn same_links(old: &[Link], new: &[Link]) -> bool {
    let same =
        |(a, b): (&Link, &Link)| std::ptr::addr_eq(Arc::as_ptr(&a.filter), Arc::as_ptr(&b.filter));
    old.len() == new.len() && old.iter().zip(new).all(same)
}

pub(crate) fn destination(
    to: &Spanned<ToSpec>,
    upstreams: &mut Upstreams<'_>,
    reader: &mut Reader<'_>,
) -> Option<Destination> {
    match &to.value {
        ToSpec::One(target) => upstreams.target(target, reader).map(Destination::Upstream),
        ToSpec::Endpoints(urls) => upstreams.of_urls(urls, reader).map(Destination::Upstream),
        ToSpec::Split(parts) => {
            let mut share = |part: &portunus_config::spec::WeightedSpec| {
                Some((upstreams.target(&part.target, reader)?, part.weight.value))
            };
            let shares: Vec<_> = parts.iter().map(&mut share).collect();
            let shares: Vec<_> = shares.into_iter().collect::<Option<_>>()?;
            Split::new(&shares).map(Destination::Split)
        }
    }
}

fn mirror(
    spec: &MirrorSpec,
    upstreams: &mut Upstreams<'_>,
    reader: &mut Reader<'_>,
) -> Option<Mirror> {
    let upstream = upstreams.target(&spec.to, reader)?;
    Some(Mirror { upstream, share: spec.share.0, body_max: MIRROR_BODY_BYTES_MAX })
}

fn retry(spec: &RetrySpec) -> RetryPlan {
    let mut on = RetryOn::default();
    for reason in &spec.on {
        match reason.value {
            RetryOnSpec::Connect => on.connect = true,
            RetryOnSpec::Reset => on.reset = true,
            RetryOnSpec::FirstByte => on.first_byte = true,
            RetryOnSpec::Status(status) => on.statuses.push(status),
            RetryOnSpec::Grpc(code) => on.grpc = on.grpc.with(code),
        }
    }
    // What is written counts the first try; what is planned does not.
    let attempts = u16::try_from(spec.attempts.saturating_sub(1)).unwrap_or(u16::MAX);
    let backoff = spec.backoff.as_ref().map(|backoff| backoff.value);
    let backoff = backoff.map(|BackoffSpec { first, longest }| BackoffRule { first, longest });
    RetryPlan {
        attempts,
        on,
        budget: spec.budget.0,
        backoff,
        retry_after_max: spec.retry_after_max,
        hedge_after: spec.hedge.as_ref().map(|hedge| hedge.after.value),
    }
}

/// The upstream sees the `Host` that the client sent, as services that make links expect.
const PRESERVE_HOST: bool = true;
/// `Forwarded` is for those who ask for it; everybody reads `X-Forwarded-*`.
const FORWARDED: bool = false;
/// The largest body that is copied for a mirror.
const MIRROR_BODY_BYTES_MAX: usize = 64 * 1024;
