//! TLS: certificates and settings of listeners, and of connections to upstreams.

mod certificates;
mod client;
mod files;
mod server;
mod shared;

pub use certificates::{CertificateSource, FoundCertificate};
pub use shared::TlsShared;

pub(crate) use client::TlsClients;
pub(crate) use files::Files;
pub(crate) use server::Servers;

#[cfg(test)]
mod tests;
