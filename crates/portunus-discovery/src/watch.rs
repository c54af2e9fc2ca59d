//! Follows one name: resolves it, reports what it found, waits for the TTL, and so on for ever.

use std::net::SocketAddr;
use std::time::Duration;

use portunus_balance::Address;
use tokio::sync::mpsc;

use crate::list::{EndpointInput, Target};
use crate::provider::Discovered;
use crate::resolver::{ResolveOptions, Service};

/// What became of one try. `found` is `None` after a failure.
#[derive(Debug)]
pub(crate) struct Report {
    /// Which of the watched names, as its watcher was told.
    pub(crate) index: usize,
    pub(crate) found: Option<Vec<Discovered>>,
}

/// Watches the name of `input` until nobody listens to the reports any more.
pub(crate) async fn watch(
    index: usize,
    input: EndpointInput,
    options: ResolveOptions,
    reports: mpsc::Sender<Report>,
) {
    let mut backoff = options.backoff();
    loop {
        let (found, wait) = match resolve(&input, &options).await {
            Ok((found, ttl)) => {
                if backoff.reset() > 0 {
                    tracing::info!(name = input.name, "the name resolves again");
                }
                (Some(found), options.refresh_after(ttl))
            }
            Err(error) => {
                let wait = backoff.fail();
                let retry_ms = wait.as_millis();
                tracing::error!(name = input.name, %error, retry_ms, "the name does not resolve");
                (None, wait)
            }
        };
        if reports.send(Report { index, found }).await.is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

type Resolved = Result<(Vec<Discovered>, Duration), Box<dyn std::error::Error + Send + Sync>>;

async fn resolve(input: &EndpointInput, options: &ResolveOptions) -> Resolved {
    match &input.target {
        Target::Fixed(address) => Ok((vec![input.at(address.clone())], Duration::MAX)),
        Target::Host { host, port } => {
            let hosts = options.hosts(host).await?;
            let addresses = hosts.items.into_iter().map(|ip| SocketAddr::new(ip, *port));
            Ok((addresses.map(|address| input.at(address.into())).collect(), hosts.ttl))
        }
        Target::Service(name) => resolve_service(input, name, options).await,
    }
}

/// The endpoints of a service: those of the lowest priority number, and the others as backups (RFC
/// 2782). A target that does not resolve is left out, as long as another one does.
async fn resolve_service(input: &EndpointInput, name: &str, options: &ResolveOptions) -> Resolved {
    let services = options.services(name).await?;
    let first = services.items.first().map_or(0, |service| service.priority);
    let (mut found, mut ttl) = (Vec::new(), services.ttl);
    let mut failure = None;
    for service in services.items {
        match options.hosts(&service.host).await {
            Ok(hosts) => {
                ttl = ttl.min(hosts.ttl);
                let place =
                    |ip| of_service(input, &service, first, SocketAddr::new(ip, service.port));
                found.extend(hosts.items.into_iter().map(place));
            }
            Err(error) => {
                tracing::warn!(name, target = service.host, %error, "a target does not resolve");
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error.into()),
        _ => Ok((found, ttl)),
    }
}

fn of_service(
    input: &EndpointInput,
    service: &Service,
    first: u16,
    address: SocketAddr,
) -> Discovered {
    let name = format!("{}:{}", service.host, service.port);
    Discovered {
        address: Address::Ip(address),
        authority: name.clone(),
        name,
        weight: u32::from(service.weight.max(1)),
        zone: input.zone.clone(),
        backup: input.backup || service.priority > first,
    }
}
