//! The programs that the measurement itself needs: built here, or installed from Debian.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process;

/// What makes and answers the load.
pub(crate) struct Tools {
    pub relay: PathBuf,
    pub origin: PathBuf,
    pub load: PathBuf,
    pub tls: PathBuf,
    pub tokens: PathBuf,
    pub steady: PathBuf,
    pub upstream: PathBuf,
    pub sockets: PathBuf,
    pub delay: PathBuf,
    pub hostile: PathBuf,
}

impl Tools {
    /// Builds our own tools and installs the others.
    pub(crate) fn prepare() -> Result<Self> {
        install_debian()?;
        let built = build("portunus-bench-tools")?;
        let find = |name: &str| {
            let found = built.iter().find(|program| program.ends_with(name));
            found.cloned().with_context(|| format!("cargo built no {name}"))
        };
        Ok(Self {
            relay: find("bench-relay")?,
            origin: find("bench-origin")?,
            load: find("bench-load")?,
            tls: find("bench-tls")?,
            tokens: find("bench-tokens")?,
            steady: find("bench-steady")?,
            upstream: find("bench-upstream")?,
            sockets: find("bench-sockets")?,
            delay: find("bench-delay")?,
            hostile: find("bench-hostile")?,
        })
    }
}

/// Builds the program that all this is about, in the release profile.
pub(crate) fn build_portunus() -> Result<PathBuf> {
    let built = build("portunus")?;
    let found = built.into_iter().find(|program| program.ends_with("portunus"));
    found.context("cargo built no portunus")
}

/// Builds a package of the workspace for release; gives its programs.
pub(crate) fn build(package: &str) -> Result<Vec<PathBuf>> {
    eprintln!("building {package} for release");
    let mut cargo = process::cargo()?;
    cargo.args(["build", "--release", "--quiet", "--package", package]);
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let messages = process::output(&mut cargo)?;
    Ok(messages.lines().filter_map(executable).collect())
}

fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

/// Installs what is missing. Only the programs without which nothing works are an error.
fn install_debian() -> Result<()> {
    let absent: Vec<_> = DEBIAN.iter().filter(|tool| !process::installed(tool.program)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = absent.iter().map(|tool| tool.package).collect();
    eprintln!("installing Debian packages with apt-get: {}", packages.join(" "));
    if let Err(error) = apt_install(&packages) {
        eprintln!("not installed: {error:#}");
    }
    match absent.iter().find(|tool| tool.vital && !process::installed(tool.program)) {
        Some(tool) => bail!("{} is missing: install the package {}", tool.program, tool.package),
        None => Ok(()),
    }
}

/// `RUNLEVEL=1` keeps the packages from starting their services.
fn apt_install(packages: &[&str]) -> Result<()> {
    process::output(process::command("apt-get")?.args(["update", "-qq"]))?;
    let mut install = process::command("apt-get")?;
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    process::output(&mut install).map(|_| ())
}

struct DebianTool {
    program: &'static str,
    package: &'static str,
    vital: bool,
}

const DEBIAN: &[DebianTool] = &[
    DebianTool { program: "wrk", package: "wrk", vital: true },
    DebianTool { program: "taskset", package: "util-linux", vital: true },
    DebianTool { program: "h2load", package: "nghttp2-client", vital: false },
    DebianTool { program: "nghttpd", package: "nghttp2-server", vital: false },
    DebianTool { program: "openssl", package: "openssl", vital: false },
    DebianTool { program: "curl", package: "curl", vital: false },
    DebianTool { program: "nginx", package: "nginx", vital: false },
    DebianTool { program: "haproxy", package: "haproxy", vital: false },
    DebianTool { program: "faketime", package: "faketime", vital: false },
    DebianTool { program: "redis-server", package: "redis-server", vital: false },
    DebianTool { program: "pip3", package: "python3-pip", vital: false },
];
