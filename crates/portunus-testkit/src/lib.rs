//! Clients, origins and faulty peers for whole-program tests.
//!
//! Everything here blocks, and shares no code with the program that it tests: plain sockets and
//! threads, and for TLS and HTTP/2 the `rustls` and `h2` libraries themselves, on a runtime that
//! tests never see. Whatever does not happen within [`DEADLINE`] fails the test with what was awaited: a
//! test never waits for a while and hopes.
//!
//! - [`Program`] runs the `portunus` binary with a configuration; [`Folder`] runs its other commands.
//! - [`Client`] speaks HTTP/1 to it, byte for byte where needed, and reads answers strictly.
//! - [`H2Client`] speaks HTTP/2, [`Frames`] its bare frames; [`TlsClient`] connects both by TLS.
//! - [`Origin`] stands behind it, over any [`Transport`]; [`faulty`] has the peers that do not
//!   behave.
//! - [`Authority`] issues throw-away certificates, [`Pebble`] real ones by ACME.
//! - [`RedisServer`] and [`PostgresServer`] are real stores.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it fails the test that uses it, and runs on threads that are no workers"
)]

mod client;
pub mod faulty;
mod folder;
mod gate;
mod h2;
mod message;
mod metrics;
mod origin;
mod pebble;
mod postgres_server;
mod program;
mod redis_server;
mod runtime;
mod stream;
mod tls;
mod wait;
mod wire;

pub use client::{Answer, Client, Sending};
pub use folder::{Finished, Folder};
pub use gate::Gate;
pub use h2::{Broken, Fault, Frame, Frames, H2Client, H2Sending, H2Stream, flag, kind};
pub use message::{Framing, Head, Headers};
pub use metrics::Metrics;
pub use origin::{H2Exchange, Origin, Peer, Request, Response, Transport};
pub use pebble::{Pebble, PebbleSetup, free_port, local_names, write_certificate};
pub use postgres_server::PostgresServer;
pub use program::{Program, Setup};
pub use redis_server::RedisServer;
pub use rustix::process::Signal;
pub use tls::{Authority, Identity, Leaf, Refused, TlsClient, TlsFacts, TlsServer};
pub use wait::{DEADLINE, eventually, eventually_within};
pub use wire::{Body, End};

#[cfg(test)]
mod tests;
