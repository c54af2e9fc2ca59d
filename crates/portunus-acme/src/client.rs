//! HTTPS to an authority: one request a connection, bounded in time and size.
//!
//! Never skips the verification of a certificate.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use portunus_base::{Clock as _, SystemClock, Wall};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Sends the requests of one authority, and remembers when it asked for a pause.
#[derive(Clone)]
pub(crate) struct Client {
    tls: TlsConnector,
    pause: Arc<Pause>,
}

impl Client {
    /// Trusts the authorities of a PEM text, or those of the system.
    pub(crate) fn new(roots: Option<&[u8]>) -> Result<Self, ClientError> {
        let roots = match roots {
            Some(pem) => roots_of(pem)?,
            None => system_roots(),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), pause: Arc::default() })
    }

    /// Until when the authority wants no requests that order something.
    pub(crate) fn paused_until(&self) -> Wall {
        Wall(self.pause.until_us.load(Relaxed))
    }

    /// The status of an answer to GET, over http or https.
    pub(crate) async fn status(&self, uri: Uri) -> Result<StatusCode, ClientError> {
        let request = Request::get(uri).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| ClientError(error.to_string()))?;
        Ok(self.exchange(request).await?.status())
    }

    async fn acme(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (uri, is_post) = (request.uri().clone(), request.method() == Method::POST);
        if uri.scheme_str() != Some("https") {
            return Err(other(ClientError(format!("{uri} is not https"))));
        }
        let response = self.exchange(request).await.map_err(other)?;
        let (status, headers) = (response.status(), response.headers());
        self.pause.note(status, headers, SystemClock.wall());
        // Only answers to POST are read as problems.
        if !(status.is_success() || is_post && is_json(headers)) {
            return Err(other(ClientError(format!("{uri} answered {status}"))));
        }
        let (parts, body) = response.into_parts();
        Ok(BytesResponse { parts, body: Box::new(body) })
    }

    async fn exchange<B>(&self, request: Request<B>) -> Result<Response<Bytes>, ClientError>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let uri = request.uri().clone();
        let late = |_| ClientError(format!("{uri} gave no answer in {} s", TIME_MAX.as_secs()));
        tokio::time::timeout(TIME_MAX, self.exchange_unbounded(request)).await.map_err(late)?
    }

    async fn exchange_unbounded<B>(
        &self,
        request: Request<B>,
    ) -> Result<Response<Bytes>, ClientError>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let uri = request.uri().clone();
        let failed = |error: &dyn fmt::Display| ClientError(format!("{uri}: {error}"));
        let is_https = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(|| failed(&"no host in the URL"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|e| failed(&e))?;
        if !is_https {
            return send(tcp, request).await.map_err(|e| failed(&e));
        }
        let name = ServerName::try_from(host).map_err(|e| failed(&e))?;
        let tls = self.tls.connect(name, tcp).await.map_err(|e| failed(&e))?;
        send(tls, request).await.map_err(|e| failed(&e))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move { client.acme(request).await })
    }
}

/// The end of the last pause that an authority asked for.
#[derive(Debug, Default)]
struct Pause {
    until_us: AtomicU64,
}

impl Pause {
    /// `Retry-After` of an answer that says "not now": RFC 8555, section 6.6.
    fn note(&self, status: StatusCode, headers: &HeaderMap, now: Wall) {
        let is_refusal =
            matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let value = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        if let (true, Some(until)) = (is_refusal, value.and_then(|value| retry_at(value, now))) {
            let latest = now.0.saturating_add(us(PAUSE_MAX));
            self.until_us.fetch_max(until.0.min(latest), Relaxed);
        }
    }
}

/// Why there was no answer of the authority itself.
#[derive(Debug)]
pub(crate) struct ClientError(String);

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ClientError {}

fn other(error: ClientError) -> Error {
    Error::Other(Box::new(error))
}

async fn send<S, B>(stream: S, mut request: Request<B>) -> Result<Response<Bytes>, SendError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let uri = std::mem::take(request.uri_mut());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority)?);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    *request.uri_mut() = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // The connection may end before what it delivered was taken.
        _ = connection => answer.await,
    }
}

type SendError = Box<dyn std::error::Error + Send + Sync>;

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.contains("json"))
}

/// `Retry-After`: seconds, or a date. RFC 9110, section 10.2.3.
fn retry_at(value: &str, now: Wall) -> Option<Wall> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Wall(now.0.saturating_add(seconds.saturating_mul(1_000_000))));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(Wall(us(date.duration_since(std::time::UNIX_EPOCH).ok()?)))
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|error| ClientError(format!("`ca` of the directory: {error}")))?;
    }
    if roots.is_empty() {
        return Err(ClientError("`ca` of the directory has no certificate in it".to_owned()));
    }
    Ok(roots)
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are not trusted: the handshake then says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

const AGENT: &str = concat!("portunus/", env!("CARGO_PKG_VERSION"));
const TIME_MAX: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
const BODY_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
