//! What a handshake told, taken out of the library's types.

use aws_lc_rs::digest::{SHA256, digest};
use portunus_base::{ClientCertificate, TlsFacts};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};
use x509_parser::asn1_rs::{Any, BmpString, Tag, ToDer as _};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

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
        subject: name_text(parsed.subject()).into(),
        issuer: name_text(parsed.issuer()).into(),
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

/// A name as text (RFC 4514): its last part first, as `openssl x509 -nameopt RFC2253` prints it. What a value holds is
/// escaped, so that no value looks like another part.
fn name_text(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|part| part.iter().map(attribute_text).collect::<Vec<_>>().join("+"))
        .collect();
    parts.reverse();
    parts.join(",")
}

/// Type and value. Types without a short name, and values that are no text, are written as their bytes (section 2.4).
fn attribute_text(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == oid);
    let value = attribute.attr_value();
    match (known, value_text(value)) {
        (Some((_, name)), Some(text)) => format!("{name}={}", escaped(&text)),
        (known, _) => {
            let name = known.map_or(oid.as_str(), |(_, name)| name);
            format!("{name}=#{}", hex(&value.to_der_vec().unwrap_or_default()))
        }
    }
}

/// The text of a value that is one. Old kinds of text may hold what is no UTF-8: they have none then.
fn value_text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::BmpString => BmpString::try_from(value).ok().map(|text| text.string()),
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::T61String
        | Tag::VisibleString => std::str::from_utf8(value.data).ok().map(str::to_owned),
        _ => None,
    }
}

/// Escapes what would end a value or look like something else (section 2.4), and control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, letter) in text.chars().enumerate() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', letter]),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '#' if at == 0 => out.push_str("\\#"),
            letter if letter.is_ascii_control() => {
                out.push('\\');
                out.push_str(&hex(&[letter as u8]));
            }
            letter => out.push(letter),
        }
    }
    out
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

/// Names of types (RFC 4514 section 3), and two that certificates often have.
const SHORT_NAMES: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("2.5.4.5", "serialNumber"),
];

#[cfg(test)]
mod tests;
