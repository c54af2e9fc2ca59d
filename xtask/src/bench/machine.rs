//! The machine: which cores do what, and what the reports say about it. Never a host name.

use std::fs;
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// Facts and the division of the cores.
pub(crate) struct Machine {
    /// One line for the reports.
    pub description: String,
    /// The core that each proxy has for itself.
    pub proxy_core: String,
    /// The cores of load and origin, as `taskset` takes them.
    pub load_cores: String,
    pub load_core_count: usize,
}

impl Machine {
    pub(crate) fn read() -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        ensure!(cores >= 2, "a comparison needs two cores: one for the proxy, one for the load");
        let load: Vec<String> = (0..cores.min(LOAD_CORES_MAX + 1))
            .filter(|core| *core != PROXY_CORE)
            .map(|core| core.to_string())
            .collect();
        Ok(Self {
            description: describe(cores)?,
            proxy_core: PROXY_CORE.to_string(),
            load_core_count: load.len(),
            load_cores: load.join(","),
        })
    }

    /// Keeps this process, and what it starts unpinned, off the proxies' core.
    pub(crate) fn leave_proxy_core(&self) -> Result<()> {
        let pid = std::process::id().to_string();
        let mut taskset = process::command("taskset")?;
        taskset.args(["--all-tasks", "--cpu-list", "--pid", &self.load_cores, &pid]);
        process::output(&mut taskset).map(|_| ())
    }
}

fn describe(cores: usize) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = memory.lines().next().and_then(|line| line.split_whitespace().nth(1));
    let memory: u64 = memory.context("no memory size")?.parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let release: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Ok(format!("{cores} cores, {model}, {} GiB, Linux {release}", memory.div_ceil(1024 * 1024)))
}

const PROXY_CORE: usize = 1;
const LOAD_CORES_MAX: usize = 4;
