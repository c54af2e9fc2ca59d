//! A TLS client that says what was agreed, and why nothing was.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use super::verifier::Verifier;
use super::{Authority, Identity, Secure};
use crate::runtime::runtime;
use crate::stream::Stream;
use crate::wait::Watched;
use crate::{Client, H2Client};

/// How to connect. All connections of one share its sessions, so that they can be resumed.
#[derive(Clone, Debug)]
pub struct TlsClient {
    roots: Arc<RootCertStore>,
    version: Option<&'static SupportedProtocolVersion>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    has_no_name: bool,
    is_rsa: Option<bool>,
    staple: Arc<Watched<Vec<u8>>>,
    config: Arc<ClientConfig>,
}

/// Why a handshake failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// The other side's alert, by its name in the standard: `UnknownCA`, `HandshakeFailure` …
    Alert(String),
    /// The other side closed.
    Closed,
    /// The certificate that came did not please, or anything else on our side.
    Ours(String),
}

impl TlsClient {
    /// Trusts this authority alone; speaks no ALPN, and TLS 1.3 or 1.2.
    #[must_use]
    pub fn trusting(authority: &Authority) -> Self {
        Self::trusting_der(authority.der())
    }

    /// Trusts the authority with this certificate in PEM alone.
    #[must_use]
    pub fn trusting_pem(pem: &str) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let der = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes());
        Self::trusting_der(der.expect("a certificate in PEM"))
    }

    fn trusting_der(der: rustls::pki_types::CertificateDer<'static>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(der).expect("an authority's certificate");
        let roots = Arc::new(roots);
        let staple = Arc::default();
        let config = config(verifier(&roots, None, &staple), None, None);
        let (version, identity, is_rsa) = (None, None, None);
        let (alpn, has_no_name) = (Vec::new(), false);
        Self { roots, version, identity, alpn, has_no_name, is_rsa, staple, config }
    }

    /// Speaks this version alone: `1.2` or `1.3`.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(match version {
            "1.2" => &rustls::version::TLS12,
            "1.3" => &rustls::version::TLS13,
            other => panic!("TLS {other} is not spoken here"),
        });
        self.rebuilt()
    }

    /// Offers these protocols by ALPN.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        self.rebuilt()
    }

    /// Shows a certificate when it is asked for one.
    #[must_use]
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self.rebuilt()
    }

    /// Knows RSA signatures alone.
    #[must_use]
    pub fn only_rsa(mut self) -> Self {
        self.is_rsa = Some(true);
        self.rebuilt()
    }

    /// Knows signatures by elliptic curves alone.
    #[must_use]
    pub fn only_ecdsa(mut self) -> Self {
        self.is_rsa = Some(false);
        self.rebuilt()
    }

    /// Sends no name (SNI).
    #[must_use]
    pub fn without_name(mut self) -> Self {
        self.has_no_name = true;
        self.rebuilt()
    }

    /// The OCSP answer that came with the certificate of the latest handshake that was no
    /// resumption.
    #[must_use]
    pub fn staple(&self) -> Vec<u8> {
        self.staple.look(Clone::clone)
    }

    /// A client with its own sessions: it resumes none of the others'.
    #[must_use]
    pub fn fresh(&self) -> Self {
        self.clone().rebuilt()
    }

    fn rebuilt(mut self) -> Self {
        let verifier = verifier(&self.roots, self.is_rsa, &self.staple);
        let mut config = config(verifier, self.version, self.identity.as_ref());
        let changed = Arc::get_mut(&mut config).expect("nobody else has it yet");
        changed.alpn_protocols.clone_from(&self.alpn);
        changed.enable_sni = !self.has_no_name;
        self.config = config;
        self
    }

    /// A connection for HTTP/1, to this address and for this name.
    #[must_use]
    #[track_caller]
    pub fn h1(&self, address: &str, name: &str) -> Client {
        let client = self.try_h1(address, name);
        client.unwrap_or_else(|refused| panic!("no TLS with {name}: {refused:?}"))
    }

    /// A connection for HTTP/1, if the handshake succeeds.
    ///
    /// With TLS 1.3 the server may still refuse the client's certificate afterwards.
    ///
    /// # Errors
    /// Why the handshake failed.
    pub fn try_h1(&self, address: &str, name: &str) -> Result<Client, Refused> {
        let secure = self.secure(address, name)?;
        Ok(Client::over(Stream::Tls(Box::new(secure))).for_host(name))
    }

    /// A TLS connection over one that is open already: behind a PROXY header, for instance.
    ///
    /// # Errors
    /// Why the handshake failed.
    pub fn try_h1_over(&self, stream: TcpStream, name: &str) -> Result<Client, Refused> {
        let secure = self.secure_over(stream, name)?;
        Ok(Client::over(Stream::Tls(Box::new(secure))).for_host(name))
    }

    /// A connection for HTTP/2, to this address and for this name. It offers `h2` alone unless
    /// [`TlsClient::alpn`] says more.
    #[must_use]
    #[track_caller]
    pub fn h2(&self, address: &str, name: &str) -> H2Client {
        let offering = match self.alpn.is_empty() {
            true => &self.clone().alpn(&["h2"]),
            false => self,
        };
        let secure = offering.secure(address, name);
        let secure = secure.unwrap_or_else(|refused| panic!("no TLS with {name}: {refused:?}"));
        H2Client::over_tls(secure, name)
    }

    pub(crate) fn secure(&self, address: &str, name: &str) -> Result<Secure, Refused> {
        let stream = TcpStream::connect(address);
        let stream = stream.map_err(|error| Refused::Ours(format!("{address}: {error}")))?;
        self.secure_over(stream, name)
    }

    fn secure_over(&self, stream: TcpStream, name: &str) -> Result<Secure, Refused> {
        let name = ServerName::try_from(name.to_owned()).expect("a server's name");
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let shaking = async {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let stream = tokio::net::TcpStream::from_std(stream)?;
            connector.connect(name, stream).await
        };
        let limited = async { tokio::time::timeout(crate::DEADLINE, shaking).await };
        let result = runtime().block_on(limited).expect("a handshake in time");
        result.map(|stream| Secure::new(stream.into())).map_err(|error| Refused::from(&error))
    }

    /// Sends these bytes in one piece with the end of the handshake, and gives all that comes back
    /// until the program closes.
    #[must_use]
    #[track_caller]
    pub fn hurried(&self, address: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
        use std::io::{Read as _, Write as _};
        let server = ServerName::try_from(name.to_owned()).expect("a server's name");
        let session = rustls::ClientConnection::new(Arc::clone(&self.config), server);
        let mut session = session.expect("settings for a session");
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket.set_read_timeout(Some(crate::DEADLINE)).expect("a socket takes a timeout");
        while session.is_handshaking() {
            while session.wants_write() {
                session.write_tls(&mut socket).expect("the hello is sent");
            }
            session.read_tls(&mut socket).expect("the handshake goes on");
            session.process_new_packets().expect("a handshake");
        }
        session.writer().write_all(bytes).expect("room for a request");
        let mut last = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut last).expect("memory takes it");
        }
        socket.write_all(&last).expect("the end of the handshake is sent");
        let mut answer = Vec::new();
        let mut stream = rustls::Stream::new(&mut session, &mut socket);
        stream.read_to_end(&mut answer).expect("an answer and the end");
        answer
    }

    /// Many connections at once, each with a full handshake and one request for `/`. Gives the
    /// statuses, and 0 where there was none.
    #[must_use]
    pub fn storm(&self, address: &str, name: &str, count: usize) -> Vec<u16> {
        raise_files_max();
        let task = |_| {
            let (client, address, name) = (self.fresh(), address.to_owned(), name.to_owned());
            runtime().spawn(async move { client.one(&address, &name).await.unwrap_or_default() })
        };
        let tasks: Vec<_> = (0..count).map(task).collect();
        runtime().block_on(async {
            let mut statuses = Vec::new();
            for task in tasks {
                statuses.push(task.await.expect("a task of the storm"));
            }
            statuses
        })
    }

    async fn one(&self, address: &str, name: &str) -> io::Result<u16> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let stream = tokio::net::TcpStream::connect(address).await?;
        let server = ServerName::try_from(name.to_owned()).expect("a server's name");
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let mut stream = connector.connect(server, stream).await?;
        let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await?;
        let status = line.get(9..).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(status.and_then(|digits| digits.parse().ok()).unwrap_or_default())
    }
}

impl From<&io::Error> for Refused {
    fn from(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(format!("{alert:?}")),
            Some(other) => Self::Ours(other.to_string()),
            None if is_end(error.kind()) => Self::Closed,
            None => Self::Ours(error.to_string()),
        }
    }
}

fn is_end(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn verifier(
    roots: &Arc<RootCertStore>,
    is_rsa: Option<bool>,
    staple: &Arc<Watched<Vec<u8>>>,
) -> Verifier {
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider());
    let inner = inner.build().expect("a verifier");
    Verifier { inner, is_rsa, staple: Arc::clone(staple) }
}

fn config(
    verifier: Verifier,
    version: Option<&'static SupportedProtocolVersion>,
    identity: Option<&Identity>,
) -> Arc<ClientConfig> {
    let versions: Vec<_> = version.map_or_else(|| ALL_VERSIONS.to_vec(), |version| vec![version]);
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&versions).expect("versions");
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let pair = builder.with_client_auth_cert(identity.chain(), identity.key());
            pair.expect("a certificate that fits its key")
        }
    })
}

/// A test may open as many files as this user's processes may at all: each connection is one.
fn raise_files_max() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    raised.expect("the limit of open files can be raised");
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
