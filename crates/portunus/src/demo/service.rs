//! `portunus demo service`: replicas of one service of the shop, as a process of their own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::catalogue::Service;
use super::replica::Replica;
use super::server::{Stop, serve};
use super::signals::stop_signal;

/// `portunus demo service`.
#[derive(clap::Args, Debug)]
pub(super) struct Options {
    /// The service.
    service: Service,
    /// Where a replica listens; each `--listen` is one more replica of the same service.
    #[arg(long, required = true, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Number of the first replica.
    #[arg(long, default_value_t = 1)]
    first: u16,
    /// Folder of the state, shared by all processes that name it; a temporary one unless given.
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

/// Serves until a signal stops it.
pub(super) fn run(options: Options) -> anyhow::Result<()> {
    super::runtime()?.block_on(run_replicas(options))
}

async fn run_replicas(options: Options) -> anyhow::Result<()> {
    let signal = stop_signal()?;
    let temporary = tempfile::tempdir()?;
    let state = options.state.as_deref().unwrap_or_else(|| temporary.path());
    let (stop, stopped) = watch::channel(false);
    let mut replicas = JoinSet::new();
    for (number, address) in (options.first..).zip(&options.listen) {
        let replica = Replica::open(options.service, number, state)
            .with_context(|| format!("the state in {} cannot be used", state.display()))?;
        let listener = listen(*address).await?;
        eprintln!("{}{}", serving(&options.service.replica(number)), listener.local_addr()?);
        replicas.spawn(serve(listener, Arc::new(replica), stopped.clone()));
    }
    signal.await;
    stop.send_replace(true);
    while replicas.join_next().await.is_some() {}
    Ok(())
}

/// All replicas of all services, in this process. Gives the address of each by its name.
pub(super) async fn start_all(
    state: &Path,
    stop: &Stop,
    servers: &mut JoinSet<()>,
) -> anyhow::Result<Vec<(String, SocketAddr)>> {
    let mut addresses = Vec::new();
    for service in Service::ALL {
        for number in 1..=super::catalogue::REPLICAS {
            let replica = Replica::open(service, number, state)?;
            let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
            addresses.push((service.replica(number), listener.local_addr()?));
            servers.spawn(serve(listener, Arc::new(replica), stop.clone()));
        }
    }
    Ok(addresses)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// How the line on standard error begins that says where a replica listens.
pub(super) fn serving(name: &str) -> String {
    format!("demo: {name} on ")
}
