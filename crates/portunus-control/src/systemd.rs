//! What systemd is told, as `sd_notify(3)` has it: one datagram a change of state. Where nobody listens, nothing is said;
//! that it could not be said stops nothing.

use std::fmt::Display;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use portunus_config::Env;
use portunus_proxy::Pulse;

use crate::task::Task;

/// Tells a service manager what the process does. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    socket: Option<Arc<(UnixDatagram, SocketAddr)>>,
    /// How often it wants to hear that all is well.
    watchdog: Option<Duration>,
}

impl Notifier {
    /// With the manager that the environment names, if any.
    pub(crate) fn new(env: &Env) -> Self {
        let socket = env.get("NOTIFY_SOCKET").and_then(|name| open(name)).map(Arc::new);
        let is_ours =
            env.get("WATCHDOG_PID").is_none_or(|id| *id == std::process::id().to_string());
        let limit_us = env.get("WATCHDOG_USEC").and_then(|text| text.parse::<u64>().ok());
        let watchdog = limit_us.filter(|limit_us| is_ours && *limit_us > 0);
        Self { socket, watchdog: watchdog.map(|limit_us| Duration::from_micros(limit_us / 2)) }
    }

    /// It serves, for the first time or again.
    pub(crate) fn ready(&self, status: impl Display) {
        self.say(&format!("READY=1\nSTATUS={status}"));
    }

    /// It loads another configuration; [`Notifier::ready`] follows.
    pub(crate) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let now_us = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={now_us}\nSTATUS=reloading"));
    }

    /// Another process has taken over.
    pub(crate) fn succeeded_by(&self, id: u32) {
        self.say(&format!("MAINPID={id}"));
    }

    /// It stops.
    pub(crate) fn stopping(&self, status: impl Display) {
        self.say(&format!("STOPPING=1\nSTATUS={status}"));
    }

    /// Says that all is well for as long as the result lives and the workers answer; `None` where nobody asks.
    pub(crate) fn watch(&self, pulse: Pulse) -> Option<Task> {
        let (every, notifier) = (self.watchdog?, self.clone());
        Some(Task::spawn(async move {
            let mut interval = tokio::time::interval(every);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                interval.tick().await;
                if tokio::time::timeout(every, pulse.beat()).await == Ok(true) {
                    notifier.say("WATCHDOG=1");
                }
            }
        }))
    }

    fn say(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // The manager may be gone, or busy: what comes next says more.
            let _ = socket.0.send_to_addr(state.as_bytes(), &socket.1);
        }
    }
}

/// A socket to send from, and where to: a path, or with `@` a name without a file.
fn open(name: &str) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address.ok()?))
}

#[cfg(test)]
mod tests;
