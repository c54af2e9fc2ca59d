//! Where Redis is, and how long to wait for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portunus_fetch::roots;
use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::stream::Destination;

/// Where Redis is, and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host[:port][/db]`, `rediss://…` with TLS, or
    /// `unix:///path/to/socket[?db=1&user=…&pass=…]`. Also with `valkey` for `redis`. Never shown.
    pub url: String,
    /// Bound on each ask, from a request's point of view.
    pub timeout: Duration,
    /// Bound on making a connection and asking for the first time.
    pub connect_timeout: Duration,
    /// Failures in a row after which nothing is asked until Redis answers a try in the background.
    pub failures_max: u32,
    /// The longest time between two tries.
    pub retry_every_max: Duration,
    /// Asks of a worker under way at once; more fail at once.
    pub asks_max: usize,
    /// The authorities to trust in PEM, instead of the system's. For `rediss`.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificate chain and key in PEM, for a Redis that asks for one. For `rediss`.
    pub client_pem: Option<(Vec<u8>, Vec<u8>)>,
}

/// Why options make no sense. Says nothing of passwords.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedisOptionsError(String);

/// Options, read and ready to be used by workers.
pub(crate) struct Plan {
    pub(crate) destination: Destination,
    /// User, password and database.
    pub(crate) login: RedisConnectionInfo,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) failures_max: u32,
    pub(crate) retry_every_max: Duration,
    pub(crate) asks_max: usize,
}

impl RedisOptions {
    /// The usual options for `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            timeout: Duration::from_millis(100),
            connect_timeout: Duration::from_secs(1),
            failures_max: 5,
            retry_every_max: Duration::from_secs(3),
            asks_max: 4096,
            ca_pem: None,
            client_pem: None,
        }
    }

    /// Reads the URL and the certificates: not for a worker, for it reads the system's certificates from disk.
    pub(crate) fn plan(&self) -> Result<Plan, RedisOptionsError> {
        let (scheme, rest) = self.url.split_once("://").ok_or_else(|| wrong(URL_FORM))?;
        let (plain, is_tls) = match scheme {
            "redis" | "valkey" => ("redis", false),
            "rediss" | "valkeys" => ("redis", true),
            "unix" | "redis+unix" | "valkey+unix" => ("unix", false),
            _ => return Err(wrong(URL_FORM)),
        };
        if rest.contains('#') {
            return Err(wrong(
                "a URL of Redis has no part after `#`: certificates are always checked",
            ));
        }
        let plain = format!("{plain}://{rest}");
        // What redis says of a wrong URL may repeat it.
        let info = plain.into_connection_info().map_err(|_| wrong(URL_FORM))?;
        let destination = match (info.addr(), is_tls) {
            (ConnectionAddr::Unix(path), _) => Destination::Unix(path.clone()),
            (ConnectionAddr::Tcp(host, port), false) => Destination::Tcp(host.clone(), *port),
            (ConnectionAddr::Tcp(host, port), true) => self.tls(host, *port)?,
            _ => return Err(wrong(URL_FORM)),
        };
        Ok(Plan {
            destination,
            login: info.redis_settings().clone().set_skip_set_lib_name(),
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            failures_max: self.failures_max.max(1),
            retry_every_max: self.retry_every_max,
            asks_max: self.asks_max.max(1),
        })
    }

    fn tls(&self, host: &str, port: u16) -> Result<Destination, RedisOptionsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong("no host for TLS"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let roots = roots(self.ca_pem.as_deref()).map_err(|error| wrong(&error))?;
        let builder = versions.map_err(|error| wrong(&error))?.with_root_certificates(roots);
        let config = match &self.client_pem {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong(&error))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| wrong(&error))?
            }
        };
        Ok(Destination::Tls { host: host.to_owned(), port, name, config: Arc::new(config) })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RedisOptionsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong("there is no certificate in the PEM text")),
        Err(error) => Err(wrong(&error)),
    }
}

fn wrong(what: &(impl fmt::Display + ?Sized)) -> RedisOptionsError {
    RedisOptionsError(what.to_string())
}

impl fmt::Display for RedisOptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RedisOptionsError {}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisOptions(timeout {:?})", self.timeout)
    }
}

const URL_FORM: &str =
    "write redis://host:port/db, rediss://host:port/db or unix:///path/to/socket";

#[cfg(test)]
mod tests;
