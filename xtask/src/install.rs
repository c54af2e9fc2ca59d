//! Installing what a fresh machine lacks, saying what and why.
//!
//! Cargo tools are pinned: a newer one may ask for a newer compiler than ours.

use anyhow::Context as _;

use crate::process;

/// A subcommand of cargo that is installed from source when it is absent.
pub(crate) struct CargoTool {
    /// The crate, and the program that it installs.
    pub name: &'static str,
    version: &'static str,
    subcommand: &'static str,
}

pub(crate) const NEXTEST: CargoTool =
    CargoTool { name: "cargo-nextest", version: "0.9.143", subcommand: "nextest" };
pub(crate) const DENY: CargoTool =
    CargoTool { name: "cargo-deny", version: "0.20.2", subcommand: "deny" };
pub(crate) const FUZZ: CargoTool =
    CargoTool { name: "cargo-fuzz", version: "0.13.2", subcommand: "fuzz" };

/// A program, the Debian package that brings it, and what misses it.
pub(crate) struct DebianTool {
    program: &'static str,
    package: &'static str,
    needed_for: &'static str,
}

/// What the build needs besides the Rust toolchain.
pub(crate) const BUILD_TOOLS: &[DebianTool] = &[
    DebianTool { program: "cc", package: "gcc", needed_for: "building the allocator" },
    DebianTool { program: "make", package: "make", needed_for: "building the allocator" },
];

/// What the tests compare us with. Each such test says that it is skipped when its peer is absent.
pub(crate) const TEST_PEERS: &[DebianTool] = &[
    DebianTool { program: "curl", package: "curl", needed_for: "the whole-program tests" },
    DebianTool { program: "haproxy", package: "haproxy", needed_for: "the differential tests" },
    DebianTool { program: "nginx", package: "nginx", needed_for: "the differential tests" },
];

/// Installs the cargo tool from source unless it is there.
pub(crate) fn cargo_tool(tool: &CargoTool) -> anyhow::Result<()> {
    if process::succeeds(process::cargo()?.args([tool.subcommand, "--version"])) {
        return Ok(());
    }
    let CargoTool { name, version, .. } = tool;
    println!("installing {name} {version} from source with cargo: it takes some minutes");
    process::run(process::cargo()?.args(["install", "--locked", "--version", version, name]))
        .with_context(|| format!("{name} could not be installed"))
}

/// Installs the Debian packages that are absent, where that is possible.
///
/// Never fails: what stays absent is said, and whoever needs it skips or fails with its own words.
pub(crate) fn debian_tools(tools: &[DebianTool]) {
    let absent: Vec<_> = tools.iter().filter(|tool| !process::installed(tool.program)).collect();
    if absent.is_empty() {
        return;
    }
    for tool in &absent {
        println!(
            "missing: {} (Debian package {}), for {}",
            tool.program, tool.package, tool.needed_for
        );
    }
    if let Err(error) = apt_install(absent.iter().map(|tool| tool.package)) {
        println!("not installed: {error:#}; going on without");
    }
}

/// `RUNLEVEL=1` keeps Debian's packages from starting their services: the tests start their own.
fn apt_install<'a>(packages: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    anyhow::ensure!(process::installed("apt-get"), "there is no apt-get here");
    let user = process::output(process::command("id")?.arg("-u"))?;
    anyhow::ensure!(user.trim() == "0", "only root may install packages");
    let packages: Vec<_> = packages.collect();
    println!("installing Debian packages with apt-get: {}", packages.join(" "));
    process::run(process::command("apt-get")?.args(["update", "-qq"]))?;
    let mut install = process::command("apt-get")?;
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    process::run(install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1"))
}
