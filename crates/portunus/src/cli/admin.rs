//! Asking the admin API of a running Portunus.

mod own_token;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use portunus_config::spec::AdminAddressSpec;
use portunus_config::{AdminPlace, Disk, ListenAddress};
use portunus_http::{is_unreserved, percent_encode_into};
use serde_json::Value;

use self::own_token::OwnToken;
use super::origin;
use crate::wire;

/// Where the admin API of the running Portunus is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Admin {
    /// The admin API's address; that of the configuration unless given.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// A file with the admin API's token, which changes need unless it listens on a Unix socket; without it
    /// that of PORTUNUS_ADMIN_TOKEN, else that of the configuration, else that which the running Portunus has put into its state folder.
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
        let (place, configured) = self.place(config)?;
        let token = match self.token()? {
            None if request.method == "GET" || matches!(place, Place::Unix(_)) => {
                configured.ok().flatten()
            }
            None => configured?,
            token => token,
        };
        let own = match place {
            Place::Tcp(at) if token.is_none() && request.method != "GET" => OwnToken::find(at),
            _ => None,
        };
        let token = token.or_else(|| own.as_ref()?.token());
        let request = Request { token, ..request };
        let reply = place.exchange(&request).with_context(|| {
            format!("no Portunus answers at {place}; is it running? (--admin names another place)")
        })?;
        match (parse(&reply)?, own) {
            ((401 | 403, answer), Some(own)) => bail!("{}\n{own}", refusal(&answer)),
            (answer, _) => Ok(answer),
        }
    }

    /// Where it is, with the token that the configuration has for it, or why that cannot be read.
    fn place(&self, config: Option<PathBuf>) -> anyhow::Result<(Place, ConfiguredToken)> {
        match &self.admin {
            Some(address) => Ok((Place::parse(address)?, Ok(None))),
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

/// The token of a configuration, or why it cannot be read.
type ConfiguredToken = anyhow::Result<Option<String>>;

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
    fn of_config(config: Option<PathBuf>) -> anyhow::Result<(Self, ConfiguredToken)> {
        let given = config.is_some();
        let path = match origin::file(config) {
            Err(_) if !given => return Ok((Self::parse(USUAL)?, Ok(None))),
            path => path?,
        };
        let Some(AdminPlace { address, token }) = AdminPlace::find(&path, &Disk, &wire::env())
        else {
            bail!(
                "{} cannot be read, so its admin address is unknown; give it with --admin",
                path.display()
            );
        };
        let token = token.map(|token| token.map(|token| token.expose().to_owned()));
        let token = token.map_err(|why| {
            let path = path.display();
            anyhow::anyhow!(
                "the admin token of {path} cannot be read here: {why} (or give --token-file)"
            )
        });
        let place = match address {
            AdminAddressSpec::Off => bail!("{} turns the admin API off", path.display()),
            AdminAddressSpec::On(ListenAddress::Unix(path)) => Self::Unix(path),
            AdminAddressSpec::On(ListenAddress::Any(port)) => {
                Self::Tcp((Ipv4Addr::LOCALHOST, port).into())
            }
            AdminAddressSpec::On(ListenAddress::Tcp(address)) => Self::Tcp(reachable(address)),
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

/// The answer of the admin API, unless it refuses.
pub(super) fn accepted((status, answer): (u16, Value)) -> anyhow::Result<Value> {
    match status {
        200..=299 => Ok(answer),
        _ => bail!("{}", refusal(&answer)),
    }
}

/// Why it refuses.
fn refusal(answer: &Value) -> &str {
    field(answer, "error").as_str().unwrap_or("the admin API refuses")
}

/// An id or a name as a part of a path (RFC 3986 section 2).
pub(super) fn encoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    percent_encode_into(text.as_bytes(), is_unreserved, &mut out);
    // It is ASCII.
    String::from_utf8(out).unwrap_or_default()
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
