//! A worker's end of the log.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::LogStats;
use super::thread::{Lines, Message};

/// Collects a worker's lines. It can move to another thread but not be shared (it is not `Sync`).
#[derive(Debug)]
pub struct LogHandle {
    buffer: Vec<u8>,
    lines: u64,
    sender: SyncSender<Message>,
    /// Where the writer puts buffers that it has written.
    home: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
    stats: Arc<LogStats>,
}

impl LogHandle {
    pub(super) fn new(sender: SyncSender<Message>, stats: Arc<LogStats>) -> Self {
        let (home, spare) = sync_channel(SPARES_MAX);
        Self { buffer: Vec::new(), lines: 0, sender, home, spare, stats }
    }

    /// Appends one line: `write` puts its bytes, without a line break, at the end of the buffer. A full
    /// buffer is handed over. Never waits.
    pub fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(BUFFER_BYTES + LINE_BYTES);
        }
        write(&mut self.buffer);
        self.buffer.push(b'\n');
        self.lines += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    /// Hands over what there is. For the worker's tick, so that lines of a quiet worker appear in time.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let next = self.spare.try_recv().unwrap_or_default();
        let bytes = std::mem::replace(&mut self.buffer, next);
        let lines =
            Lines { bytes, count: std::mem::take(&mut self.lines), home: self.home.clone() };
        match self.sender.try_send(Message::Lines(lines)) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                self.drop_lines(message)
            }
        }
    }

    /// Counts lines that cannot be handed over, and keeps their buffer.
    fn drop_lines(&mut self, message: Message) {
        let Message::Lines(Lines { mut bytes, count, .. }) = message else { return };
        self.stats.dropped.fetch_add(count, Relaxed);
        bytes.clear();
        if self.buffer.capacity() == 0 {
            self.buffer = bytes;
        }
    }
}

impl Drop for LogHandle {
    fn drop(&mut self) {
        self.flush();
    }
}

/// A buffer of this size is handed over.
const BUFFER_BYTES: usize = 32 * 1024;
/// Room for the line that makes a buffer full.
const LINE_BYTES: usize = 1024;
/// How many written buffers wait for reuse.
const SPARES_MAX: usize = 4;
