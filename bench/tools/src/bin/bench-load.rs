//! The load that `wrk` cannot make.
//!
//! `bench-load --mode rate --to 127.0.0.1:8080 --path /1k --rate 10000 --connections 64
//! --seconds 5`: an open loop. Request k is due at k/rate, whatever became of the ones before, and
//! its latency counts from that moment: a proxy that stalls is charged for all that it kept
//! waiting (no coordinated omission). Prints one JSON object.
//!
//! `bench-load --mode idle --to 127.0.0.1:8080 --path /1k --connections 5000`: opens the
//! connections, one request on each, prints `ready`, and holds them until its input closes.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write, stdin, stdout};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use portunus_bench_tools::args::Args;
use portunus_bench_tools::pace::Pace;
use portunus_bench_tools::{block_on, http, now};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::timeout;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let target = Target {
        address: args.required("to")?,
        request: http::request(&args.required::<String>("path")?),
        connections: args.required("connections")?,
    };
    match args.required::<String>("mode")?.as_str() {
        "idle" => block_on(hold_idle(target)),
        "rate" => {
            let plan = Plan { rate: args.required("rate")?, seconds: args.required("seconds")? };
            block_on(run_at_rate(target, plan))
        }
        mode => bail!("--mode {mode} is neither rate nor idle"),
    }
}

struct Target {
    address: SocketAddr,
    request: Vec<u8>,
    connections: usize,
}

struct Plan {
    /// Requests a second.
    rate: u64,
    /// The part that is recorded; `WARM_UP` comes before it.
    seconds: u64,
}

/// Opens connections a few at a time, so that it measures memory and not a storm.
async fn hold_idle(target: Target) -> Result<()> {
    let target = Rc::new(target);
    let mut held = Vec::with_capacity(target.connections);
    let mut opening = JoinSet::new();
    for started in 0..target.connections {
        if started >= OPENING_MAX {
            held.extend(opening.join_next().await.transpose()?.transpose()?);
        }
        let target = Rc::clone(&target);
        opening.spawn_local(async move {
            let mut stream = connect(target.address).await?;
            http::exchange(&mut stream, &target.request, &mut [0; BUFFER_BYTES]).await?;
            anyhow::Ok(stream)
        });
    }
    while let Some(stream) = opening.join_next().await {
        held.push(stream??);
    }
    writeln!(stdout(), "ready")?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

async fn run_at_rate(target: Target, plan: Plan) -> Result<()> {
    let state = Rc::new(Load::default());
    let mut connections = Vec::with_capacity(target.connections);
    for _ in 0..target.connections {
        connections.push(connect(target.address).await?);
    }
    for stream in connections {
        spawn_local(send_due(Rc::clone(&state), stream, target.request.clone()));
    }
    let sent = plan.rate * (plan.seconds + WARM_UP.as_secs());
    let start = now();
    state.record_from.set(Some(start + WARM_UP));
    state.pace.run(start, plan.rate, sent).await?;
    if timeout(LAST_ANSWER, state.all_done(sent)).await.is_err() {
        state.failed.set(sent - state.answered.get());
    }
    state.print(&plan)
}

/// What the pacer and the connections share.
#[derive(Default)]
struct Load {
    pace: Pace,
    record_from: Cell<Option<Instant>>,
    latencies_ns: RefCell<Vec<u64>>,
    answered: Cell<u64>,
    failed: Cell<u64>,
    done: Notify,
}

impl Load {
    fn record(&self, due: Instant) {
        self.answered.set(self.answered.get() + 1);
        if self.record_from.get().is_some_and(|from| due >= from) {
            let waited = now().duration_since(due);
            self.latencies_ns
                .borrow_mut()
                .push(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        }
        self.done.notify_one();
    }

    async fn all_done(&self, sent: u64) {
        while self.answered.get() + self.failed.get() < sent {
            self.done.notified().await;
        }
    }

    fn print(&self, plan: &Plan) -> Result<()> {
        let mut sorted = self.latencies_ns.borrow_mut();
        sorted.sort_unstable();
        let at = |share: f64| quantile_us(&sorted, share);
        writeln!(
            stdout(),
            concat!(
                r#"{{"rate":{},"requests":{},"failed":{},"p50_us":{:.1},"#,
                r#""p99_us":{:.1},"p999_us":{:.1},"max_us":{:.1}}}"#
            ),
            plan.rate,
            sorted.len(),
            self.failed.get(),
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
        )?;
        Ok(())
    }
}

/// One connection: takes the oldest due request, sends it, waits for its answer. A connection that
/// fails counts its request as failed and is not replaced.
async fn send_due(state: Rc<Load>, mut stream: TcpStream, request: Vec<u8>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Some(due) = state.pace.next().await {
        if http::exchange(&mut stream, &request, &mut buffer).await.is_err() {
            state.failed.set(state.failed.get() + 1);
            state.done.notify_one();
            return;
        }
        state.record(due);
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn quantile_us(sorted_ns: &[u64], share: f64) -> f64 {
    let last = sorted_ns.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index below the length, and microseconds for a reader"
    )]
    sorted_ns.get((last as f64 * share).round() as usize).map_or(0.0, |ns| *ns as f64 / 1000.0)
}

const WARM_UP: Duration = Duration::from_secs(1);
const LAST_ANSWER: Duration = Duration::from_secs(10);
const OPENING_MAX: usize = 64;
const BUFFER_BYTES: usize = 16 * 1024;
