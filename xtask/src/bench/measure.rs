//! How one subject is measured in one round. Each function starts the proxy afresh, so that only
//! one runs at a time and no round inherits memory from another.

use std::time::Duration;

use anyhow::Result;

use super::clock;
use super::load::{Closed, ClosedLoop, Handshakes, Idle, OpenLoop};
use super::meter::Memory;
use super::proxy::Proxy;
use super::scenario::{Policy, Scenario};
use super::session::{Session, Subject};

/// Gives one value for each column of the scenario.
pub(super) type Measure = fn(&Session<'_>, &Subject<'_>, &Scenario) -> Result<Outcome>;

/// What a round gave.
pub(super) enum Outcome {
    Values(Vec<f64>),
    /// The round does not count, and why.
    Void(String),
}

/// Processor time per request while `wrk` asks as fast as it can.
pub(super) fn closed_loop(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    let Used { closed, cpu_seconds, wall_seconds, memory } =
        saturate(session, subject, scenario, &proxy)?;
    if let Some(fault) = closed.fault {
        return Ok(Outcome::Void(fault));
    }
    Ok(Outcome::Values(vec![
        cpu_seconds * 1e6 / closed.requests,
        closed.requests_per_second,
        closed.p50_us,
        closed.p99_us,
        100.0 * cpu_seconds / wall_seconds,
        memory.resident_kb / KB_PER_MB,
        memory.peak_kb / KB_PER_MB,
    ]))
}

/// As [`closed_loop`], with the load of `h2load`, which knows no percentiles.
pub(super) fn streams(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let outcome = closed_loop(session, subject, scenario)?;
    Ok(match outcome {
        Outcome::Values(mut values) => {
            values.drain(LATENCIES);
            Outcome::Values(values)
        }
        void => void,
    })
}

/// Processor time per full handshake.
pub(super) fn full_handshakes(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    handshakes(session, subject, scenario, "full")
}

/// Processor time per resumed handshake.
pub(super) fn resumed_handshakes(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    handshakes(session, subject, scenario, "resumed")
}

fn handshakes(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
    mode: &str,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    let load = Handshakes {
        program: &session.tools.tls,
        cores: &session.machine.load_cores,
        port: proxy.port,
        path: scenario.path,
        clients: scenario.connections,
        seconds: WARM_UP_SECONDS,
        mode,
    };
    load.run()?;
    let load = Handshakes { seconds: session.options.seconds, ..load };
    let (before, begun) = (proxy.cpu_seconds(), clock::now());
    let count = load.run()?;
    let (cpu_seconds, wall_seconds) = (proxy.cpu_seconds() - before, begun.elapsed().as_secs_f64());
    Ok(Outcome::Values(vec![
        cpu_seconds * 1e6 / count,
        count / wall_seconds,
        100.0 * cpu_seconds / wall_seconds,
    ]))
}

/// Processor time per 10^9 bytes while `wrk` asks as fast as it can.
pub(super) fn per_gigabyte(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    let Used { closed, cpu_seconds, wall_seconds, memory } =
        saturate(session, subject, scenario, &proxy)?;
    if let Some(fault) = closed.fault {
        return Ok(Outcome::Void(fault));
    }
    let gigabytes = closed.bytes / 1e9;
    Ok(Outcome::Values(vec![
        cpu_seconds * 1e3 / gigabytes,
        gigabytes / wall_seconds,
        100.0 * cpu_seconds / wall_seconds,
        memory.resident_kb / KB_PER_MB,
        memory.peak_kb / KB_PER_MB,
    ]))
}

/// Latency at half of the rate of the closed loop, which is measured once per subject.
pub(super) fn open_loop(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    let rate = half_of_saturation(session, subject, scenario, &proxy)?;
    let load = OpenLoop {
        program: &session.tools.load,
        cores: &session.machine.load_cores,
        port: proxy.port,
        path: scenario.path,
        connections: scenario.connections,
        seconds: session.options.seconds,
        rate,
    };
    let before = proxy.cpu_seconds();
    let open = load.run()?;
    let cpu_seconds = proxy.cpu_seconds() - before;
    if open.failed > 0.0 {
        return Ok(Outcome::Void(format!("{} requests failed", open.failed)));
    }
    let seconds = f64::from(u32::try_from(session.options.seconds)?);
    let all_requests = open.requests * (seconds + 1.0) / seconds;
    Ok(Outcome::Values(vec![
        open.p99_us,
        open.p50_us,
        open.p999_us,
        open.requests / seconds,
        cpu_seconds * 1e6 / all_requests,
    ]))
}

