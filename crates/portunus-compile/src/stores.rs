//! The stores that several nodes share, and where keys live that are made at run time.

use std::sync::Arc;
use std::time::Duration;

use portunus_config::ConfigSpec;
use portunus_config::spec::{KeyStoreSpec, PemSpec};
use portunus_filter::{RedisPlan, Stores};
use portunus_spec::{Reader, Secret, Spanned};

use crate::tls::Files;

/// Where consumers and keys live that are made while Portunus runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum KeyStoreSource {
    /// Nowhere.
    Off,
    /// In the state folder.
    #[default]
    Embedded,
    /// In Redis.
    Redis(Arc<RedisPlan>),
    /// In PostgreSQL.
    Postgres(PostgresSource),
}

/// How PostgreSQL is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostgresSource {
    /// `postgres://`, with user and perhaps a password.
    pub url: Secret,
    /// The authorities that its certificate must come from, in PEM; those of the system without it.
    pub ca_pem: Option<Box<str>>,
    /// Bound on one query.
    pub timeout: Duration,
}

/// Reads what several nodes share, as far as filters use it.
pub(crate) fn shared(config: &ConfigSpec, files: &Files<'_>, reader: &mut Reader<'_>) -> Stores {
    let redis = config.stores.redis.as_ref().map(|spec| {
        let ca_pem = authorities(spec.ca.as_ref(), files, reader);
        Arc::new(RedisPlan { url: spec.url.value.clone(), ca_pem, timeout: spec.timeout })
    });
    Stores { redis }
}

/// Reads where keys live. A store that is not described was reported by the loader.
pub(crate) fn keys(
    config: &ConfigSpec,
    shared: &Stores,
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> KeyStoreSource {
    match config.stores.keys.value {
        KeyStoreSpec::Off => KeyStoreSource::Off,
        KeyStoreSpec::Embedded => KeyStoreSource::Embedded,
        KeyStoreSpec::Redis => {
            shared.redis.clone().map_or(KeyStoreSource::Off, KeyStoreSource::Redis)
        }
        KeyStoreSpec::Postgres => match &config.stores.postgres {
            None => KeyStoreSource::Off,
            Some(spec) => {
                let ca_pem = authorities(spec.ca.as_ref(), files, reader);
                let (url, timeout) = (spec.url.value.clone(), spec.timeout);
                KeyStoreSource::Postgres(PostgresSource { url, ca_pem, timeout })
            }
        },
    }
}

/// The authorities of a file; a mistake is reported at its place.
fn authorities(
    path: Option<&Spanned<PemSpec>>,
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> Option<Box<str>> {
    let path = path?;
    let pem = String::from_utf8_lossy(&files.pem(path, reader)?).into_owned();
    if !pem.contains(CERTIFICATE) {
        reader.error(path.span, "no certificate in PEM");
        return None;
    }
    Some(pem.into())
}

/// How certificates in PEM begin.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests;
