//! One route: its filters, where it goes, and the bounds on the way.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{RouteId, UpstreamId};
use portunus_filter::Chain;
use portunus_resilience::{BackoffRule, Priority};
use portunus_telemetry::RouteSeries;

/// A route of a snapshot.
#[derive(Debug)]
pub struct Route {
    /// Its id in this snapshot.
    pub id: RouteId,
    /// Its name: host and path, as in logs and metrics. The same over reloads.
    pub name: Arc<str>,
    /// The series that counts it.
    pub series: RouteSeries,
    /// Its filters.
    pub chain: Chain,
    /// Where requests go that no filter answers.
    pub destination: Destination,
    /// Bounds on time.
    pub timeouts: RouteTimeouts,
    /// Which requests come first where they wait for their turn at an upstream.
    pub priority: Priority,
    /// When a request is sent once more.
    pub retry: RetryPlan,
    /// A copy of some requests goes there; its answer is not used.
    pub mirror: Option<Mirror>,
    /// The upstream sees the `Host` that the client sent; else its endpoint's own.
    pub preserve_host: bool,
    /// Requests to upgrade (WebSocket) are passed on; else the upgrade is left out.
    pub upgrade: bool,
    /// `Forwarded` (RFC 7239) is written beside `X-Forwarded-*`.
    pub forwarded: bool,
}

/// Where requests go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Nowhere: a filter of the chain answers each one.
    None,
    /// To one upstream.
    Upstream(UpstreamId),
    /// To one of several, by weight.
    Split(Split),
}

/// A weighted choice between upstreams.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Split {
    shares: Vec<(u32, UpstreamId)>,
    total: u32,
}

impl Split {
    /// A choice by these weights; None when they sum to nothing.
    #[must_use]
    pub fn new(weights: &[(UpstreamId, u32)]) -> Option<Self> {
        let mut total = 0u32;
        let mut shares = Vec::new();
        for (upstream, weight) in weights {
            total = total.checked_add(*weight)?;
            shares.push((total, *upstream));
        }
        (total > 0).then_some(Self { shares, total })
    }

    /// The upstream for a number drawn evenly from all 64-bit numbers.
    #[must_use]
    pub fn choose(&self, drawn: u64) -> Option<UpstreamId> {
        let point = ((u128::from(drawn) * u128::from(self.total)) >> 64) as u32;
        let at = self.shares.partition_point(|(end, _)| *end <= point);
        self.shares.get(at).map(|(_, upstream)| *upstream)
    }

    /// All upstreams with their weights.
    pub fn weights(&self) -> impl Iterator<Item = (UpstreamId, u32)> {
        let mut before = 0;
        self.shares.iter().map(move |(end, upstream)| {
            let weight = end - before;
            before = *end;
            (*upstream, weight)
        })
    }
}

/// Bounds on time; None leaves it to the upstream's or the listener's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RouteTimeouts {
    /// The whole exchange. Upgraded connections are not bound by it.
    pub request: Option<Duration>,
    /// Connecting.
    pub connect: Option<Duration>,
    /// The wait for the head of the answer.
    pub first_byte: Option<Duration>,
    /// A pause within a body.
    pub idle: Option<Duration>,
    /// A pause of both sides of a tunnel: WebSocket and the like; an hour unless set.
    pub tunnel_idle: Option<Duration>,
    /// A tunnel in all; not bound unless set.
    pub tunnel_lifetime: Option<Duration>,
}

/// What another try is made for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RetryOn {
    /// The endpoint could not be connected to.
    pub connect: bool,
    /// The connection broke before an answer; idempotent requests without a body only.
    pub reset: bool,
    /// No answer began in time; idempotent requests without a body only.
    pub first_byte: bool,
    /// The answer has one of these statuses; idempotent requests without a body only.
    pub statuses: Vec<u16>,
    /// The answer is a gRPC status alone, and one of these; requests whose body was not touched yet.
    pub grpc: GrpcCodes,
}

/// A set of gRPC status codes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GrpcCodes(u32);

impl GrpcCodes {
    /// The set with one code more; codes from 32 on do not exist.
    #[must_use]
    pub fn with(self, code: u8) -> Self {
        Self(self.0 | 1u32.checked_shl(u32::from(code)).unwrap_or(0))
    }

    /// True when the code is in it.
    #[must_use]
    pub fn has(self, code: u8) -> bool {
        1u32.checked_shl(u32::from(code)).is_some_and(|bit| self.0 & bit != 0)
    }

    /// True without codes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// When a request is sent once more.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPlan {
    /// How many tries there are beyond the first.
    pub attempts: u16,
    /// What another try is made for.
    pub on: RetryOn,
    /// Tries beyond the first, as a share of the worker's requests to the upstream.
    pub budget: f64,
    /// How long a retry waits; not at all where there is none.
    pub backoff: Option<BackoffRule>,
    /// The longest `Retry-After` of an answer that a retry waits for.
    pub retry_after_max: Duration,
    /// How long an idempotent request without a body waits for an answer before another endpoint gets it too.
    pub hedge_after: Option<Duration>,
}

impl Default for RetryPlan {
    fn default() -> Self {
        let on = RetryOn { connect: true, reset: true, ..RetryOn::default() };
        Self {
            attempts: 1,
            on,
            budget: 0.2,
            backoff: None,
            retry_after_max: Duration::ZERO,
            hedge_after: None,
        }
    }
}

/// Where copies of requests go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mirror {
    /// The upstream.
    pub upstream: UpstreamId,
    /// Which part of the requests, in parts of 1.0.
    pub share: f64,
    /// The largest body that is copied, in bytes; requests with a larger or unknown length are not mirrored.
    pub body_max: usize,
}

#[cfg(test)]
mod tests;