fn half_of_saturation(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
    proxy: &Proxy,
) -> Result<u64> {
    let known = session.saturation.borrow().get(&subject.label()).copied();
    let saturation = match known {
        Some(rate) => rate,
        None => saturate(session, subject, scenario, proxy)?.closed.requests_per_second,
    };
    session.saturation.borrow_mut().insert(subject.label(), saturation);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and small"
    )]
    let half = (saturation / 2.0).max(1.0) as u64;
    Ok(half)
}

/// Memory of many connections that were used once.
pub(super) fn idle(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    warm_up(session, subject, scenario, &proxy)?;
    let before = proxy.memory().resident_kb;
    let cores = &session.machine.load_cores;
    let program = if subject.variant.tls { &session.tools.tls } else { &session.tools.load };
    let _held = Idle::open(program, cores, proxy.port, scenario.connections)?;
    let at_once = proxy.memory().resident_kb;
    clock::pause(IDLE_TIME);
    let after = proxy.memory().resident_kb;
    let connections = f64::from(u32::try_from(scenario.connections)?);
    Ok(Outcome::Values(vec![
        (after - before) * 1024.0 / connections,
        (at_once - before) * 1024.0 / connections,
        before / KB_PER_MB,
        after / KB_PER_MB,
    ]))
}

/// How soon it answers, and what it takes then.
pub(super) fn start(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
) -> Result<Outcome> {
    let proxy = Proxy::start(session, subject, scenario)?;
    let resident_kb = proxy.memory().resident_kb;
    Ok(Outcome::Values(vec![proxy.start_seconds * 1e3, resident_kb / KB_PER_MB]))
}

/// What one measured run of `wrk` took.
struct Used {
    closed: Closed,
    cpu_seconds: f64,
    wall_seconds: f64,
    memory: Memory,
}

fn saturate(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
    proxy: &Proxy,
) -> Result<Used> {
    warm_up(session, subject, scenario, proxy)?;
    let load = load_of(session, subject, scenario, proxy)?;
    let (before, begun) = (proxy.cpu_seconds(), clock::now());
    let closed = load.run()?;
    let cpu_seconds = proxy.cpu_seconds() - before;
    let wall_seconds = begun.elapsed().as_secs_f64();
    Ok(Used { closed, cpu_seconds, wall_seconds, memory: proxy.memory() })
}

/// Fills pools and caches before anything counts.
fn warm_up(
    session: &Session<'_>,
    subject: &Subject<'_>,
    scenario: &Scenario,
    proxy: &Proxy,
) -> Result<()> {
    let load = load_of(session, subject, scenario, proxy)?;
    let connections = load.connections.min(WARM_UP_CONNECTIONS);
    ClosedLoop { seconds: WARM_UP_SECONDS, connections, ..load }.run().map(|_| ())
}

fn load_of<'a>(
    session: &'a Session<'_>,
    subject: &Subject<'_>,
    scenario: &'a Scenario,
    proxy: &Proxy,
) -> Result<ClosedLoop<'a>> {
    let tokens = match subject.variant.policy {
        Policy::Tokens(count) => Some((session.tokens()?.file(), count)),
        Policy::None | Policy::Limits | Policy::Shared(_) => None,
    };
    Ok(ClosedLoop {
        cores: &session.machine.load_cores,
        port: proxy.port,
        path: scenario.path,
        connections: scenario.connections,
        seconds: session.options.seconds,
        routes: subject.variant.routes,
        tokens,
        tls: subject.variant.tls,
        streams: subject.variant.streams,
    })
}

/// The columns of a closed loop that tell latencies.
const LATENCIES: std::ops::Range<usize> = 2..4;
const KB_PER_MB: f64 = 1000.0 / 1.024;
const IDLE_TIME: Duration = Duration::from_secs(10);
const WARM_UP_SECONDS: u64 = 1;
const WARM_UP_CONNECTIONS: usize = 64;
