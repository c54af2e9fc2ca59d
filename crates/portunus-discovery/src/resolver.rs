//! Names to addresses. The only module that knows the resolver library.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use portunus_base::Rng;
use portunus_resilience::{Backoff, BackoffRule};
use portunus_spec::spec_enum;

/// How names are resolved, and how often.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// DNS servers; none means those of the system.
    pub servers: Vec<SocketAddr>,
    /// Which addresses of a name count.
    pub family: Family,
    /// A name is asked for again after its TTL, but not before this time.
    pub ttl_min: Duration,
    /// A name is asked for again after its TTL, but not after this time.
    pub ttl_max: Duration,
    /// Wait after the first failure.
    pub retry_min: Duration,
    /// Longest wait between failures.
    pub retry_max: Duration,
    /// Limit of one try of one server; the system's when `None`.
    pub timeout: Option<Duration>,
}

impl Default for ResolveOptions {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            family: Family::Auto,
            ttl_min: Duration::from_secs(1),
            ttl_max: Duration::from_secs(300),
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
            timeout: None,
        }
    }
}

impl ResolveOptions {
    /// A fresh back-off.
    pub(crate) fn backoff(&self) -> Backoff {
        let rule = BackoffRule { first: self.retry_min, longest: self.retry_max };
        Backoff::new(rule, Rng::from_system())
    }

    /// When to ask again after an answer of this TTL.
    pub(crate) fn refresh_after(&self, ttl: Duration) -> Duration {
        ttl.min(self.ttl_max).max(self.ttl_min)
    }

    /// The addresses of a host, sorted, without repeats: servers turn the order of their answers,
    /// and a turned answer is no news.
    pub(crate) async fn hosts(&self, host: &str) -> Result<Found<IpAddr>, NetError> {
        let answer = self.resolver()?.lookup_ip(host).await?;
        Ok(found(answer.as_lookup(), RData::ip_addr))
    }

    /// The places of a service (RFC 2782), sorted.
    pub(crate) async fn services(&self, name: &str) -> Result<Found<Service>, NetError> {
        let answer = self.resolver()?.srv_lookup(name).await?;
        Ok(found(&answer, |record| match record {
            RData::SRV(srv) => Some(Service {
                priority: srv.priority,
                host: srv.target.to_string().trim_end_matches('.').to_owned(),
                port: srv.port,
                weight: srv.weight,
            }),
            _ => None,
        }))
    }

    /// A resolver that has just read the system's files: edits of `/etc/resolv.conf` and
    /// `/etc/hosts` count with the next lookup. Its cache is of no use, as each lookup wants a
    /// fresh answer.
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if self.servers.is_empty() {
            // Without the system's file there is no server, but still `localhost` and /etc/hosts.
            TokioResolver::builder_tokio().unwrap_or_else(|_| with_servers(&[]))
        } else {
            with_servers(&self.servers)
        };
        let options = builder.options_mut();
        options.ip_strategy = self.family.strategy();
        options.timeout = self.timeout.unwrap_or(options.timeout);
        builder.build()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    /// The shortest of the records.
    pub(crate) ttl: Duration,
}

/// One place of a service.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Service {
    pub(crate) priority: u16,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) weight: u16,
}

spec_enum! {
    /// Which addresses of a name are endpoints.
    pub enum Family {
        /// IPv4; IPv6 where a name has no IPv4 address.
        Auto = "auto",
        /// IPv4 only.
        V4 = "v4",
        /// IPv6 only.
        V6 = "v6",
        /// Each address of either kind is an endpoint.
        Both = "both",
    }
}

impl Family {
    fn strategy(self) -> LookupIpStrategy {
        match self {
            Self::Auto => LookupIpStrategy::Ipv4thenIpv6,
            Self::V4 => LookupIpStrategy::Ipv4Only,
            Self::V6 => LookupIpStrategy::Ipv6Only,
            Self::Both => LookupIpStrategy::Ipv4AndIpv6,
        }
    }
}

fn found<T: Ord>(answer: &Lookup, item: impl Fn(&RData) -> Option<T>) -> Found<T> {
    let records = answer.answers();
    let mut items: Vec<T> = records.iter().filter_map(|record| item(&record.data)).collect();
    items.sort_unstable();
    items.dedup();
    let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0);
    Found { items, ttl: Duration::from_secs(ttl.into()) }
}

fn with_servers(servers: &[SocketAddr]) -> hickory_resolver::ResolverBuilder<TokioRuntimeProvider> {
    let config = ResolverConfig::from_name_servers(servers.iter().map(name_server).collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = ResolverOpts::default();
    builder
}

/// UDP, and TCP for answers that do not fit.
fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

#[cfg(test)]
mod tests;
