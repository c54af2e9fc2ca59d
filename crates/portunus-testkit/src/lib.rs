//! Clients, origins and faulty peers for whole-program tests.
//!
//! Everything here is plain blocking sockets and threads, and shares no code with the program that
//! it tests. Whatever does not happen within [`DEADLINE`] fails the test with what was awaited: a
//! test never waits for a while and hopes.
//!
//! - [`Program`] runs the `portunus` binary with a configuration; [`Folder`] runs its other commands.
//! - [`Client`] speaks HTTP/1 to it, byte for byte where needed, and reads answers strictly.
//! - [`Origin`] stands behind it; [`faulty`] has the peers that do not behave.
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
mod message;
mod metrics;
mod origin;
mod program;
mod stream;
mod wait;
mod wire;

pub use client::{Answer, Client, Sending};
pub use folder::{Finished, Folder};
pub use gate::Gate;
pub use message::{Framing, Head, Headers};
pub use metrics::Metrics;
pub use origin::{Origin, Peer, Request, Response};
pub use program::{Program, Setup};
pub use rustix::process::Signal;
pub use wait::{DEADLINE, eventually};
pub use wire::{Body, End};

#[cfg(test)]
mod tests;
