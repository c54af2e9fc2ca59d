use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

fn file_writer(path: &Path) -> LogWriter {
    LogWriter::start(LogTarget::File(path.to_owned()), BUFFERS_MAX).unwrap()
}

fn put(handle: &mut LogHandle, text: &str) {
    handle.line(|out| out.extend_from_slice(text.as_bytes()));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn no_line_is_lost_below_the_bound_and_each_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let writer = LogWriter::start(LogTarget::File(path.clone()), 4096).unwrap();
    let tail = "x".repeat(90);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (mut handle, tail) = (writer.handle(), &tail);
            scope.spawn(move || {
                for n in 0..10_000 {
                    put(&mut handle, &format!("{worker} {n} {tail}"));
                }
            });
        }
    });
    let stats = writer.stats();
    writer.shutdown();
    assert_eq!((stats.lines(), stats.dropped(), stats.errors()), (40_000, 0, 0));
    let text = read(&path);
    let mut next = [0; 4];
    for line in text.lines() {
        let mut words = line.split(' ');
        let worker: usize = words.next().unwrap().parse().unwrap();
        assert_eq!(
            words.next().unwrap().parse(),
            Ok(next[worker]),
            "lines of a worker keep their order"
        );
        assert_eq!(words.next(), Some(tail.as_str()));
        next[worker] += 1;
    }
    assert_eq!(next, [10_000; 4]);
}

#[test]
fn a_rotated_log_goes_on_in_the_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let writer = file_writer(&path);
    let mut handle = writer.handle();
    put(&mut handle, "first");
    handle.flush();
    wait_until(&writer.stats, |stats| stats.lines() == 1);
    std::fs::rename(&path, &old).unwrap();
    writer.reopen();
    put(&mut handle, "second");
    drop(handle);
    writer.shutdown();
    assert_eq!((read(&old).as_str(), read(&path).as_str()), ("first\n", "second\n"));
}

/// Yields until the thread has come so far.
fn wait_until(stats: &LogStats, done: impl Fn(&LogStats) -> bool) {
    while !done(stats) {
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let target = LogTarget::File(folder.path().join("no/such/folder"));
    let error = LogWriter::start(target, 1).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

/// A target that takes one write for each permit.
struct Gated {
    entered: Sender<()>,
    permits: Receiver<()>,
    bytes: Arc<AtomicUsize>,
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.permits.recv();
        self.bytes.fetch_add(bytes.len(), Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_channel_drops_whole_buffers_and_counts_their_lines() {
    let ((entered, has_entered), (permit, permits)) = (channel(), channel());
    let bytes = Arc::new(AtomicUsize::new(0));
    let gated = Gated { entered, permits, bytes: Arc::clone(&bytes) };
    let writer = LogWriter::start_with(Sink::over(gated), 2).unwrap();
    let mut handle = writer.handle();
    let mut send = |lines: usize| {
        (0..lines).for_each(|_| put(&mut handle, "abc"));
        handle.flush();
    };
    send(1);
    has_entered.recv().unwrap();
    // The thread is stuck in its write: two buffers may wait, the third and fourth are dropped.
    [2, 3, 4, 5].into_iter().for_each(&mut send);
    assert_eq!(writer.stats().dropped(), 9);
    drop(permit);
    let stats = writer.stats();
    writer.shutdown();
    assert_eq!((stats.lines(), stats.dropped()), (6, 9));
    assert_eq!(bytes.load(Relaxed), 6 * 4);
}

#[test]
fn lines_after_the_shutdown_are_counted_as_lost() {
    let writer = LogWriter::start_with(Sink::over(io::sink()), 2).unwrap();
    let (mut handle, stats) = (writer.handle(), writer.stats());
    writer.shutdown();
    put(&mut handle, "late");
    drop(handle);
    assert_eq!((stats.lines(), stats.dropped()), (0, 1));
}

/// A full disk: takes some bytes, then fails until it is told otherwise.
struct Full {
    room: usize,
    taken: Arc<std::sync::OnceLock<Vec<u8>>>,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = bytes.get(..self.room.min(bytes.len())).unwrap_or_default();
        if part.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= part.len();
        let _ = self.taken.set(part.to_vec());
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_counted_and_the_stop_does_not_hang() {
    let taken = Arc::default();
    let full = Full { room: 6, taken: Arc::clone(&taken) };
    let writer = LogWriter::start_with(Sink::over(full), 2).unwrap();
    let (mut handle, stats) = (writer.handle(), writer.stats());
    ["one", "two", "six"].iter().for_each(|text| put(&mut handle, text));
    drop(handle);
    wait_until(&stats, |stats| stats.errors() > 0);
    writer.shutdown();
    assert_eq!(taken.get().map(Vec::as_slice), Some(&b"one\ntw"[..]));
    assert_eq!((stats.lines(), stats.dropped()), (1, 2));
}

#[test]
fn a_line_that_was_cut_starts_again_in_the_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let mut sink = Sink::open(LogTarget::File(path.clone())).unwrap();
    sink.replace(Full { room: 6, taken: Arc::default() });
    let writer = LogWriter::start_with(sink, 2).unwrap();
    let (mut handle, stats) = (writer.handle(), writer.stats());
    ["one", "two", "six"].iter().for_each(|text| put(&mut handle, text));
    drop(handle);
    wait_until(&stats, |stats| stats.errors() > 0);
    writer.reopen();
    writer.shutdown();
    assert_eq!(read(&path), "two\nsix\n");
    assert_eq!((stats.lines(), stats.dropped()), (3, 0));
}

#[test]
fn stdout_and_stderr_can_be_opened() {
    for target in [LogTarget::Stdout, LogTarget::Stderr] {
        LogWriter::start(target, 1).unwrap().shutdown();
    }
}
