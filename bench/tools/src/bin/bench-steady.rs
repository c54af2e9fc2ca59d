//! The steady load of `cargo xtask chaos`: an open loop that goes on through every fault, and keeps
//! count of what became of each request.
//!
//! `bench-steady --mode open --to 127.0.0.1:8080 --path /1k --rate 1000 --connections 64 --seconds 60
//! --timeout-ms 5000`: prints `started`, then one JSON object with a slice for each second. A request
//! belongs to the second in which it was due, and its latency counts from then. A connection that
//! fails or closes is replaced for the next request; nothing is ever sent twice, so that every
//! request that gets no 2xx answer is seen as lost.
//!
//! `--mode closed` sends as fast as answers come instead, to find out what a proxy can do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Write as _, stdout};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use portunus_bench_tools::args::Args;
use portunus_bench_tools::histogram::Histogram;
use portunus_bench_tools::http::{self, Head};
use portunus_bench_tools::pace::Pace;
use portunus_bench_tools::{block_on, now};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::timeout_at;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let target = Rc::new(Target {
        address: args.required("to")?,
        request: http::request(&args.required::<String>("path")?),
        connections: args.required("connections")?,
        timeout: Duration::from_millis(args.required("timeout-ms")?),
    });
    let seconds = args.required("seconds")?;
    match args.required::<String>("mode")?.as_str() {
        "open" => block_on(run_open(target, args.required("rate")?, seconds)),
        "closed" => block_on(run_closed(target, Duration::from_secs(seconds))),
        mode => bail!("--mode {mode} is neither open nor closed"),
    }
}

struct Target {
    address: SocketAddr,
    request: Vec<u8>,
    connections: usize,
    /// How long a client waits, from when its request was due.
    timeout: Duration,
}

async fn run_open(target: Rc<Target>, rate: u64, seconds: u64) -> Result<()> {
    let total = rate * seconds;
    let ledger = Rc::new(Ledger::new(now(), seconds));
    let pace = Rc::new(Pace::default());
    for _ in 0..target.connections {
        spawn_local(send_due(Rc::clone(&target), Rc::clone(&pace), Rc::clone(&ledger)));
    }
    writeln!(stdout(), "started")?;
    pace.run(ledger.start, rate, total).await?;
    // Each request ends at its timeout at the latest, so this ends too.
    while ledger.ended.get() < total {
        ledger.one_ended.notified().await;
    }
    ledger.print()
}

async fn send_due(target: Rc<Target>, pace: Rc<Pace>, ledger: Rc<Ledger>) {
    let mut client = Client::new(target);
    while let Some(due) = pace.next().await {
        let outcome = client.ask(due).await;
        ledger.enter(due, outcome);
    }
}

async fn run_closed(target: Rc<Target>, time: Duration) -> Result<()> {
    let end = now() + time;
    let mut running = JoinSet::new();
    for _ in 0..target.connections {
        let mut client = Client::new(Rc::clone(&target));
        running.spawn_local(async move {
            let mut good = 0_u64;
            while now() < end {
                good += u64::from(client.ask(now()).await.is_ok());
            }
            good
        });
    }
    let good: u64 = running.join_all().await.into_iter().sum();
    writeln!(stdout(), "{}", good / time.as_secs().max(1))?;
    Ok(())
}

/// One client: a connection that is kept while it can be.
struct Client {
    target: Rc<Target>,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// Why a request is lost.
enum Loss {
    /// No connection came about.
    Connect,
    /// The connection ended before the answer did.
    Closed,
    /// What came was no HTTP.
    Garbage,
    /// It was answered, but not with 2xx.
    Status(u16),
    /// The client had gone.
    Timeout,
}

impl Loss {
    fn name(&self) -> String {
        match self {
            Self::Connect => "connect".to_owned(),
            Self::Closed => "closed".to_owned(),
            Self::Garbage => "garbage".to_owned(),
            Self::Status(status) => status.to_string(),
            Self::Timeout => "timeout".to_owned(),
        }
    }
}

impl Client {
    fn new(target: Rc<Target>) -> Self {
        Self { target, stream: None, buffer: vec![0; BUFFER_BYTES] }
    }

