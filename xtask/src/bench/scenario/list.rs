//! The list of scenarios: to add one, add an entry here and, if it measures something new, a
//! function in `measure.rs`.

use super::{Column, Policy, Scenario, Variant};
use crate::bench::peer::{Peer, RELAY};
use crate::bench::{measure, tokens};

pub(in crate::bench) const SCENARIOS: &[Scenario] = &[
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
            Variant { name: "10 routes", routes: 10, ..Variant::PLAIN },
            Variant { name: "10,000 routes", routes: 10_000, ..Variant::PLAIN },
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
            Variant { name: "no filter", ..Variant::PLAIN },
            Variant { name: "16 filters", filters: 16, ..Variant::PLAIN },
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
        columns: OPEN_LOOP,
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
        columns: IDLE,
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
    Scenario {
        name: "tls",
        title: "1 KB answers over kept TLS connections",
        about: "64 connections of HTTP/1.1 over TLS 1.3, closed loop, GET of 1 KB.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: TLS,
        takes: with_tls,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "tls_h2",
        title: "1 KB answers over HTTP/2",
        about: "8 connections of HTTP/2 over TLS 1.3 with 16 streams each, closed loop, GET of 1 KB; \
                the origin speaks HTTP/1.1.",
        path: "/1k",
        body_bytes: 1024,
        connections: 8,
        clients_max: CLIENTS,
        columns: WITHOUT_LATENCY,
        variants: &[Variant { tls: true, streams: 16, ..Variant::PLAIN }],
        takes: with_tls,
        measure: measure::streams,
    },
    Scenario {
        name: "h2_h2",
        title: "HTTP/2 to HTTP/2",
        about: "As tls_h2, and the origin speaks HTTP/2 without TLS.",
        path: "/1k",
        body_bytes: 1024,
        connections: 8,
        clients_max: CLIENTS,
        columns: WITHOUT_LATENCY,
        variants: &[Variant { tls: true, streams: 16, h2_origin: true, ..Variant::PLAIN }],
        takes: with_h2_origin,
        measure: measure::streams,
    },
    Scenario {
        name: "handshake",
        title: "full TLS 1.3 handshakes",
        about: "16 clients that connect, shake hands, ask once and close, again and again; what the \
                same request costs on a kept connection is part of it.",
        path: "/1k",
        body_bytes: 1024,
        connections: 16,
        clients_max: CLIENTS,
        columns: PER_HANDSHAKE,
        variants: TLS,
        takes: with_tls,
        measure: measure::full_handshakes,
    },
    Scenario {
        name: "resumption",
        title: "resumed TLS 1.3 handshakes",
        about: "As handshake, with the ticket of the connection before.",
        path: "/1k",
        body_bytes: 1024,
        connections: 16,
        clients_max: CLIENTS,
        columns: PER_HANDSHAKE,
        variants: TLS,
        takes: with_tls,
        measure: measure::resumed_handshakes,
    },
    Scenario {
        name: "idle_tls",
        title: "memory of 5,000 idle TLS connections",
        about: "As idle5k, over TLS 1.3.",
        path: "/1k",
        body_bytes: 1024,
        connections: 5000,
        clients_max: 6000,
        columns: IDLE,
        variants: TLS,
        takes: with_tls,
        measure: measure::idle,
    },
    Scenario {
        name: "two_tiers",
        title: "an edge in front of a gateway",
        about: "64 connections of HTTP/1.1 over TLS 1.3, closed loop, GET of 1 KB, through two proxies \
                that share one core, or through one that does both.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: &[
            Variant { name: "alone", tls: true, only: Some("portunus"), ..Variant::PLAIN },
            Variant {
                name: "before portunus",
                tls: true,
                before: Some("portunus"),
                only: Some("portunus"),
                ..Variant::PLAIN
            },
            Variant {
                name: "before traefik",
                tls: true,
                before: Some("traefik"),
                only: Some("haproxy"),
                ..Variant::PLAIN
            },
        ],
        takes: with_tls,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "gateway",
        title: "a gateway that asks for tokens, limits and changes headers",
        about: "64 connections of HTTP/1.1 over TLS 1.3, closed loop, GET of 1 KB with a token signed \
                by RS256; the gateway checks it, limits the client and changes headers both ways. \
                500 tokens in turn, and 20,000, of which none is known when it comes again; beside \
                plain proxying over TLS.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: &[
            Variant { name: "plain", tls: true, ..Variant::PLAIN },
            Variant {
                name: "limits",
                tls: true,
                policy: Policy::Limits,
                only: Some("portunus"),
                ..Variant::PLAIN
            },
            Variant {
                name: "known tokens",
                tls: true,
                policy: Policy::Tokens(tokens::REPEATED),
                only: Some("portunus"),
                ..Variant::PLAIN
            },
            Variant {
                name: "new tokens",
                tls: true,
                policy: Policy::Tokens(tokens::FRESH),
                only: Some("portunus"),
                ..Variant::PLAIN
            },
        ],
        takes: portunus_and_nginx,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "gateway_tiers",
        title: "an edge in front of a gateway that limits, against one program for both",
        about: "As two_tiers; the gateway also limits the client and changes headers both ways.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: &[
            Variant {
                name: "alone",
                tls: true,
                policy: Policy::Limits,
                only: Some("portunus"),
                ..Variant::PLAIN
            },
            Variant {
                name: "before traefik",
                tls: true,
                before: Some("traefik"),
                policy: Policy::Limits,
                only: Some("haproxy"),
                ..Variant::PLAIN
            },
        ],
        takes: with_tls,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "shared_limits",
        title: "limits that nodes share through Redis",
        about: "As plain, with a rate limit of one key: none, local, shared with one round trip for each \
                request (exact), and shared by batches of tokens.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: PER_REQUEST,
        variants: SHARED_LIMITS,
        takes: portunus_only,
        measure: measure::closed_loop,
    },
    Scenario {
        name: "shared_limits_latency",
        title: "latency of limits that nodes share, at half of saturation",
        about: "As shared_limits, in an open loop at half of the rate of the same variant.",
        path: "/1k",
        body_bytes: 1024,
        connections: 64,
        clients_max: CLIENTS,
        columns: OPEN_LOOP,
        variants: SHARED_LIMITS,
        takes: portunus_only,
        measure: measure::open_loop,
    },
];

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

