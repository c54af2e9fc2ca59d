//! Asking the admin API of a running Portunus.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use portunus_config::spec::AdminAddressSpec;
use portunus_config::{Disk, ListenAddress};
use serde_json::Value;

use super::origin;
use crate::wire;

/// Where the admin API of the running Portunus is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Admin {
    /// The admin API's address; that of the configuration unless given.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// A file with the admin API's token, which changes of keys need unless it listens on a Unix socket; without it
    /// that of PORTUNUS_ADMIN_TOKEN, else that of the configuration.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Admin {
    /// Asks, and answers the status and the JSON of the reply.
    pub(super) fn ask(
        &self,
        config: Option<PathBuf>,
        method: &str,
        path: &str,
    ) -> anyhow::Result<(u16, Value)> {
        self.exchange(config, Request { method, path, body: None, token: None })
    }

    /// As [`Admin::ask`], with a body of JSON.
    pub(super) fn ask_with(
        &self,
        config: Option<PathBuf>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let body = Some(body.to_string());
        self.exchange(config, Request { method, path, body, token: None })
    }

    fn exchange(
        &self,
        config: Option<PathBuf>,
        request: Request<'_>,
    ) -> anyhow::Result<(u16, Value)> {
        let (place, token) = self.place(config)?;
        let request = Request { token: self.token()?.or(token), ..request };
        let reply = place.exchange(&request).with_context(|| {
            format!("no Portunus answers at {place}; is it running? (--admin names another place)")
        })?;
        parse(&reply)
    }

    /// Where it is, with the token that the configuration has for it.
    fn place(&self, config: Option<PathBuf>) -> anyhow::Result<(Place, Option<String>)> {
        match &self.admin {
            Some(address) => Ok((Place::parse(address)?, None)),
            None => Place::of_config(config),
        }
    }

    /// The token that is given.
    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else {
            return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty()));
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(text.trim_end().to_owned()))
    }
}

/// What is asked.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    /// JSON.
    body: Option<String>,
    /// What shows that the sender may do it.
    token: Option<String>,
}

/// Where to connect.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Place {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let full = match text.strip_prefix(':') {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        full.parse().map(Self::Tcp).map_err(|_| {
            anyhow::anyhow!("`{text}` is no address; write 127.0.0.1:8170 or unix:/path")
        })
    }

    /// The address in the configuration, and the token; the usual one when there is no configuration.
    fn of_config(config: Option<PathBuf>) -> anyhow::Result<(Self, Option<String>)> {
        let given = config.is_some();
        let path = match origin::file(config) {
            Err(_) if !given => return Ok((Self::parse(USUAL)?, None)),
            path => path?,
        };
        let loaded = portunus_config::load(&path, &Disk, &wire::env());
        let is_read = !loaded.diagnostics.has_errors_in("admin");
        let Some(spec) = loaded.spec.filter(|_| is_read) else {
            bail!(
                "{} cannot be read, so its admin address is unknown; give it with --admin",
                path.display()
            );
        };
        let token = spec.admin.token.as_ref().map(|token| token.expose().to_owned());
        let place = match &spec.admin.address.value {
            AdminAddressSpec::Off => bail!("{} turns the admin API off", path.display()),
            AdminAddressSpec::On(ListenAddress::Unix(path)) => Self::Unix(path.clone()),
            AdminAddressSpec::On(ListenAddress::Any(port)) => {
                Self::Tcp((Ipv4Addr::LOCALHOST, *port).into())
            }
            AdminAddressSpec::On(ListenAddress::Tcp(address)) => Self::Tcp(reachable(*address)),
        };
        Ok((place, token))
    }

    /// Sends a request and reads all that comes back.
    fn exchange(&self, request: &Request<'_>) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT_MAX)?;
                stream.set_read_timeout(Some(ANSWER_MAX))?;
                talk(stream, request, &address.to_string())
            }
            Self::Unix(at) => {
                let stream = UnixStream::connect(at)?;
                stream.set_read_timeout(Some(ANSWER_MAX))?;
                talk(stream, request, "localhost")
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One HTTP/1.0 exchange: the end of the connection is the end of the answer.
fn talk(
    mut stream: impl Read + Write,
    request: &Request<'_>,
    host: &str,
) -> std::io::Result<Vec<u8>> {
    let Request { method, path, body, token } = request;
    let length = match body {
        Some(body) => {
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
        }
        None if *method == "GET" => String::new(),
        None => "Content-Length: 0\r\n".to_owned(),
    };
    let body = body.as_deref().unwrap_or_default();
    let token = token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{token}{length}\r\n{body}")?;
    let mut reply = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut reply)?;
    Ok(reply)
}

fn parse(reply: &[u8]) -> anyhow::Result<(u16, Value)> {
    let reply = String::from_utf8_lossy(reply);
    let (head, body) = reply.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status: u16 = status.context("the answer has no status")?;
    match serde_json::from_str(body) {
        Ok(json) => Ok((status, json)),
        Err(_) => bail!("the admin API answered {status}: {}", body.trim()),
    }
}

/// A field of an answer; null when an older Portunus does not know it.
pub(super) fn field<'a>(answer: &'a Value, key: &str) -> &'a Value {
    answer.get(key).unwrap_or(&Value::Null)
}

/// An address to connect to for one that is listened on.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        address => address,
    }
}

const USUAL: &str = "127.0.0.1:8170";
/// The variable of the environment with the token.
const TOKEN: &str = "PORTUNUS_ADMIN_TOKEN";
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A reload of a large configuration with names to resolve takes its time.
const ANSWER_MAX: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests;