    /// Sends one request and reads its answer. Drops the connection unless it can be used again.
    async fn ask(&mut self, due: Instant) -> Result<(), Loss> {
        let end = (due + self.target.timeout).into();
        let stream = self.stream.take().filter(is_open);
        match timeout_at(end, self.exchange(stream)).await {
            Ok(result) => result,
            Err(_) => Err(Loss::Timeout),
        }
    }

    async fn exchange(&mut self, stream: Option<TcpStream>) -> Result<(), Loss> {
        let mut stream = match stream {
            Some(stream) => stream,
            None => TcpStream::connect(self.target.address).await.map_err(|_| Loss::Connect)?,
        };
        let _ = stream.set_nodelay(true);
        stream.write_all(&self.target.request).await.map_err(|_| Loss::Closed)?;
        let (head, filled) = self.read_head(&mut stream).await?;
        let body_bytes = head.body_bytes.unwrap_or(usize::MAX);
        let mut left = body_bytes.saturating_sub(filled - head.bytes);
        while left > 0 {
            match stream.read(&mut self.buffer).await {
                Ok(0) if head.body_bytes.is_none() => break,
                Ok(0) | Err(_) => return Err(Loss::Closed),
                Ok(count) => left = left.saturating_sub(count),
            }
        }
        if !head.closes && head.body_bytes.is_some() {
            self.stream = Some(stream);
        }
        if matches!(head.status, 200..=299) { Ok(()) } else { Err(Loss::Status(head.status)) }
    }

    /// The head of the answer, and how many bytes of head and body came with it.
    async fn read_head(&mut self, stream: &mut TcpStream) -> Result<(Head, usize), Loss> {
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).filter(|room| !room.is_empty());
            match stream.read(room.ok_or(Loss::Garbage)?).await {
                Ok(0) | Err(_) => return Err(Loss::Closed),
                Ok(count) => filled += count,
            }
            let received = self.buffer.get(..filled).unwrap_or_default();
            if let Some(head) = Head::parse(received).map_err(|_| Loss::Garbage)? {
                return Ok((head, filled));
            }
        }
    }
}

/// Whether the server has not closed the connection, as far as the kernel knows. A client that does
/// not look loses requests for which nobody else is to blame.
fn is_open(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    recv(stream, &mut [0_u8; 1], flags).is_err_and(|error| error == Errno::AGAIN)
}

/// What became of the requests, second by second.
struct Ledger {
    start: Instant,
    slices: RefCell<Vec<Slice>>,
    ended: Cell<u64>,
    one_ended: Notify,
}

#[derive(Default)]
struct Slice {
    good: u64,
    lost: BTreeMap<String, u64>,
    /// Of the good ones.
    latencies: Histogram,
}

impl Ledger {
    fn new(start: Instant, seconds: u64) -> Self {
        let slices = (0..seconds).map(|_| Slice::default()).collect();
        let (ended, one_ended) = (Cell::new(0), Notify::new());
        Self { start, slices: RefCell::new(slices), ended, one_ended }
    }

    fn enter(&self, due: Instant, outcome: Result<(), Loss>) {
        let second = usize::try_from((due - self.start).as_secs()).unwrap_or(usize::MAX);
        if let Some(slice) = self.slices.borrow_mut().get_mut(second) {
            match outcome {
                Ok(()) => {
                    slice.good += 1;
                    let waited = now().saturating_duration_since(due).as_micros();
                    slice.latencies.record(u64::try_from(waited).unwrap_or(u64::MAX));
                }
                Err(loss) => *slice.lost.entry(loss.name()).or_default() += 1,
            }
        }
        self.ended.set(self.ended.get() + 1);
        self.one_ended.notify_one();
    }

    fn print(&self) -> Result<()> {
        let slices: Vec<_> = self.slices.borrow().iter().map(Slice::json).collect();
        writeln!(stdout(), "{{\"slices\":[{}]}}", slices.join(",\n"))?;
        Ok(())
    }
}

impl Slice {
    fn json(&self) -> String {
        let lost: Vec<_> =
            self.lost.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
        format!(
            "{{\"good\":{},\"lost\":{{{}}},\"latencies\":{}}}",
            self.good,
            lost.join(","),
            self.latencies.json()
        )
    }
}

const BUFFER_BYTES: usize = 16 * 1024;
