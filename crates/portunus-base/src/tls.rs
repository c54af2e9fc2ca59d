//! What a TLS handshake told, as plain data.

/// Facts of a TLS session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite, by its name in the registry: `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// The name that the client asked for (SNI), in lower case.
    pub server_name: Option<Box<str>>,
    /// The protocol that was agreed on (ALPN).
    pub alpn: Option<Box<[u8]>>,
    /// The session continues an earlier one.
    pub resumed: bool,
    /// The certificate of the client, verified.
    pub client: Option<ClientCertificate>,
}

/// A certificate that a client showed and that was verified.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientCertificate {
    /// The subject: `CN=robot,O=Example` (RFC 4514).
    pub subject: Box<str>,
    /// The issuer, in the same form.
    pub issuer: Box<str>,
    /// The serial number, in lower-case hex.
    pub serial: Box<str>,
    /// DNS names among the subject's other names.
    pub dns_names: Box<[Box<str>]>,
    /// URIs among them: SPIFFE ids for instance.
    pub uris: Box<[Box<str>]>,
    /// E-mail addresses among them.
    pub emails: Box<[Box<str>]>,
    /// SHA-256 over the certificate, in lower-case hex.
    pub fingerprint_sha256: Box<str>,
    /// The certificate itself, in DER.
    pub der: Box<[u8]>,
    /// When it ends, in seconds since the Unix epoch.
    pub not_after_s: i64,
}
