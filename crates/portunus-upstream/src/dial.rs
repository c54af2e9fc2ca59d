//! A new connection to an endpoint: the socket, the PROXY protocol, and the protocol that both speak.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use portunus_balance::{Address, Endpoint};
use portunus_base::TlsFacts;
use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_h2::{ClientOptions, H2Error};
use portunus_http::split_host_port;
use portunus_net::{DialTo, Io, Network, is_shortage};
use portunus_preface::proxy_protocol::{self, Addresses, Ssl, Tlv, Tlvs};
use portunus_resilience::Queue;
use portunus_tls::{TlsError, connect, connect_offering};
use portunus_worker::Worker;

use crate::counted::Counted;
use crate::{ClientConn, H2Session, HttpVersion, Spoken, UpstreamPlan};

/// What a connection is opened with. The caller bounds the time.
#[derive(Debug)]
pub struct Dial<'d> {
    /// The upstream.
    pub plan: &'d UpstreamPlan,
    /// Which endpoint of it.
    pub endpoint: &'d Endpoint,
    /// Those who may wait for the place of the connection.
    pub queue: &'d Arc<Queue>,
    /// For whom: both ends of the client's connection, the client first; None for our own needs.
    pub client: Option<(SocketAddr, SocketAddr)>,
    /// What a proxy before us said of that client beside its addresses: values of the PROXY protocol, to be told on.
    pub tlvs: &'d [u8],
    /// That client's TLS, where we ended it.
    pub client_tls: Option<&'d TlsFacts>,
    /// HTTP/1 and nothing else.
    pub h1_only: bool,
    /// Who serves the connection.
    pub worker: &'d Worker,
    /// What it is made over.
    pub network: &'d dyn Network,
}

/// A connection by what it speaks.
#[derive(Debug)]
pub enum Opened {
    /// HTTP/1.
    H1(ClientConn),
    /// HTTP/2.
    H2(H2Session),
}

