//! The TLS load: handshakes, and connections that are held.
//!
//! `bench-tls --mode full|resumed --to 127.0.0.1:8443 --path /1k --connections 16 --seconds 5`:
//! so many clients connect, shake hands, ask once and close, again and again. Prints how many
//! handshakes there were; one of the other kind ends the run.
//!
//! `bench-tls --mode idle --to 127.0.0.1:8443 --path /1k --connections 5000`: as `bench-load`.

use std::cell::Cell;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use portunus_bench_tools::args::Args;
use portunus_bench_tools::{block_on, http, now, trust};
use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let mode: String = args.required("mode")?;
    let clients = Rc::new(Clients {
        resumes: mode == "resumed",
        address: args.required("to")?,
        request: http::request(&args.required::<String>("path")?),
        name: ServerName::try_from("bench.test")?,
    });
    let connections = args.required("connections")?;
    let kind = match mode.as_str() {
        "idle" => return block_on(hold_idle(clients, connections)),
        "full" => HandshakeKind::Full,
        "resumed" => HandshakeKind::Resumed,
        mode => bail!("--mode {mode} is none of full, resumed and idle"),
    };
    let seconds = args.required("seconds")?;
    block_on(shake_hands(clients, connections, Duration::from_secs(seconds), kind))
}

/// How all clients of a run connect.
struct Clients {
    resumes: bool,
    address: SocketAddr,
    request: Vec<u8>,
    name: ServerName<'static>,
}

impl Clients {
    /// What shakes hands; each has tickets of its own.
    fn connector(&self) -> Result<TlsConnector> {
        let mut config = trust::everyone()?;
        if !self.resumes {
            config.resumption = Resumption::disabled();
        }
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// A connection that has had one answer.
    async fn ask(&self, connector: &TlsConnector) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut stream = connector.connect(self.name.clone(), stream).await?;
        http::exchange(&mut stream, &self.request, &mut [0; BUFFER_BYTES]).await?;
        Ok(stream)
    }
}

async fn shake_hands(
    clients: Rc<Clients>,
    connections: usize,
    time: Duration,
    kind: HandshakeKind,
) -> Result<()> {
    let (end, count) = (now() + time, Rc::new(Cell::new(0u64)));
    let mut running = JoinSet::new();
    for _ in 0..connections {
        running.spawn_local(again(Rc::clone(&clients), end, Rc::clone(&count), kind));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    writeln!(stdout(), "{}", count.get())?;
    Ok(())
}

async fn again(
    clients: Rc<Clients>,
    end: Instant,
    count: Rc<Cell<u64>>,
    wanted: HandshakeKind,
) -> Result<()> {
    let connector = clients.connector()?;
    // The first one is full in any case, and leaves tickets for the next.
    clients.ask(&connector).await?.shutdown().await?;
    while now() < end {
        let mut stream = clients.ask(&connector).await?;
        let kind = stream.get_ref().1.handshake_kind().context("no handshake")?;
        ensure!(kind == wanted, "a handshake was {kind:?}, not {wanted:?}");
        count.set(count.get() + 1);
        stream.shutdown().await?;
    }
    Ok(())
}

/// Opens connections a few at a time, so that it measures memory and not a storm.
async fn hold_idle(clients: Rc<Clients>, connections: usize) -> Result<()> {
    let connector = Rc::new(clients.connector()?);
    let mut held = Vec::with_capacity(connections);
    let mut opening = JoinSet::new();
    for started in 0..connections {
        if started >= OPENING_MAX {
            held.extend(opening.join_next().await.transpose()?.transpose()?);
        }
        let (clients, connector) = (Rc::clone(&clients), Rc::clone(&connector));
        opening.spawn_local(async move { clients.ask(&connector).await });
    }
    while let Some(stream) = opening.join_next().await {
        held.push(stream??);
    }
    writeln!(stdout(), "ready")?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

const OPENING_MAX: usize = 64;
const BUFFER_BYTES: usize = 16 * 1024;
