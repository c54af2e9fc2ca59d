//! What the system says of this process, from `/proc`. Control only: it reads files.

use std::fs;

use super::totals::ProcessTotals;

/// Reads what there is; other systems than Linux have nothing.
pub(super) fn read() -> ProcessTotals {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    ProcessTotals {
        resident_bytes: number_after(&text("/proc/self/status"), "VmRSS:").map(|kib| kib * 1024),
        // The directory that is being read is itself one of the open ones.
        open_fds: fs::read_dir("/proc/self/fd")
            .ok()
            .map(|fds| (fds.count() as u64).saturating_sub(1)),
        max_fds: number_after(&text("/proc/self/limits"), "Max open files"),
        cpu_seconds: cpu_seconds(&text("/proc/self/stat")),
    }
}

/// The first number after `key`.
fn number_after(text: &str, key: &str) -> Option<u64> {
    text.split_once(key)?.1.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `stat`, in ticks of 1/100 s. The name in field 2 may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}
