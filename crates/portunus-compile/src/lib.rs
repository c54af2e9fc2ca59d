//! A spec and the registries become a snapshot, or all diagnostics; and what follows from snapshots: their
//! difference, `explain`, and the tests of a configuration.
//!
//! Runs on control's side only, never on a worker: it may read files for filters and allocate as it likes. It binds
//! no socket, resolves no name and sends nothing. Given the previous result, it keeps what did not change: see
//! [`compile`].

mod acme;
mod chain;
mod change;
mod compile;
mod condition;
mod consumers;
pub mod explain;
mod filters;
mod health;
mod l4;
mod listener;
mod openapi;
mod place;
mod question;
mod readings;
mod route;
mod secure;
mod source;
mod sticky;
mod stores;
mod test_run;
mod tls;
mod upstream;

pub use acme::AcmeSource;
pub use change::{Change, Changed, difference};
pub use compile::{Compiled, Inputs, Registries, compile};
pub use consumers::{ConsumerSource, KnownConsumer};
pub use explain::{Explanation, explain};
pub use health::{BodyText, HealthAsk, HealthPlan, HttpAsk};
pub use listener::ListenerBinding;
pub use question::Question;
pub use source::Source;
pub use stores::{KeyStoreSource, PostgresSource};
pub use test_run::{TestFailure, TestOutcome, run_tests, test_diagnostics};
pub use tls::{CertificateSource, FoundCertificate, TlsShared};
pub use upstream::UpstreamSource;

#[cfg(test)]
mod tests;