fn with_tls(peer: &Peer) -> bool {
    peer.tls
}

fn with_h2_origin(peer: &Peer) -> bool {
    peer.h2_origin
}

fn portunus_and_nginx(peer: &Peer) -> bool {
    ["portunus", "nginx"].contains(&peer.name)
}

fn portunus_only(peer: &Peer) -> bool {
    peer.name == "portunus"
}

const fn column(title: &'static str, decimals: usize) -> Column {
    Column { title, decimals }
}

const PLAIN: &[Variant] = &[Variant::PLAIN];
const TLS: &[Variant] = &[Variant { tls: true, ..Variant::PLAIN }];

const SHARED_LIMITS: &[Variant] = &[
    Variant { name: "no limit", ..Variant::PLAIN },
    Variant { name: "local", policy: Policy::Shared("local"), ..Variant::PLAIN },
    Variant { name: "exact", policy: Policy::Shared("redis, mode: exact"), ..Variant::PLAIN },
    Variant { name: "batch", policy: Policy::Shared("redis, mode: batch"), ..Variant::PLAIN },
];

const PER_REQUEST: &[Column] = &[
    column("CPU us/request", 2),
    column("requests/s", 0),
    column("p50 us", 0),
    column("p99 us", 0),
    column("core busy %", 0),
    column("RSS MB", 1),
    column("peak MB", 1),
];

const OPEN_LOOP: &[Column] = &[
    column("p99 us", 0),
    column("p50 us", 0),
    column("p99.9 us", 0),
    column("requests/s", 0),
    column("CPU us/request", 2),
];

const WITHOUT_LATENCY: &[Column] = &[
    column("CPU us/request", 2),
    column("requests/s", 0),
    column("core busy %", 0),
    column("RSS MB", 1),
    column("peak MB", 1),
];

const PER_HANDSHAKE: &[Column] =
    &[column("CPU us/handshake", 1), column("handshakes/s", 0), column("core busy %", 0)];

const IDLE: &[Column] = &[
    column("bytes/connection after 10 s", 0),
    column("bytes/connection at once", 0),
    column("RSS MB before", 1),
    column("RSS MB after 10 s", 1),
];

const CLIENTS: usize = 1024;
