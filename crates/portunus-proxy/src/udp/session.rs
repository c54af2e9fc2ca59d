//! One session: a client's packets to an endpoint, and the endpoint's to the client.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use portunus_base::Mono;
use portunus_exchange::{ErrorKind, ProxyError};
use portunus_net::{UdpLink, UdpPath};
use portunus_telemetry::Connect;
use tokio::sync::Notify;

use super::Sessions;
use crate::deadline::Deadline;
use crate::passage::{Carried, Passage};

/// A session under way.
pub(super) struct Session {
    passage: Passage,
    carried: Carried,
    link: UdpLink,
    path: UdpPath,
    /// When the last packet passed.
    active: Cell<Mono>,
    began: Mono,
    is_over: Cell<bool>,
    over: Notify,
}

/// What a wait ended with.
enum Wake {
    Packet,
    Refused,
    Closing,
    Over,
}

impl Session {
    pub(super) fn new(passage: Passage, carried: Carried, link: UdpLink, path: UdpPath) -> Self {
        let began = passage.local.worker.now();
        Self {
            passage,
            carried,
            link,
            path,
            active: Cell::new(began),
            began,
            is_over: Cell::new(false),
            over: Notify::new(),
        }
    }

    /// Sends a client's packet; false when the session is over and the packet was not sent.
    pub(super) fn send(&self, packet: &[u8]) -> bool {
        if self.is_over.get() {
            return false;
        }
        match self.link.try_send(packet) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.refused();
                false
            }
            // A packet that is lost on our way is as lost as any.
            _ => {
                self.active.set(self.passage.local.worker.now());
                self.passage.count_in(packet.len() as u64);
                true
            }
        }
    }

    /// Ends the session.
    pub(super) fn end(&self, reason: &'static str) {
        if !self.is_over.replace(true) {
            self.passage.reason.set(Some(reason));
            self.over.notify_one();
        }
    }

    /// Sends the endpoint's packets to the client until the session is over.
    pub(super) async fn run(&self, sessions: &Sessions, idle: Duration) {
        let local = &self.passage.local;
        let deadline = Deadline::new(&local.worker);
        loop {
            let idle = if sessions.gate.is_closed() { idle.min(CLOSING_IDLE) } else { idle };
            let silent = Duration::from_micros(local.worker.now().since_us(self.active.get()));
            let Some(left) = idle.checked_sub(silent).filter(|left| !left.is_zero()) else {
                break;
            };
            match deadline.bound(left, SILENT, self.wake(sessions)).await {
                Ok(Wake::Packet) => self.reply(sessions),
                Ok(Wake::Refused) => self.refused(),
                Ok(Wake::Closing) => {}
                Ok(Wake::Over) => break,
                // The client may have sent something meanwhile.
                Err(_) => {}
            }
        }
        // From now on it takes no packets.
        self.is_over.set(true);
    }

    async fn wake(&self, sessions: &Sessions) -> Wake {
        let gate = &sessions.gate;
        tokio::select! {
            biased;
            () = self.over.notified() => Wake::Over,
            () = gate.closing.notified(), if !gate.is_closed() => Wake::Closing,
            readable = self.link.readable() => readable.map_or(Wake::Refused, |()| Wake::Packet),
        }
    }

    fn reply(&self, sessions: &Sessions) {
        let mut buffer = sessions.replies.borrow_mut();
        match self.link.try_receive(&mut buffer) {
            Ok(packet) => {
                let now = self.passage.local.worker.refresh();
                self.active.set(now);
                self.carried.answered(Duration::from_micros(now.since_us(self.began)));
                // A packet that is lost on our way is as lost as any.
                if sessions.socket.send(packet, self.path).is_ok() {
                    self.passage.count_out(packet.len() as u64);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.refused(),
        }
    }

    /// Nobody listens at the endpoint.
    fn refused(&self) {
        if !self.is_over.get() {
            self.passage.local.shard.connect(self.carried.picked().series, Connect::Failed);
            self.carried.failed();
            self.end(ErrorKind::ConnectRefused.reason().0);
        }
    }
}

const SILENT: ProxyError = ProxyError::local(ErrorKind::IdleTimeout);
/// How long a session lasts without a packet when its listener closes: time for an answer.
const CLOSING_IDLE: Duration = Duration::from_secs(1);
