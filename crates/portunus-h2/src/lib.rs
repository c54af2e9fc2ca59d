//! HTTP/2 on both sides (RFC 9113, RFC 8441): the `h2` crate behind our own types.
//!
//! No type of `h2` or `http` leaves this crate. It starts no task and no timer: connections are futures that the
//! caller drives, and bounds. Bytes pass a [`wire`] of ours, which gathers the frames of all streams into one write,
//! and counts the frames that cost a peer nothing and us something.

mod body;
mod client;
mod error;
mod fault;
mod fields;
mod flood;
mod request;
mod response;
mod server;
mod wire;

pub use body::{Incoming, Outgoing};
pub use client::{Client, ClientOptions, ClientStream, Driver, Open, PendingAnswer, connect};
pub use error::{ErrorCode, H2Error, H2ErrorKind};
pub use fault::H2Fault;
pub use flood::{Allowance, FloodKind, FloodLimits};
pub use request::{OutgoingHead, is_sendable};
pub use server::{Answer, Request, Server, ServerOptions};
pub use wire::Flow;
