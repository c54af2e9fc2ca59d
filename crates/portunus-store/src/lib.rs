//! Where consumers and keys live that are made while Portunus runs, and the quotas that were used.
//!
//! A [`CredentialStore`] keeps rows: in a file of the state folder ([`Embedded`]), in PostgreSQL ([`Postgres`]) or in
//! Redis ([`Redis`]), where several nodes share them. A write is kept once it is answered, as far as a server is set up
//! to keep it. What rows mean is in
//! [`Records`]. Everything here runs on control's side, never on a worker; a store that is down is an error that says
//! why, and never shows a secret.

mod embedded;
mod error;
mod key;
mod open;
mod password;
mod postgres;
mod quotas;
mod record;
mod redis;
mod store;

pub use embedded::Embedded;
pub use error::StoreError;
pub use key::KeyText;
pub use password::password_hash;
pub use postgres::{Postgres, PostgresPlan};
pub use quotas::EmbeddedQuotas;
pub use record::{Record, Records, StoredConsumer, StoredKey};
pub use redis::{Redis, RedisStorePlan};
pub use store::{CredentialStore, Row, RowKind, StoreFuture};

#[cfg(test)]
mod tests;
