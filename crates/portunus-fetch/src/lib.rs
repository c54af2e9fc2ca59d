//! Requests of our own over HTTP and HTTPS, off the data path: to certificate authorities, to the issuers of tokens.
//!
//! One request a connection, bounded in time and size. Never skips the verification of a certificate, and follows no
//! redirect.

mod fetcher;
mod tls;

pub use fetcher::{Fetch, FetchError, Fetched, Fetcher};
pub use tls::{client_config, roots};
