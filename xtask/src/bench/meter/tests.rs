use super::{Process, status_kb};

#[test]
fn a_stat_line_is_read_behind_any_name() {
    let stat = "42 (a) b) c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 99 0 0";
    let process = Process::parse(stat).unwrap();
    assert_eq!(process, Process { pid: 42, parent: 7, ticks: 124.0 });
    assert_eq!(Process::parse("42 no name"), None);
}

#[test]
fn memory_is_read_from_the_status() {
    let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
    assert_eq!(status_kb(status, "VmRSS:"), 1024.0);
    assert_eq!(status_kb(status, "VmSwap:"), 0.0);
}

#[test]
fn our_own_process_can_be_measured() {
    let memory = super::memory(std::process::id());
    assert!(memory.resident_kb > 0.0 && memory.peak_kb > 0.0);
    assert!(super::cpu_seconds(std::process::id()) >= 0.0);
}
