//! Where connections are accepted.

use std::time::Duration;

use portunus_base::ByteSize;
use portunus_spec::{Spanned, spec, spec_enum};

use super::NotYet;
use crate::ListenAddress;

spec! {
    /// Where connections are accepted.
    pub struct ListenerSpec {
        short = address;
        /// `:80` for all addresses, `127.0.0.1:8080`, `[::]:80` or `unix:/path`.
        address: Spanned<ListenAddress>,
        /// Whether connections start with a PROXY protocol head.
        proxy_protocol: Spanned<ProxyProtocolSpec> = Spanned::none(ProxyProtocolSpec::Off),
        /// Protocols that clients may speak.
        protocols: Vec<Spanned<ProtocolSpec>> = vec![Spanned::none(ProtocolSpec::H1)],
        /// How long it waits for clients.
        timeouts: ListenerTimeoutsSpec,
        /// What a client may send before it is refused.
        limits: ListenerLimitsSpec,
        /// TLS.
        tls: NotYet,
        /// Bytes without HTTP.
        tcp: NotYet,
        /// TLS routed by name, without ending it.
        sni: NotYet,
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
    }
}
