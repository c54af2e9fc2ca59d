//! The kinds of proxies: Portunus and its peers.

use anyhow::{Context as _, Result};

/// How one kind of proxy is set up.
pub(super) struct Setup {
    pub name: &'static str,
    /// Templates in `bench/configs/chaos/`, filled in under their own name.
    pub configs: &'static [&'static str],
    /// The arguments, with the words of a template.
    pub args: &'static [&'static str],
    /// How it is told that its configuration has changed.
    pub reload: Reload,
}

/// How a proxy learns of a change.
pub(super) enum Reload {
    Signal(&'static str),
    /// It watches the files itself.
    Watch,
}

/// The setup of the peer of that name; Portunus is none.
pub(super) fn peer(name: &str) -> Result<&'static Setup> {
    let peers = || SETUPS.iter().skip(1);
    peers().find(|setup| setup.name == name).with_context(|| {
        let names: Vec<_> = peers().map(|setup| setup.name).collect();
        format!("there is no peer {name}; there are {}", names.join(", "))
    })
}

/// Portunus first, then its peers.
pub(super) const SETUPS: &[Setup] = &[
    Setup {
        name: "portunus",
        configs: &["portunus.yaml"],
        args: &["run", "-c", "@DIR@/portunus.yaml"],
        reload: Reload::Signal("HUP"),
    },
    Setup {
        name: "nginx",
        configs: &["nginx.conf"],
        args: &["-p", "@DIR@", "-e", "@DIR@/error.log", "-c", "@DIR@/nginx.conf"],
        reload: Reload::Signal("HUP"),
    },
    Setup {
        name: "haproxy",
        configs: &["haproxy.cfg", "haproxy.map"],
        args: &["-W", "-db", "-f", "@DIR@/haproxy.cfg"],
        reload: Reload::Signal("USR2"),
    },
    Setup {
        name: "envoy",
        configs: &["envoy.yaml", "envoy-routes.yaml"],
        args: &[
            "--config-path",
            "@DIR@/envoy.yaml",
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "error",
        ],
        reload: Reload::Watch,
    },
    Setup {
        name: "traefik",
        configs: &["traefik.yaml", "traefik-routes.yaml"],
        args: &["--configFile=@DIR@/traefik.yaml"],
        reload: Reload::Watch,
    },
];
