//! Where connections are accepted.

use std::time::Duration;

use portunus_base::{ByteRate, ByteSize};
use portunus_spec::{Named, Spanned, spec, spec_enum};

use super::{TcpSpec, TlsSpec, ToSpec, UdpSpec};
use crate::ListenAddress;

spec! {
    /// Where connections are accepted.
    pub struct ListenerSpec {
        short = address;
        /// `:80` for all addresses, `127.0.0.1:8080`, `[::]:80` or `unix:/path`.
        address: Spanned<ListenAddress>,
        /// Whether connections start with a PROXY protocol head.
        proxy_protocol: Spanned<ProxyProtocolSpec> = Spanned::none(ProxyProtocolSpec::Off),
        /// Protocols that clients may speak. HTTP/2 is agreed on within TLS, and without TLS by prior
        /// knowledge. Beside `tcp`: those that are served, while all else is passed on.
        protocols: Spanned<Vec<Spanned<ProtocolSpec>>> = ProtocolSpec::default_list(),
        /// How long it waits for clients.
        timeouts: ListenerTimeoutsSpec,
        /// What a client may send before it is refused.
        limits: ListenerLimitsSpec,
        /// TLS: `{}` with the settings of the top level, `self_signed` for trying out.
        tls: Option<Spanned<TlsSpec>>,
        /// TCP that is passed on without reading it, instead of HTTP.
        tcp: Option<Spanned<TcpSpec>>,
        /// TLS that is passed on without ending it, by the name that the client asks for:
        /// `shop.example.com`, `*.example.com`, or `*` for all others. Other connections are served
        /// as if this was not there.
        sni: Named<Spanned<ToSpec>> = Named::default(),
        /// UDP that is passed on, instead of HTTP.
        udp: Option<Spanned<UdpSpec>>,
    }
}

spec_enum! {
    /// Whether connections start with a PROXY protocol head.
    pub enum ProxyProtocolSpec {
        /// They never do.
        Off = "off",
        /// They may, from a trusted peer.
        Optional = "optional",
        /// They must, and the peer must be trusted.
        Required = "required",
    }
}

spec_enum! {
    /// A protocol that clients speak.
    pub enum ProtocolSpec {
        /// HTTP/1.1 and HTTP/1.0.
        H1 = "h1",
        /// HTTP/2.
        H2 = "h2",
        /// HTTP/3.
        H3 = "h3",
    }
}

impl ProtocolSpec {
    fn default_list() -> Spanned<Vec<Spanned<Self>>> {
        Spanned::none(vec![Spanned::none(Self::H1), Spanned::none(Self::H2)])
    }
}

impl ListenerSpec {
    /// Whether it serves HTTP: where it passes on TCP, only if protocols are written beside that.
    #[must_use]
    pub fn serves_http(&self) -> bool {
        self.udp.is_none() && (self.tcp.is_none() || !self.protocols.span.is_none())
    }

    /// Whether it serves HTTP over TLS.
    #[must_use]
    pub fn serves_https(&self) -> bool {
        self.serves_http() && self.tls.is_some()
    }
}

spec! {
    /// How long a listener waits for clients.
    pub struct ListenerTimeoutsSpec {
        /// From the first byte of a request to the end of its head.
        header_read: Duration = Duration::from_secs(10),
        /// Between two pieces of a request's body.
        request_idle: Duration = Duration::from_secs(60),
        /// Between two requests of a connection.
        keep_alive: Duration = Duration::from_secs(75),
        /// How long a connection that we close may still send.
        linger: Duration = Duration::from_secs(2),
    }
}

spec! {
    /// What a client may send before it is refused.
    pub struct ListenerLimitsSpec {
        /// Longest request line; beyond it, 414.
        line_max: ByteSize = ByteSize(16 << 10),
        /// Most header fields; beyond it, 431.
        headers_max: u32 = 100,
        /// Largest head; beyond it, 431.
        header_bytes_max: ByteSize = ByteSize(64 << 10),
        /// Most connections at once; none without it.
        connections_max: Option<u32>,
        /// Most requests under way; none without it. More are answered with 503.
        requests_max: Option<u32>,
        /// How fast a client sends the body of its request at least, over `timeouts.request_idle`. Time in which
        /// nobody asks for more does not count. `0B/s` is no bound.
        upload_rate_min: ByteRate = ByteRate(240),
        /// How fast a client takes its answer at least, over `timeouts.request_idle`. Time in which there is nothing
        /// to send does not count. `0B/s` is no bound.
        download_rate_min: ByteRate = ByteRate(240),
        /// HTTP/2.
        h2: H2LimitsSpec,
    }
}

spec! {
    /// What a client may do on one HTTP/2 connection.
    pub struct H2LimitsSpec {
        /// Most requests at once.
        streams_max: Spanned<u32> = Spanned::none(100),
    }
}
