//! How much memory the process holds, as its allocator knows, and the allocator's threads.

use tikv_jemalloc_ctl::{background_thread, epoch, stats};

/// The bytes that are allocated and not given back. What C code allocates is not among them.
pub(crate) fn held() -> Option<u64> {
    // The allocator sums up its numbers when it is told to.
    epoch::advance().ok()?;
    stats::allocated::read().ok().map(|bytes| bytes as u64)
}

/// Starts or ends the threads that give memory back when nothing else happens.
pub(crate) fn threads(run: bool) {
    // An allocator without them has none to end.
    let _ = background_thread::write(run);
}
