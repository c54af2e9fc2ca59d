//! Who the client is, as far as the connection and trusted proxies tell.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use portunus_base::ListenerId;

/// The scheme that the client used.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Plain text.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// 80 or 443.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Facts about the client of one exchange.
///
/// `peer` is who is connected to us; `ip` is the client as picked from `X-Forwarded-For`, `Forwarded` or the PROXY
/// protocol, where the peer is in `trusted_proxies`. Both are unspecified (`0.0.0.0:0`) for a Unix socket.
#[derive(Clone, Copy, Debug)]
pub struct ClientFacts {
    /// The other end of the connection, after the PROXY protocol.
    pub peer: SocketAddr,
    /// Our end of the connection.
    pub local: SocketAddr,
    /// The client's address.
    pub ip: IpAddr,
    /// The client's port; 0 when it is not known.
    pub port: u16,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// The peer is in `trusted_proxies`: what it says of the client counts.
    pub trusted: bool,
    /// The listener that accepted the connection.
    pub listener: ListenerId,
}

impl ClientFacts {
    /// Facts of a direct connection.
    #[must_use]
    pub fn direct(peer: SocketAddr, local: SocketAddr, listener: ListenerId) -> Self {
        Self {
            peer,
            local,
            ip: peer.ip(),
            port: peer.port(),
            scheme: Scheme::Http,
            trusted: false,
            listener,
        }
    }
}

impl Default for ClientFacts {
    fn default() -> Self {
        let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self::direct(nobody, nobody, ListenerId(0))
    }
}
