//! TLS, on the side of clients and on the side of upstreams.

use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec, Value, spec, spec_enum};

spec! {
    /// TLS of listeners. What a listener does not say, it takes from the top level.
    pub struct TlsSpec {
        short = certificates;
        /// The certificates, or `self_signed` for trying out: a local CA then signs whatever name is
        /// asked for.
        certificates: Option<Spanned<CertificatesSpec>>,
        /// The lowest version that clients may speak; 1.2 unless set.
        min_version: Option<TlsVersionSpec>,
        /// Certificates of clients.
        client_auth: Option<Spanned<ClientAuthSpec>>,
        /// A file of ticket keys (48 or 80 bytes each) that several nodes share, the current one
        /// first; without it each process makes its own and changes them.
        ticket_keys: Option<Spanned<String>>,
        /// Whether a request is refused (421) when its host is not served by the certificate that
        /// the connection was made for; on unless set.
        host_must_fit_sni: Option<bool>,
        /// Whether upstreams are told a client's certificate in `Client-Cert` (RFC 9440); on unless set.
        client_cert_header: Option<bool>,
    }
}

impl TlsSpec {
    /// These settings, and those of `defaults` where these say nothing.
    #[must_use]
    pub fn over(&self, defaults: Option<&Self>) -> Self {
        let Some(defaults) = defaults else { return self.clone() };
        Self {
            certificates: self.certificates.clone().or_else(|| defaults.certificates.clone()),
            min_version: self.min_version.or(defaults.min_version),
            client_auth: self.client_auth.clone().or_else(|| defaults.client_auth.clone()),
            ticket_keys: self.ticket_keys.clone().or_else(|| defaults.ticket_keys.clone()),
            host_must_fit_sni: self.host_must_fit_sni.or(defaults.host_must_fit_sni),
            client_cert_header: self.client_cert_header.or(defaults.client_cert_header),
        }
    }
}

/// Which certificates a listener has.
#[derive(Clone, Debug)]
pub enum CertificatesSpec {
    /// A local CA makes them.
    SelfSigned,
    /// These.
    Listed(Vec<CertificateSpec>),
}

impl Spec for CertificatesSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Seq(_) | Value::Map(_) => Vec::read(node, reader).map(Self::Listed),
            Value::Text(text) if text == SELF_SIGNED => Some(Self::SelfSigned),
            _ => {
                let help = "write [{cert: a.pem, key: a.key}], or self_signed for trying out";
                match node.scalar() {
                    Some(text) => {
                        let message = format!("`{text}` is no list of certificates");
                        reader.error(node.span, message).help(help)
                    }
                    None => reader.wrong_kind(node, "certificates").help(help),
                };
                None
            }
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::SelfSigned => Node::text(SELF_SIGNED),
            Self::Listed(list) => list.write(),
        }
    }

    fn shape() -> Shape {
        let word = Scalar {
            name: "`self_signed`",
            json: Json::String,
            pattern: Some("^self_signed$"),
            examples: &[SELF_SIGNED],
        };
        Shape::OneOf(vec![Shape::Scalar(word), Shape::List(CertificateSpec::shape)])
    }
}

spec! {
    /// A certificate with its key.
    pub struct CertificateSpec {
        /// A PEM file with the certificate and those between it and its root, in this order.
        cert: Spanned<PemSpec>,
        /// A PEM file with the private key.
        key: Spanned<PemSpec>,
        /// A DER file with an OCSP answer that is sent along.
        ocsp: Option<Spanned<String>>,
    }
}

/// Where a certificate or a key stands: the path of a PEM file (also as `{file: path}`), or a
/// variable of the environment that holds the PEM (`{env: NAME}`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum PemSpec {
    /// In this file.
    File(String),
    /// In this variable of the environment.
    Env(String),
}

impl Spec for PemSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(path) = node.scalar() {
            return path_of(node, &path, reader).map(Self::File);
        }
        let entry = match node.entries() {
            Some([entry]) => Some((entry.key.value.as_str(), &entry.value)),
            _ => None,
        };
        match entry {
            Some(("file", node)) => {
                let path = String::read(node, reader)?;
                path_of(node, &path, reader).map(Self::File)
            }
            Some(("env", name)) => String::read(name, reader).map(Self::Env),
            _ => {
                let error = reader.wrong_kind(node, "a PEM file");
                error.help("write the path of a file, {file: path} or {env: NAME}");
                None
            }
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::File(path) => Node::text(path),
            Self::Env(name) => Node::map([("env", Node::text(name))]),
        }
    }

    fn shape() -> Shape {
        let path = Scalar {
            name: "PEM file",
            json: Json::String,
            pattern: None,
            examples: &["/etc/portunus/tls/shop.pem", "{env: SHOP_KEY}"],
        };
        Shape::OneOf(vec![Shape::Scalar(path), Shape::Map(String::shape)])
    }
}

/// The path of a PEM file; whoever wrote the PEM itself is told without showing it.
fn path_of(node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<String> {
    if !path.contains("-----BEGIN") {
        return Some(path.to_owned());
    }
    reader.hide(node.span);
    let error = reader.error(node.span, "this is a PEM itself, and not the path of its file");
    error.help("write the path of a file, or {env: NAME}");
    None
}

spec_enum! {
    /// A version of TLS.
    pub enum TlsVersionSpec {
        /// TLS 1.2.
        V12 = "1.2",
        /// TLS 1.3.
        V13 = "1.3",
    }
}

spec! {
    /// Certificates of clients (mTLS).
    pub struct ClientAuthSpec {
        short = ca;
        /// A PEM file with the authorities that clients' certificates must come from.
        ca: Option<Spanned<PemSpec>>,
        /// Whether a client must have one.
        mode: ClientAuthModeSpec = ClientAuthModeSpec::Require,
        /// PEM files with lists of revoked certificates.
        crl: Vec<Spanned<PemSpec>> = Vec::new(),
    }
}

spec_enum! {
    /// Whether clients show a certificate.
    pub enum ClientAuthModeSpec {
        /// They are not asked.
        Off = "off",
        /// They may; one that they show must be good.
        Optional = "optional",
        /// They must.
        Require = "require",
    }
}

spec! {
    /// Certificates of one host, beside those of the listeners.
    pub struct HostTlsSpec {
        short = certificates;
        /// The certificates.
        certificates: Vec<CertificateSpec> = Vec::new(),
    }
}

spec! {
    /// TLS to an upstream. It is on where endpoints are `https://`, and for discovered ones where this
    /// is written.
    pub struct UpstreamTlsSpec {
        /// A PEM file with the authorities that the upstream's certificate must come from; those of
        /// the system unless set.
        ca: Option<Spanned<PemSpec>>,
        /// The name that its certificate must have; the endpoint's host unless set.
        server_name: Option<Spanned<String>>,
        /// The certificate that we show.
        client: Option<ClientCertificateSpec>,
        /// Takes any certificate. Whoever stands between can then read and change everything.
        insecure_skip_verify: Spanned<bool> = Spanned::none(false),
        /// The lowest version that it may speak; 1.2 unless set.
        min_version: Option<TlsVersionSpec>,
    }
}

spec! {
    /// The certificate that we show to an upstream.
    pub struct ClientCertificateSpec {
        /// A PEM file with the certificate and those between it and its root, in this order.
        cert: Spanned<PemSpec>,
        /// A PEM file with the private key.
        key: Spanned<PemSpec>,
    }
}

/// The word for certificates of a local CA.
const SELF_SIGNED: &str = "self_signed";
