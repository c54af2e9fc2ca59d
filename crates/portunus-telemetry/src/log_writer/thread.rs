//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use super::sink::Sink;
use super::{LogStats, Orders};

/// What the thread is told.
pub(super) enum Message {
    /// Lines to write.
    Lines(Lines),
    /// Orders have changed.
    Wake,
}

/// A buffer of whole lines.
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// How many lines the buffer holds.
    pub(super) count: u64,
    /// Where the empty buffer goes.
    pub(super) home: SyncSender<Vec<u8>>,
}

/// The thread's state.
pub(super) struct Writer {
    sink: Sink,
    receiver: Receiver<Message>,
    orders: Arc<Orders>,
    stats: Arc<LogStats>,
    /// Whether the present run of failures has been reported.
    failing: bool,
}

impl Writer {
    pub(super) fn new(
        sink: Sink,
        receiver: Receiver<Message>,
        orders: Arc<Orders>,
        stats: Arc<LogStats>,
    ) -> Self {
        Self { sink, receiver, orders, stats, failing: false }
    }

    /// Writes until it is told to stop and nothing more has been handed over.
    pub(super) fn run(mut self) {
        while !self.orders.stop.load(Acquire) {
            let Ok(message) = self.receiver.recv() else { return };
            self.take(message);
        }
        while let Ok(message) = self.receiver.try_recv() {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        self.reopen_if_told();
        if let Message::Lines(mut lines) = message {
            self.write(&lines);
            lines.bytes.clear();
            // A home that is full, or gone with its worker, does not need the buffer.
            let _ = lines.home.try_send(lines.bytes);
        }
    }

    /// Writes a buffer, however often it takes; gives up only when the thread is to stop.
    fn write(&mut self, lines: &Lines) {
        let mut written = 0;
        while let Some(rest) = lines.bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let stopping = self.orders.stop.load(Acquire);
            match self.sink.write(rest) {
                Ok(bytes) => {
                    written += bytes;
                    self.failing = false;
                }
                Err(error) => {
                    self.failed(&error);
                    if self.reopen_if_told() {
                        // A line that was cut goes into the new file as a whole.
                        written = line_start(&lines.bytes, written);
                    } else if stopping {
                        break;
                    } else {
                        std::thread::park_timeout(RETRY);
                    }
                }
            }
        }
        let unwritten = lines.bytes.get(written..).unwrap_or_default();
        let lost = unwritten.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.stats.lines.fetch_add(lines.count.saturating_sub(lost), Relaxed);
        self.stats.dropped.fetch_add(lost, Relaxed);
    }

    /// Opens the file anew when control wants it; `true` when later bytes go elsewhere.
    fn reopen_if_told(&mut self) -> bool {
        if !self.orders.reopen.swap(false, Acquire) {
            return false;
        }
        self.sink.reopen().unwrap_or_else(|error| {
            self.failed(&error);
            false
        })
    }

    /// Counts an error; reports the first one of a run.
    fn failed(&mut self, error: &io::Error) {
        self.stats.errors.fetch_add(1, Relaxed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, "the access log cannot be written; trying again, lines may be lost");
        }
    }
}

/// Where the line that holds the byte at `at` starts.
fn line_start(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or(bytes);
    before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// Between two tries of a failing target.
const RETRY: Duration = Duration::from_secs(1);