impl Dial<'_> {
    /// Opens the connection.
    ///
    /// # Errors
    /// Refused, no way there, or no protocol in common. Nothing of a request was sent: another try is safe.
    pub async fn open(&self) -> Result<Opened, ProxyError> {
        let to = match &self.endpoint.address {
            Address::Ip(ip) => DialTo::Ip(*ip),
            Address::Unix(path) => DialTo::Unix(path),
        };
        // Those that are being opened count too: many at once would pass any limit otherwise.
        let counted = Counted::new(&self.endpoint.state, self.queue);
        let io = self.network.dial(to).await.map_err(|error| connect_error(&error))?;
        self.introduce(&io).await.map_err(|error| connect_error(&error))?;
        let (io, spoken) = self.secure(io).await?;
        match spoken {
            Spoken::H1 => Ok(Opened::H1(ClientConn::new(io, counted))),
            Spoken::H2 => self.share(io, counted).await.map(Opened::H2),
        }
    }

    /// Puts TLS over the socket where that is wanted, and settles what is spoken.
    async fn secure(&self, io: Io) -> Result<(Io, Spoken), ProxyError> {
        let wanted = if self.h1_only { HttpVersion::H1 } else { self.plan.http };
        let Some(tls) = &self.plan.tls else {
            let known = if wanted == HttpVersion::H2 { Spoken::H2 } else { Spoken::H1 };
            return Ok((io, known));
        };
        let authority = self.endpoint.authority.as_bytes();
        let host = split_host_port(authority).map_or(authority, |parts| parts.host);
        let host = std::str::from_utf8(host).unwrap_or("");
        let connected = match self.h1_only {
            true => connect_offering(io, tls, host, &[H1_ALPN.to_vec()]).await,
            false => connect(io, tls, host).await,
        };
        let (io, facts) = connected.map_err(|error| self.untrusted(&error))?;
        let spoken = if facts.alpn.as_deref() == Some(b"h2") { Spoken::H2 } else { Spoken::H1 };
        if wanted == HttpVersion::H2 && spoken == Spoken::H1 {
            return Err(ProxyError::upstream(
                ErrorKind::TlsFailed("no_shared_alpn"),
                Retry::Unsent,
            ));
        }
        Ok((io, spoken))
    }

    /// An operator must learn what is wrong with a certificate; a client need not.
    fn untrusted(&self, error: &TlsError) -> ProxyError {
        let code = error.kind();
        let (upstream, endpoint) = (&*self.plan.name, &*self.endpoint.name);
        if self.worker.random(|rng| rng.chance(LOGGED_SHARE))
            || self.endpoint.state.failures() < LOGGED_FIRST
        {
            tracing::warn!(upstream, endpoint, code, "no TLS with the upstream: {error}");
        }
        let kind = match code {
            "bad_certificate"
            | "certificate_expired"
            | "certificate_revoked"
            | "name_mismatch"
            | "unknown_ca" => ErrorKind::TlsCertificate(code),
            _ => ErrorKind::TlsFailed(code),
        };
        ProxyError::upstream(kind, Retry::Unsent)
    }

    /// Says who the client is.
    async fn introduce(&self, io: &Io) -> io::Result<()> {
        let Some(version) = self.plan.proxy_protocol else { return Ok(()) };
        let known = self.client.filter(|(client, _)| !client.ip().is_unspecified());
        let addresses =
            known.map_or(Addresses::Own, |(client, local)| Addresses::tcp(client, local));
        let mut header = Vec::new();
        match version {
            proxy_protocol::Version::V1 => proxy_protocol::encode_v1(&addresses, &mut header),
            proxy_protocol::Version::V2 => {
                let mut tlvs: Vec<Tlv<'_>> = Tlvs::new(self.tlvs).collect();
                tlvs.extend(self.client_tls.map(secured));
                let encoded = proxy_protocol::encode_v2(&addresses, &tlvs, &mut header);
                encoded.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            }
        }
        io.write_all(&header).await
    }

    async fn share(&self, io: Io, counted: Counted) -> Result<H2Session, ProxyError> {
        let limits = &self.plan.limits;
        let options = ClientOptions {
            header_bytes_max: u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX),
            headers_max: limits.headers_max,
            ..ClientOptions::default()
        };
        let opening = H2Session::open(io, self.plan.tls.is_some(), &options, self.worker, counted);
        opening.await.map_err(|error| no_session(&error))
    }
}

/// That the client came over TLS: without it the scheme would be lost here.
fn secured(facts: &TlsFacts) -> Tlv<'_> {
    let is_known = facts.client.is_some();
    Tlv::Ssl(Ssl {
        client: if is_known { CLIENT_TLS | CLIENT_CERTIFICATE } else { CLIENT_TLS },
        verify: u32::from(!is_known),
        version: Some(facts.version),
        cipher: Some(facts.cipher),
        ..Ssl::default()
    })
}

fn no_session(error: &H2Error) -> ProxyError {
    ProxyError::upstream(ErrorKind::BadResponse(error.kind.name()), Retry::Unsent)
}

fn connect_error(error: &io::Error) -> ProxyError {
    if is_shortage(error) {
        return ProxyError { retry: Retry::Unsent, ..ProxyError::local(ErrorKind::NoFiles) };
    }
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorKind::ConnectRefused,
        io::ErrorKind::TimedOut => ErrorKind::ConnectTimeout,
        _ => ErrorKind::ConnectFailed,
    };
    ProxyError::upstream(kind, Retry::Unsent)
}

/// HTTP/1.1 as TLS calls it (RFC 7301).
const H1_ALPN: &[u8] = b"http/1.1";
/// Bits of the PROXY protocol: the client used TLS, and showed a certificate in this session.
const CLIENT_TLS: u8 = 1;
const CLIENT_CERTIFICATE: u8 = 4;
/// So many failures in a row are logged each, and after that a share of them.
const LOGGED_FIRST: u32 = 3;
const LOGGED_SHARE: f64 = 0.01;

#[cfg(test)]
mod tests;
