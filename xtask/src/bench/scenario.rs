//! The list of scenarios: to add one, add an entry here and, if it measures something new, a
//! function in `measure.rs`.

use anyhow::{Context as _, Result};

use super::measure::{self, Measure};
use super::peer::{Peer, RELAY};

/// One thing that is compared.
pub(super) struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    /// What happens, for the report.
    pub about: &'static str,
    /// What is asked for, and how long its body must be.
    pub path: &'static str,
    pub body_bytes: u64,
    pub connections: usize,
    /// What the proxies are configured to take.
    pub clients_max: usize,
    /// The first column is the one of the chart and of the ratios.
    pub columns: &'static [Column],
    /// Each proxy runs in each of them; more than one makes it a comparison of variants.
    pub variants: &'static [Variant],
    pub takes: fn(&Peer) -> bool,
    pub measure: Measure,
}

impl Scenario {
    /// What the chart and the ratios are about.
    pub(super) fn headline(&self) -> &'static str {
        self.columns.first().map_or("", |column| column.title)
    }

    /// The path that must work before anything is measured: of routes, the last one.
    pub(super) fn first_path(&self, variant: &Variant) -> String {
        match variant.routes.checked_sub(1) {
            Some(last) => format!("/r{last}{}", self.path),
            None => self.path.to_owned(),
        }
    }
}

/// One number that a round gives.
pub(super) struct Column {
    pub title: &'static str,
    pub decimals: usize,
}

impl Column {
    pub(super) fn shown(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals)
    }
}

/// One form of a proxy's configuration.
pub(super) struct Variant {
    pub name: &'static str,
    pub routes: usize,
    pub filters: usize,
}

/// The scenario of that name.
pub(super) fn named(name: &str) -> Result<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name).with_context(|| {
        format!("there is no scenario {name}; `cargo xtask bench help` lists them")
    })
}

fn every(_: &Peer) -> bool {
    true
}

/// The relay's fixed buffers say nothing about memory.
fn every_proxy(peer: &Peer) -> bool {
    peer.name != RELAY
}

fn with_routes(peer: &Peer) -> bool {
    peer.routes
}

fn portunus_only(peer: &Peer) -> bool {
    peer.name == "portunus"
}

const fn column(title: &'static str, decimals: usize) -> Column {
    Column { title, decimals }
}

const PLAIN: &[Variant] = &[Variant { name: "", routes: 0, filters: 0 }];

const PER_REQUEST: &[Column] = &[
    column("CPU us/request", 2),
    column("requests/s", 0),
    column("p50 us", 0),
    column("p99 us", 0),
    column("core busy %", 0),
    column("RSS MB", 1),
    column("peak MB", 1),
];

const CLIENTS: usize = 1024;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "plain",
        title: "1 KB answers over kept connections",
        about: "64 connections, closed loop, GET of 1 KB.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: PLAIN,
        takes: every,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "body100k",
        title: "100 KB answers",
        about: "64 connections, closed loop, GET of 100 KB.",
        path: "/100k",
        body_bytes: 100 * 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: PLAIN,
        takes: every,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "body100m",
        title: "100 MB answers",
        about: "4 connections, closed loop, GET of 100 MB; GB are 10^9 bytes that arrived.",
        path: "/100m",
        body_bytes: 100 * 1024 * 1024,
        connections: 4,
        clients_max: CLIENTS,
        columns: &[
            column("CPU ms/GB", 1),
            column("GB/s", 2),
            column("core busy %", 0),
            column("RSS MB", 1),
            column("peak MB", 1),
        ],
        variants: PLAIN,
        takes: every,
        measure: measure::per_gigabyte,
    },
    Scenario {
        name: "routes10k",
        title: "10,000 routes against 10",
        about: "As plain, with path prefixes /r0/ to /r9999/ that are hit evenly, and with ten.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: &[
            Variant { name: "10 routes", routes: 10, filters: 0 },
            Variant { name: "10,000 routes", routes: 10_000, filters: 0 },
        ],
        takes: with_routes,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "filters16",
        title: "16 filters that find nothing to do, against none",
        about: "As plain; each filter would remove a request header that is not there.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: &[
            Variant { name: "no filter", routes: 0, filters: 0 },
            Variant { name: "16 filters", routes: 0, filters: 16 },
        ],
        takes: portunus_only,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "latency",
        title: "latency at half of saturation",
        about: "GET of 1 KB over 64 connections in an open loop, at half of the rate that the same \
                proxy reached in a closed loop before; latency counts from when a request was due.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: &[
            column("p99 us", 0),
            column("p50 us", 0),
            column("p99.9 us", 0),
            column("requests/s", 0),
            column("CPU us/request", 2),
        ],
        variants: PLAIN,
        takes: every,
        measure: measure::open_loop,
    },
    Scenario {
        name: "idle5k",
        title: "memory of 5,000 idle connections",
        about: "5,000 client connections, one request on each; what the resident memory grew by \
                over that of the warm proxy, at once and 10 s later.",
        path: "/1k",
        body_bytes: 1024,
        connections: 5000,
        clients_max: 6000,
        columns: &[
            column("bytes/connection after 10 s", 0),
            column("bytes/connection at once", 0),
            column("RSS MB before", 1),
            column("RSS MB after 10 s", 1),
        ],
        variants: PLAIN,
        takes: every_proxy,
        measure: measure::idle,
    },
    Scenario {
        name: "start",
        title: "from start to first answer",
        about: "Time from exec to the first right answer, and the resident memory right after.",
        path: "/1k",
        body_bytes: 1024,
        connections: 1,
        clients_max: CLIENTS,
        columns: &[column("ms to first answer", 1), column("RSS MB", 1)],
        variants: PLAIN,
        takes: every,
        measure: measure::start,
    },
];

#[cfg(test)]
mod tests;
