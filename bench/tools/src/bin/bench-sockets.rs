//! WebSockets that are held open.
//!
//! `bench-sockets --to 127.0.0.1:8080 --path /live/ws --count 100`: opens them and prints `ready`.
//! With each line of its input it sends a frame on each, waits for the echo, and prints how many
//! answered. One that failed once stays lost.

use std::io::{Write as _, stdout};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use portunus_bench_tools::args::Args;
use portunus_bench_tools::http::Head;
use portunus_bench_tools::{block_on, orders};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let (address, path, count) =
        (args.required("to")?, args.required::<String>("path")?, args.required("count")?);
    block_on(hold(address, path, count))
}

async fn hold(address: SocketAddr, path: String, count: usize) -> Result<()> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        sockets.push(timeout(PATIENCE, open(address, &path)).await??);
    }
    writeln!(stdout(), "ready")?;
    let mut orders = orders::receive();
    while orders.recv().await.is_some() {
        let mut alive = Vec::with_capacity(sockets.len());
        for mut socket in sockets {
            if matches!(timeout(PATIENCE, ping(&mut socket)).await, Ok(Ok(()))) {
                alive.push(socket);
            }
        }
        sockets = alive;
        writeln!(stdout(), "{}", sockets.len())?;
    }
    Ok(())
}

/// The opening handshake (RFC 6455 section 4.1), with the key of its example.
async fn open(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut received = Vec::new();
    loop {
        ensure!(socket.read_buf(&mut received).await? > 0, "closed before the answer");
        if let Some(head) = Head::parse(&received)? {
            ensure!(head.status == 101, "the upgrade was answered with {}", head.status);
            return Ok(socket);
        }
    }
}

async fn ping(socket: &mut TcpStream) -> Result<()> {
    socket.write_all(FRAME).await?;
    let mut echo = [0; ECHO.len()];
    socket.read_exact(&mut echo).await?;
    ensure!(echo == *ECHO, "the echo is another");
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(5);
/// A binary frame of four bytes, masked with zeros.
const FRAME: &[u8] = b"\x82\x84\0\0\0\0ping";
const ECHO: &[u8; 6] = b"\x82\x04ping";
