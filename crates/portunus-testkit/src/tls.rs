//! TLS at both ends: throw-away certificates, a client that says what was agreed, and origins.

mod authority;
mod client;
mod server;
mod stream;
mod verifier;

use rustls::{CommonState, HandshakeKind, ProtocolVersion};

pub use authority::{Authority, Identity, Leaf};
pub use client::{Refused, TlsClient};
pub use server::TlsServer;
pub(crate) use stream::Secure;

/// What two sides agreed on, as one of them saw it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: String,
    /// The cipher suite, as the standard names it.
    pub cipher: String,
    /// The group of the key exchange.
    pub group: String,
    /// The protocol of ALPN.
    pub alpn: Option<String>,
    /// Whether an earlier session went on.
    pub is_resumed: bool,
    /// The other side's certificates in DER, its own first.
    pub certificates: Vec<Vec<u8>>,
    /// The name that the client asked for. Only a server sees it.
    pub server_name: Option<String>,
}

impl TlsFacts {
    pub(crate) fn of(state: &CommonState, server_name: Option<&str>) -> Self {
        let version = match state.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            Some(ProtocolVersion::TLSv1_3) => "1.3",
            other => panic!("no version that we know: {other:?}"),
        };
        let alpn = state.alpn_protocol();
        let cipher = state.negotiated_cipher_suite().map(|suite| suite.suite());
        let group = state.negotiated_key_exchange_group().map(|group| group.name());
        let certificates = state.peer_certificates().unwrap_or_default();
        Self {
            version: version.to_owned(),
            cipher: cipher.map(|cipher| format!("{cipher:?}")).unwrap_or_default(),
            group: group.map(|group| format!("{group:?}")).unwrap_or_default(),
            alpn: alpn.map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            is_resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            certificates: certificates.iter().map(|der| der.to_vec()).collect(),
            server_name: server_name.map(str::to_owned),
        }
    }

    /// The other side's own certificate.
    #[must_use]
    #[track_caller]
    pub fn certificate(&self) -> &[u8] {
        self.certificates.first().expect("the other side showed a certificate")
    }
}
