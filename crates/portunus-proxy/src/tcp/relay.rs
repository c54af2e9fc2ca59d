//! Bytes both ways until both sides have ended. A side that has ended may still be sent to.

use std::cell::Cell;
use std::pin::pin;

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_net::{BUFFER_BYTES, Io, Splice, SpliceError};
use portunus_snapshot::TcpPlan;
use portunus_upstream::wire::ReadBuffer;

use crate::deadline::Deadline;
use crate::passage::Passage;

/// Both connections.
#[derive(Clone, Copy)]
pub(super) struct Ends<'e> {
    pub(super) client: &'e Io,
    pub(super) upstream: &'e Io,
}

/// Which side broke off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Client,
    Upstream,
}

/// One way of the two.
struct Way<'w> {
    from: &'w Io,
    to: &'w Io,
    passage: &'w Passage,
    is_up: bool,
    /// `from` has sent all that it wanted to.
    is_over: Cell<bool>,
}

/// Relays; `early` was read from the client already. Why it ended, where the sides did not end it themselves.
pub(super) async fn relay(
    passage: &Passage,
    plan: &TcpPlan,
    deadline: &Deadline,
    ends: Ends<'_>,
    early: ReadBuffer,
) -> Option<&'static str> {
    deadline.set_total(plan.lifetime);
    let up = Way::new(passage, ends, true);
    let down = Way::new(passage, ends, false);
    let both = async {
        let up = async {
            up.pass_early(early).await?;
            up.run().await
        };
        tokio::try_join!(up, down.run()).map(|_| ())
    };
    let mut both = pin!(both);
    loop {
        let seen = passage.bytes();
        passage.local.worker.refresh();
        match deadline.bound(plan.idle_timeout, SILENT, both.as_mut()).await {
            Ok(Ok(())) => return None,
            Ok(Err(Broken::Client)) => return up.broken_off("client.closed"),
            Ok(Err(Broken::Upstream)) => return down.broken_off("upstream.reset"),
            Err(SILENT) if passage.bytes() > seen => {}
            Err(SILENT) => return Some("tcp.idle_timeout"),
            Err(_) => return Some("tcp.lifetime"),
        }
    }
}

impl<'w> Way<'w> {
    fn new(passage: &'w Passage, ends: Ends<'w>, is_up: bool) -> Self {
        let (from, to) = match is_up {
            true => (ends.client, ends.upstream),
            false => (ends.upstream, ends.client),
        };
        Self { from, to, passage, is_up, is_over: Cell::new(false) }
    }

    /// The other side must not take a cut for an end. One that said its end before it was gone has cut nothing.
    fn broken_off(&self, reason: &'static str) -> Option<&'static str> {
        if !self.is_over.get() {
            self.to.reset_on_close();
        }
        Some(reason).filter(|_| self.is_up || !self.is_over.get())
    }

    async fn pass_early(&self, early: ReadBuffer) -> Result<(), Broken> {
        let bytes = early.filled().len() as u64;
        let written = self.to.write_all(early.filled()).await;
        self.passage.local.buffers.give(early.into_inner());
        written.map_err(|_| self.other())?;
        self.count(bytes);
        Ok(())
    }

    /// Small pieces are copied, which takes fewer system calls; what comes in bulk stays in the kernel. Holds no
    /// memory while nothing comes.
    async fn run(&self) -> Result<(), Broken> {
        let is_plain = self.from.is_plain() && self.to.is_plain();
        let mut is_bulk = false;
        loop {
            self.from.readable().await.map_err(|_| self.this())?;
            let moved = if is_bulk { self.splice().await? } else { self.copy().await? };
            match moved {
                None => {}
                Some(0) => {
                    self.is_over.set(true);
                    self.to.shutdown_write();
                    return Ok(());
                }
                Some(bytes) => {
                    self.count(bytes);
                    is_bulk = is_plain && bytes >= BUFFER_BYTES as u64;
                }
            }
        }
    }

    /// Moves what is there: bytes, 0 at the end, None when nothing is there after all.
    async fn copy(&self) -> Result<Option<u64>, Broken> {
        tokio::task::coop::consume_budget().await;
        let buffers = &self.passage.local.buffers;
        let mut buffer = buffers.take();
        let moved = match self.from.try_read(&mut buffer) {
            Ok(bytes) => match self.to.write_all(&buffer).await {
                Ok(()) => Ok(Some(bytes as u64)),
                Err(_) => Err(self.other()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(_) => Err(self.this()),
        };
        buffers.give(buffer);
        moved
    }

    /// As [`Way::copy`], within the kernel.
    async fn splice(&self) -> Result<Option<u64>, Broken> {
        let pipes = &self.passage.local.pipes;
        let Some(mut pipe) = pipes.take() else { return self.copy().await };
        let mut splice = Splice { from: self.from, to: self.to, pipe: &mut pipe, left: u64::MAX };
        let moved = splice.burst().await;
        pipes.give(pipe);
        moved.map_err(|error| match error {
            SpliceError::From(_) => self.this(),
            SpliceError::To(_) => self.other(),
        })
    }

    fn count(&self, bytes: u64) {
        match self.is_up {
            true => self.passage.count_in(bytes),
            false => self.passage.count_out(bytes),
        }
    }

    /// The side that bytes come from.
    fn this(&self) -> Broken {
        if self.is_up { Broken::Client } else { Broken::Upstream }
    }

    /// The side that bytes go to.
    fn other(&self) -> Broken {
        if self.is_up { Broken::Upstream } else { Broken::Client }
    }
}

/// Nothing came from either side.
const SILENT: ProxyError = ProxyError::local(ErrorKind::IdleTimeout);
