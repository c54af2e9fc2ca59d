//! Processor time and memory of a process tree, from `/proc`.

use std::fs;

/// What a process tree has used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub resident_kb: f64,
    pub peak_kb: f64,
}

/// User and system time of the process, its descendants, and those of them that have ended.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    tree(root).iter().map(|process| process.ticks).sum::<f64>() / TICKS_PER_SECOND
}

/// The memory of the process and its descendants. Pages that they share count for each.
pub(crate) fn memory(root: u32) -> Memory {
    let mut sum = Memory::default();
    for process in tree(root) {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid));
        let status = status.unwrap_or_default();
        sum.resident_kb += status_kb(&status, "VmRSS:");
        sum.peak_kb += status_kb(&status, "VmHWM:");
    }
    sum
}

fn status_kb(status: &str, field: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// One line of `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Process {
    pid: u32,
    parent: u32,
    /// User and system time, its own and that of children that it has waited for.
    ticks: f64,
}

impl Process {
    /// The second field is the name in parentheses, which may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let (_, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let ticks = fields.skip(9).take(4).map(|field| field.parse::<f64>().unwrap_or(0.0)).sum();
        Some(Self { pid: pid.parse().ok()?, parent, ticks })
    }
}

fn tree(root: u32) -> Vec<Process> {
    let all = all_processes();
    let mut members: Vec<Process> = all.iter().filter(|p| p.pid == root).copied().collect();
    let mut seen = 0;
    while let Some(parent) = members.get(seen).map(|process| process.pid) {
        members.extend(all.iter().filter(|process| process.parent == parent));
        seen += 1;
    }
    members
}

fn all_processes() -> Vec<Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter(|folder| folder.file_name().to_string_lossy().starts_with(|c: char| c.is_numeric()))
        .filter_map(|folder| Process::parse(&fs::read_to_string(folder.path().join("stat")).ok()?))
        .collect()
}

/// `USER_HZ`: part of the kernel's interface, the same on all machines that we know.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests;
