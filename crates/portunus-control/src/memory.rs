//! The bound on memory: what the process holds is looked at ten times a second, off the data path, and workers are
//! told while it is too much. They refuse new requests then, and let go of what is unused.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portunus_base::ByteSize;
use portunus_config::spec::MemoryMaxSpec;
use portunus_proxy::MemorySwitch;
use tokio::runtime::Handle;

use crate::task::Task;

/// How many bytes the process holds; None where nobody knows.
pub type MemoryMeter = fn() -> Option<u64>;

/// Keeps the process within its bound on memory. Dropping it lifts the bound.
#[derive(Debug)]
pub(crate) struct MemoryKeeper {
    max: Arc<AtomicU64>,
    /// What `auto` stands for.
    auto: Option<u64>,
    _task: Task,
}

impl MemoryKeeper {
    pub(crate) fn start(meter: MemoryMeter, switch: MemorySwitch, home: &Handle) -> Self {
        let max = Arc::new(AtomicU64::new(u64::MAX));
        let auto = group_max(Path::new("/")).map(|bytes| bytes / 4 * 3);
        let task = Task::spawn_on(home, watch(meter, switch, Arc::clone(&max)));
        Self { max, auto, _task: task }
    }

    /// Follows the configuration.
    pub(crate) fn serve(&self, spec: MemoryMaxSpec) {
        let max = match spec {
            MemoryMaxSpec::Auto => self.auto,
            MemoryMaxSpec::None => None,
            MemoryMaxSpec::Bytes(ByteSize(bytes)) => Some(bytes),
        };
        self.max.store(max.unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

async fn watch(meter: MemoryMeter, switch: MemorySwitch, max: Arc<AtomicU64>) {
    let mut is_full = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let max = max.load(Ordering::Relaxed);
        let held = if max == u64::MAX { 0 } else { meter().unwrap_or(0) };
        if is_over(held, max, is_full) != is_full {
            is_full = !is_full;
            switch.set(is_full);
            tell(is_full, held, max);
        }
    }
}

/// Whether requests are refused: from the bound on, until a tenth of it is free again.
fn is_over(held: u64, max: u64, is_full: bool) -> bool {
    if is_full { held > max - max / 10 } else { held >= max }
}

fn tell(is_full: bool, held: u64, max: u64) {
    let mebibytes = |bytes: u64| bytes >> 20;
    let (held, max) = (mebibytes(held), mebibytes(max));
    if is_full {
        tracing::warn!(
            "{held} MiB of memory are held, of {max} MiB by `limits.memory_max`: new requests are refused"
        );
    } else {
        tracing::warn!("{held} MiB of memory are held: new requests are served again");
    }
}

/// How much memory the control group of this process allows (version 2 of cgroups): the least of its own bound and
/// those above it.
fn group_max(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounted = root.join("sys/fs/cgroup");
    let folder = mounted.join(group);
    let folders = folder.ancestors().take_while(|folder| folder.starts_with(&mounted));
    folders
        .filter_map(|folder| std::fs::read_to_string(folder.join("memory.max")).ok())
        // Without a bound it says `max`.
        .filter_map(|text| text.trim().parse().ok())
        .min()
}

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
