//! One request and its answer.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::tls::Trust;

/// Makes requests of our own. Cheap to clone.
///
/// With a home, the work of all requests is done there, whoever waits for them: a worker only hears of the end.
#[derive(Clone, Debug, Default)]
pub struct Fetcher {
    trust: Trust,
    home: Option<Handle>,
}

/// A request of our own.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The method.
    pub method: &'static str,
    /// The URL: `https://` or `http://`. Whether the latter is good enough is for the caller to say.
    pub url: String,
    /// Headers; `Host`, `User-Agent` and those of framing are added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Bound on the whole request.
    pub timeout: Duration,
    /// The longest body that is taken; a longer one is an error.
    pub body_bytes_max: usize,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Fetch {
    /// A GET of a URL, within 10 s, with an answer of 1 MiB at most.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET",
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(10),
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// A POST of a form (`a=b&c=d`), else as [`Fetch::get`].
    #[must_use]
    pub fn post_form(url: impl Into<String>, form: impl Into<Bytes>) -> Self {
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let headers = vec![("Content-Type".to_owned(), content_type)];
        Self { method: "POST", headers, body: form.into(), ..Self::get(url) }
    }

    /// With one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn request(self) -> Result<(Request<Full<Bytes>>, Limits), FetchError> {
        let method = Method::from_bytes(self.method.as_bytes()).map_err(FetchError::of)?;
        let uri: Uri = self.url.parse().map_err(FetchError::of)?;
        let mut request = Request::new(Full::new(self.body));
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(FetchError::of)?;
            // The value may be a secret: it is not shown.
            let value = HeaderValue::from_str(value).map_err(|_| {
                FetchError::new(format!("the value of `{name}` is not for a header"))
            })?;
            request.headers_mut().append(name, value);
        }
        Ok((request, Limits { time: self.timeout, body_bytes: self.body_bytes_max }))
    }
}

#[derive(Clone, Copy)]
struct Limits {
    time: Duration,
    body_bytes: usize,
}

impl Fetcher {
    /// Trusts the authorities of a PEM text, and no others.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be read.
    pub fn with_roots(pem: &[u8]) -> Result<Self, FetchError> {
        Ok(Self { trust: Trust::of(pem)?, home: None })
    }

    /// The same, trusting the authorities of a PEM text and no others.
    ///
    /// # Errors
    /// As for [`Fetcher::with_roots`].
    pub fn trusting(&self, pem: &[u8]) -> Result<Self, FetchError> {
        Ok(Self { trust: Trust::of(pem)?, home: self.home.clone() })
    }

    /// Does the work of all requests on this runtime.
    #[must_use]
    pub fn at_home(self, home: Handle) -> Self {
        Self { home: Some(home), ..self }
    }

    /// Makes a request. The future may be awaited on any runtime; without a home it must be one of tokio.
    pub fn fetch(
        &self,
        fetch: Fetch,
    ) -> impl Future<Output = Result<Fetched, FetchError>> + Send + 'static {
        let (fetcher, home) = (self.clone(), self.home.clone());
        async move {
            let work = async move {
                let (request, limits) = fetch.request()?;
                let answer = fetcher.exchange_within(request, limits).await?;
                let (parts, body) = answer.into_parts();
                Ok(Fetched { status: parts.status.as_u16(), headers: parts.headers, body })
            };
            match home {
                None => work.await,
                // The task ends by its own timeout, should nobody wait for it any more.
                Some(home) => home.spawn(work).await.map_err(FetchError::of)?,
            }
        }
    }

    /// Sends a request as it is, within 30 s and with an answer of 1 MiB at most. Always where it is awaited.
    ///
    /// # Errors
    /// There was no whole answer.
    pub async fn exchange<B>(&self, request: Request<B>) -> Result<Response<Bytes>, FetchError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        self.exchange_within(request, LIMITS).await
    }

    async fn exchange_within<B>(
        &self,
        request: Request<B>,
        limits: Limits,
    ) -> Result<Response<Bytes>, FetchError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let place = place(request.uri());
        let answer =
            tokio::time::timeout(limits.time, self.connect_and_send(request, limits)).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(FetchError::new(format!("no answer in {} ms", limits.time.as_millis())))
        });
        answer.map_err(|error| FetchError::new(format!("{place}: {error}")))
    }

    async fn connect_and_send<B>(
        &self,
        request: Request<B>,
        limits: Limits,
    ) -> Result<Response<Bytes>, FetchError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let uri = request.uri();
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(FetchError::new("neither http:// nor https://")),
        };
        let host = uri.host().ok_or_else(|| FetchError::new("no host in the URL"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(FetchError::of)?;
        if !is_https {
            return send(tcp, request, limits).await;
        }
        let name = ServerName::try_from(host).map_err(FetchError::of)?;
        let tls = self.trust.connector()?.connect(name, tcp).await.map_err(FetchError::of)?;
        send(tls, request, limits).await
    }
}

/// Why there was no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchError(String);

impl FetchError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FetchError {}

/// A URL for messages: without its query and user, which may hold secrets.
fn place(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{}://{host}{}", uri.scheme_str().unwrap_or(""), uri.path())
}

async fn send<S, B>(
    stream: S,
    mut request: Request<B>,
    limits: Limits,
) -> Result<Response<Bytes>, FetchError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let uri = std::mem::take(request.uri_mut());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = HeaderValue::from_str(host).map_err(FetchError::of)?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = target.parse().map_err(FetchError::of)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(FetchError::of)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(FetchError::of)?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, limits.body_bytes).collect().await.map_err(FetchError::of)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // The connection may end before what it delivered was taken.
        _ = connection => answer.await,
    }
}

const AGENT: &str = concat!("portunus/", env!("CARGO_PKG_VERSION"));
const BODY_BYTES_MAX: usize = 1 << 20;
const LIMITS: Limits = Limits { time: Duration::from_secs(30), body_bytes: BODY_BYTES_MAX };

#[cfg(test)]
mod tests;
