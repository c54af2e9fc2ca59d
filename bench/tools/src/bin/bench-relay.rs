//! The floor: a relay that knows no HTTP. One thread, one upstream connection per client
//! connection, one read and one write for whatever arrives. A proxy on sockets cannot cost less,
//! because it makes the same system calls and reads HTTP besides.
//!
//! `bench-relay --listen 127.0.0.1:8080 --to 127.0.0.1:8081`

use std::net::SocketAddr;

use anyhow::Result;
use portunus_bench_tools::args::Args;
use portunus_bench_tools::{block_on, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let listener = listen(args.required("listen")?)?;
    let upstream = args.required("to")?;
    block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            spawn_local(relay(client, upstream));
        }
    })
}

/// Relays one connection until both sides have closed. An error only ends this connection.
async fn relay(client: TcpStream, upstream: SocketAddr) -> Result<()> {
    let upstream = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_upstream, to_upstream) = upstream.into_split();
    spawn_local(copy(from_upstream, to_client));
    copy(from_client, to_upstream).await
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => to.write_all(bytes).await?,
            _ => return Ok(to.shutdown().await?),
        }
    }
}

const BUFFER_BYTES: usize = 64 * 1024;
