//! TLS of both sides. Types of rustls stay in here.
//!
//! A server side is a [`ServerTls`], immutable but for what it shares: the certificates ([`CertStore`]), which control
//! replaces as a whole, the keys of tickets ([`TicketKeys`]), and the answers to ACME ([`Challenges`]). An upstream's
//! side is a [`ClientTls`]. [`accept`] and [`connect`] put a layer over a socket; who reads and writes does not see it.

mod certificate;
mod challenge;
mod client;
mod crypto;
mod error;
mod facts;
mod gate;
mod handshake;
mod local_ca;
mod pem;
mod scratch;
mod server;
mod session;
mod store;
mod ticket;
mod verify;

pub use certificate::{CertFacts, Certificate, KeyKind, Names, load_pair};
pub use challenge::{ACME_ALPN, Challenges};
pub use client::{ClientOptions, ClientTls};
pub use error::{TlsConfigError, TlsError};
pub use facts::read_certificate;
pub use gate::HandshakeGate;
pub use handshake::{Accepted, accept, connect, connect_offering};
pub use local_ca::LocalCa;
pub use server::{ClientAuth, ClientAuthMode, MinVersion, ServerOptions, ServerTls};
pub use store::{CertStore, CertTable, host_matches};
pub use ticket::{TicketKeys, TicketSeeds};

#[cfg(test)]
mod tests;
