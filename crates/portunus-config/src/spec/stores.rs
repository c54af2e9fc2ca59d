//! What several nodes share.

use std::time::Duration;

use portunus_spec::{Secret, Spanned, spec, spec_enum};

use super::PemSpec;

spec! {
    /// What several nodes share; without it every store is embedded.
    pub struct StoresSpec {
        /// Redis or Valkey.
        redis: Option<RedisSpec>,
        /// PostgreSQL.
        postgres: Option<PostgresSpec>,
        /// Where consumers and keys live that are made while Portunus runs; `embedded` is a file of
        /// the state folder.
        keys: Spanned<KeyStoreSpec> = Spanned::none(KeyStoreSpec::Embedded),
    }
}

spec! {
    /// A Redis or Valkey server.
    pub struct RedisSpec {
        short = url;
        /// Its URL: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS, or
        /// `redis+unix:///path`.
        url: Spanned<Secret>,
        /// How long one command may take.
        timeout: Duration = Duration::from_millis(100),
        /// A PEM file with the authorities that its certificate must come from; those of the system
        /// unless set.
        ca: Option<Spanned<PemSpec>>,
    }
}

spec! {
    /// A PostgreSQL server.
    pub struct PostgresSpec {
        short = url;
        /// Its URL: `postgres://user:password@host[:port]/database`; with `?sslmode=require` only over
        /// TLS, and with `?host=/folder` over a Unix socket.
        url: Spanned<Secret>,
        /// How long one query may take.
        timeout: Duration = Duration::from_secs(5),
        /// A PEM file with the authorities that its certificate must come from; those of the system
        /// unless set.
        ca: Option<Spanned<PemSpec>>,
    }
}

spec_enum! {
    /// Where consumers and keys live that are made while Portunus runs.
    pub enum KeyStoreSpec {
        /// In the state folder.
        Embedded = "embedded",
        /// In Redis.
        Redis = "redis",
        /// In PostgreSQL.
        Postgres = "postgres",
        /// Nowhere: only those of the configuration count.
        Off = "off",
    }
}
