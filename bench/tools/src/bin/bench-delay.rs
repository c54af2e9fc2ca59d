//! A relay that holds back what the server answers.
//!
//! `bench-delay --listen 127.0.0.1:6380 --to 127.0.0.1:6379`: each line of its input is a number of
//! milliseconds, by which answers are late from then on; 0 at first.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use portunus_bench_tools::args::Args;
use portunus_bench_tools::{block_on, listen, orders};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::sleep;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let listener = listen(args.required("listen")?)?;
    let server: SocketAddr = args.required("to")?;
    block_on(async move {
        let delay = Rc::new(Cell::new(Duration::ZERO));
        spawn_local(obey(Rc::clone(&delay)));
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            spawn_local(relay(client, server, Rc::clone(&delay)));
        }
    })
}

async fn obey(delay: Rc<Cell<Duration>>) {
    let mut orders = orders::receive();
    while let Some(order) = orders.recv().await {
        if let Ok(ms) = order.parse() {
            delay.set(Duration::from_millis(ms));
        }
    }
}

/// Relays one connection until the server has closed.
async fn relay(client: TcpStream, server: SocketAddr, delay: Rc<Cell<Duration>>) -> Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    spawn_local(async move { copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from_server.read(&mut buffer).await?;
        sleep(delay.get()).await;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => to_client.write_all(bytes).await?,
            _ => return Ok(to_client.shutdown().await?),
        }
    }
}

const BUFFER_BYTES: usize = 64 * 1024;
