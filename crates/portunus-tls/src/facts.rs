//! What a handshake told, taken out of the library's types.

use aws_lc_rs::digest::{SHA256, digest};
use portunus_base::{ClientCertificate, TlsFacts};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The facts of a session; the peer's certificate is the client's where we are the server.
pub(crate) fn facts(common: &CommonState, name: Option<Box<str>>, is_server: bool) -> TlsFacts {
    let chain = common.peer_certificates().filter(|_| is_server);
    TlsFacts {
        version: match common.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2",
        },
        cipher: common.negotiated_cipher_suite().map_or("", |suite| cipher(suite.suite())),
        server_name: name,
        alpn: common.alpn_protocol().map(Box::from),
        resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
        client: chain.and_then(|chain| chain.first()).map(|der| client(der)),
    }
}

fn cipher(suite: rustls::CipherSuite) -> &'static str {
    use rustls::CipherSuite as Suite;
    match suite {
        Suite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        Suite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        Suite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// What a verified certificate says. One that cannot be read in full still has its fingerprint.
fn client(der: &[u8]) -> ClientCertificate {
    read_certificate(der).unwrap_or_else(|| of_bytes(der))
}

/// Reads a certificate in DER, without judging it; None for anything else, and for bytes after it.
#[must_use]
pub fn read_certificate(der: &[u8]) -> Option<ClientCertificate> {
    let (_, parsed) = X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty())?;
    let mut named = Names::default();
    for extension in parsed.extensions() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() {
            names.general_names.iter().for_each(|name| named.add(name));
        }
    }
    Some(ClientCertificate {
        subject: parsed.subject().to_string().into(),
        issuer: parsed.issuer().to_string().into(),
        serial: hex(parsed.raw_serial()).into(),
        dns_names: named.dns.into(),
        uris: named.uris.into(),
        emails: named.emails.into(),
        not_after_s: parsed.validity().not_after.timestamp(),
        ..of_bytes(der)
    })
}

fn of_bytes(der: &[u8]) -> ClientCertificate {
    let fingerprint = hex(digest(&SHA256, der).as_ref());
    ClientCertificate {
        fingerprint_sha256: fingerprint.into(),
        der: der.into(),
        ..ClientCertificate::default()
    }
}

#[derive(Default)]
struct Names {
    dns: Vec<Box<str>>,
    uris: Vec<Box<str>>,
    emails: Vec<Box<str>>,
}

impl Names {
    fn add(&mut self, name: &GeneralName<'_>) {
        match *name {
            GeneralName::DNSName(dns) => self.dns.push(dns.into()),
            GeneralName::URI(uri) => self.uris.push(uri.into()),
            GeneralName::RFC822Name(email) => self.emails.push(email.into()),
            _ => {}
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.map(char::from).collect()
}
