//! An upstream that can be told to misbehave.
//!
//! `bench-upstream --listen 127.0.0.1:8081 [--at-once 10 --service-ms 5]`: answers every GET with 1 KB,
//! `/big` with 1 MB, and an upgrade with an echo of WebSocket frames. With `--at-once` only so many
//! requests are worked on at a time, each for `--service-ms`; others wait in line, however long it is.
//! Lines on its input say how it behaves from then on: `fine`, `slow 500` (milliseconds), `garbage`.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use portunus_bench_tools::args::Args;
use portunus_bench_tools::{block_on, listen, orders};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::sleep;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let listener = listen(args.required::<SocketAddr>("listen")?)?;
    let server = Rc::new(Server {
        manner: Cell::new(Manner::Fine),
        at_once: Semaphore::new(args.optional("at-once")?.unwrap_or(Semaphore::MAX_PERMITS)),
        service: Duration::from_millis(args.optional("service-ms")?.unwrap_or(0)),
        small: answer(1024),
        big: answer(1024 * 1024),
    });
    block_on(async move {
        spawn_local(obey(Rc::clone(&server)));
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            // Else the kernel takes all of an answer that nobody reads, thousands of times.
            SockRef::from(&client).set_send_buffer_size(SEND_BYTES)?;
            spawn_local(answer_all(client, Rc::clone(&server)));
        }
    })
}

struct Server {
    manner: Cell<Manner>,
    at_once: Semaphore,
    service: Duration,
    small: Vec<u8>,
    big: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Manner {
    Fine,
    Slow(Duration),
    Garbage,
}

/// Changes the manner with each line of the input; a line that is no order is left.
async fn obey(server: Rc<Server>) {
    let mut orders = orders::receive();
    while let Some(order) = orders.recv().await {
        let manner = match order.split_once(' ') {
            Some(("slow", ms)) => ms.parse().ok().map(|ms| Manner::Slow(Duration::from_millis(ms))),
            _ if order == "garbage" => Some(Manner::Garbage),
            _ if order == "fine" => Some(Manner::Fine),
            _ => None,
        };
        if let Some(manner) = manner {
            server.manner.set(manner);
        }
    }
}

/// Answers the requests of one connection in their order until it closes.
async fn answer_all(mut client: TcpStream, server: Rc<Server>) -> Result<()> {
    let mut buffer = Vec::with_capacity(REQUEST_BYTES_MAX);
    loop {
        let Some(end) = memmem::find(&buffer, b"\r\n\r\n").map(|end| end + 4) else {
            if buffer.len() > REQUEST_BYTES_MAX || client.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head: Vec<u8> = buffer.drain(..end).collect();
        let head = String::from_utf8(head)?;
        if let Some(key) = header(&head, "sec-websocket-key") {
            return echo(client, buffer, key).await;
        }
        if !respond(&mut client, &head, &server).await? {
            return Ok(());
        }
    }
}

/// Answers one request as things are; gives whether the connection goes on.
async fn respond(client: &mut TcpStream, head: &str, server: &Server) -> Result<bool> {
    {
        let _turn = server.at_once.acquire().await?;
        if !server.service.is_zero() {
            sleep(server.service).await;
        }
    }
    match server.manner.get() {
        Manner::Garbage => {
            client.write_all(&[b'\x15', b'\xff', 0].repeat(100)).await?;
            return Ok(false);
        }
        Manner::Slow(span) => sleep(span).await,
        Manner::Fine => {}
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    client.write_all(if path.ends_with("/big") { &server.big } else { &server.small }).await?;
    Ok(true)
}

/// The value of the header of that name, which is in lower case.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Agrees to WebSocket and sends each frame back, until the connection closes.
async fn echo(mut client: TcpStream, mut buffer: Vec<u8>, key: &str) -> Result<()> {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{WEBSOCKET_ID}").as_bytes());
    let accept = STANDARD.encode(digest);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await?;
    loop {
        while let Some((frame, rest)) = unmasked(&buffer)? {
            client.write_all(&frame).await?;
            buffer = rest;
        }
        if client.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

/// The first frame of the bytes as a server sends it, and what follows; `None` while it is not whole.
/// Only short frames are understood (RFC 6455 section 5.2).
fn unmasked(bytes: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let Some(([first, second], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = second.checked_sub(0x80).context("a client masks its frames")?;
    if length > 125 {
        bail!("the frame is too long");
    }
    let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let Some((payload, rest)) = rest.split_at_checked(usize::from(length)) else { return Ok(None) };
    let plain = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Ok(Some(([*first, length].into_iter().chain(plain).collect(), rest.to_vec())))
}

fn answer(body_bytes: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {body_bytes}\r\n\r\n"
    );
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + body_bytes, b'x');
    bytes
}

const SEND_BYTES: usize = 64 * 1024;
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// RFC 6455 section 1.3.
const WEBSOCKET_ID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
