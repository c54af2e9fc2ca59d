//! The access log's way out: one thread writes, workers never wait for it.
//!
//! A worker collects whole lines in its own buffer and hands the buffer over. When the writer cannot follow,
//! the buffer's lines are dropped and counted: a slow disk costs log lines, never requests.

mod handle;
mod sink;
mod thread;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::Release};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

pub use handle::LogHandle;
use sink::Sink;
use thread::{Message, Writer};

/// The writer's thread, as control holds it.
#[derive(Debug)]
pub struct LogWriter {
    sender: SyncSender<Message>,
    orders: Arc<Orders>,
    stats: Arc<LogStats>,
    thread: Option<JoinHandle<()>>,
}

impl LogWriter {
    /// Opens the target and starts the thread. `buffers_max` bounds how many buffers of about 32 KiB may
    /// wait; [`BUFFERS_MAX`] suits most.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub fn start(target: LogTarget, buffers_max: usize) -> io::Result<Self> {
        Self::start_with(Sink::open(target)?, buffers_max)
    }

    fn start_with(sink: Sink, buffers_max: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(buffers_max.max(1));
        let orders = Arc::new(Orders::default());
        let stats = Arc::new(LogStats::default());
        let writer = Writer::new(sink, receiver, Arc::clone(&orders), Arc::clone(&stats));
        let builder = std::thread::Builder::new().name("access-log".to_owned());
        let thread = builder.spawn(move || writer.run())?;
        Ok(Self { sender, orders, stats, thread: Some(thread) })
    }

    /// A worker's way to the writer.
    #[must_use]
    pub fn handle(&self) -> LogHandle {
        LogHandle::new(self.sender.clone(), Arc::clone(&self.stats))
    }

    /// The counts, for [`Registry::attach_log`](crate::Registry::attach_log).
    #[must_use]
    pub fn stats(&self) -> Arc<LogStats> {
        Arc::clone(&self.stats)
    }

    /// Opens the file anew, for a log that was rotated away. Lines handed over after this call go to the
    /// new file. Does nothing on stdout and stderr. Never waits.
    pub fn reopen(&self) {
        self.orders.reopen.store(true, Release);
        self.wake();
    }

    /// Writes all that was handed over, and ends the thread. Handles must have flushed before; what they
    /// hand over later is dropped and counted. A target that cannot be written is tried once more.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.orders.stop.store(true, Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the panic hook.
            let _ = thread.join();
        }
    }

    /// Wakes the thread, whether it waits for lines or for its next try. A full channel wakes by itself.
    fn wake(&self) {
        let _ = self.sender.try_send(Message::Wake);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where lines go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, opened for appending and created if need be.
    File(PathBuf),
}

/// What happened to lines.
#[derive(Debug, Default)]
pub struct LogStats {
    pub(crate) lines: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) errors: AtomicU64,
}

impl LogStats {
    /// Lines written.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines.load(Relaxed)
    }

    /// Lines lost.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Failed writes, and failed tries to open the file.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }
}

/// What control wants of the thread.
#[derive(Debug, Default)]
struct Orders {
    reopen: AtomicBool,
    stop: AtomicBool,
}

/// How many buffers may wait for the writer, unless configured: about 8 MiB.
pub const BUFFERS_MAX: usize = 256;

#[cfg(test)]
mod tests;
