//! Addresses as users write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spec, read_parsed};

/// Where a listener accepts: `:80` on all addresses, `127.0.0.1:80`, `[::]:80`, `unix:/path`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListenAddress {
    /// All addresses of both families on this port.
    Any(u16),
    /// One address; port 0 takes any free one.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "write :80, 127.0.0.1:8080, [::1]:8080 or unix:/run/portunus.sock";
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(error) } else { Ok(Self::Unix(path.into())) };
        }
        if let Some(port) = text.strip_prefix(':') {
            return port_number(port).map(Self::Any).ok_or(error);
        }
        text.parse().map(Self::Tcp).map_err(|_| error)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(f, ":{port}"),
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A range of addresses: `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cidr(pub IpNet);

impl Cidr {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self).map_err(|_| "write a range or an address: 10.0.0.0/8, fd00::/8, 192.0.2.7")
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = self.0.prefix_len() == self.0.max_prefix_len();
        if single { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

/// An endpoint of an upstream: `http://host[:port]`, `https://host[:port]`, or `host:port` for bytes
/// without HTTP.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EndpointUrl {
    /// What it speaks.
    pub scheme: EndpointScheme,
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port; that of the scheme unless written.
    pub port: u16,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EndpointScheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// Bytes that nobody here reads: `host:port`, also as `tcp://` or `udp://`.
    Raw,
}

impl EndpointScheme {
    /// What stands before the host.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
            Self::Raw => "",
        }
    }

    /// The port of an endpoint that names none.
    #[must_use]
    pub const fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Raw => None,
        }
    }
}

impl EndpointUrl {
    /// Whether a text means a URL and not a name.
    pub(crate) fn looks_like(text: &str) -> bool {
        text.contains("://") || text.contains('/') || text.contains(':')
    }

    /// The host's address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port, and the port only where it is not that of the scheme (RFC 9110 section 4.2.3).
    #[must_use]
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match self.scheme.default_port() {
            Some(port) if port == self.port => host,
            _ => format!("{host}:{}", self.port),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (EndpointScheme::Http, rest),
            Some(("https", rest)) => (EndpointScheme::Https, rest),
            Some(("tcp" | "udp", rest)) => (EndpointScheme::Raw, rest),
            Some(_) => return Err(URL_HELP),
            None => (EndpointScheme::Raw, text),
        };
        let authority = match scheme {
            EndpointScheme::Raw => rest,
            _ => rest.strip_suffix('/').unwrap_or(rest),
        };
        if authority.contains(['/', '?', '#']) {
            return Err(match scheme {
                EndpointScheme::Raw => URL_HELP,
                _ => "leave out the path; a `rewrite` filter changes paths",
            });
        }
        if authority.contains('@') {
            return Err("leave out user and password; a `headers` filter can set Authorization");
        }
        let (host, port) = split_port(authority).ok_or(URL_HELP)?;
        let port = port.or_else(|| scheme.default_port()).ok_or(URL_HELP)?;
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}", self.scheme.prefix(), bracketed(&self.host), self.port)
    }
}

/// A host as it stands before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Host and port of an authority.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        let port = if port.is_empty() { None } else { Some(port_number(port.strip_prefix(':')?)?) };
        return Some((host, port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port_number(port)?)),
        None => (authority, None),
    };
    (port != Some(0) && host_name(host)).then_some((host, port))
}

/// Whether a text can be the name or IPv4 address of a host.
pub(crate) fn host_name(text: &str) -> bool {
    let label = |label: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(fine) && !label.starts_with('-')
    };
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.len() <= 253 && text.split('.').all(label) && (!digits || text.parse::<Ipv4Addr>().is_ok())
}

/// A port without sign or leading plus.
fn port_number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Scalars with a text form of their own.
macro_rules! textual {
    ($($ty:ident: $name:literal, $expected:literal, $examples:expr;)*) => {$(
        impl Spec for $ty {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                read_parsed(node, reader, $expected, Self::parse)
            }

            fn write(&self) -> Node {
                portunus_spec::Value::plain(&self.to_string()).into()
            }

            fn shape() -> Shape {
                Shape::Scalar(Scalar { name: $name, json: Json::String, pattern: None, examples: &$examples })
            }
        }
    )*};
}
pub(crate) use textual;

textual! {
    ListenAddress: "listen address", "an address to listen on",
        [":80", "127.0.0.1:8080", "[::1]:8080", "unix:/run/portunus.sock"];
    Cidr: "address range", "a range of addresses", ["10.0.0.0/8", "fd00::/8"];
    EndpointUrl: "endpoint URL", "the URL of an endpoint", ["http://10.0.0.1:8080", "https://orders.internal", "10.0.0.1:5432"];
}

const URL_HELP: &str = "write http://host:port, https://host:port, or host:port for TCP";
