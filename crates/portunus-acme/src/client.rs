//! HTTPS to an authority, and the pauses that it asks for.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_fetch::Fetcher;

/// Sends the requests of one authority, and remembers when it asked for a pause.
#[derive(Clone)]
pub(crate) struct Client {
    fetcher: Fetcher,
    pause: Arc<Pause>,
}

impl Client {
    /// Trusts the authorities of a PEM text, or those of the system.
    pub(crate) fn new(roots: Option<&[u8]>) -> Result<Self, ClientError> {
        let fetcher = match roots {
            Some(pem) => Fetcher::with_roots(pem)
                .map_err(|error| ClientError(format!("`ca` of the directory: {error}")))?,
            None => Fetcher::default(),
        };
        Ok(Self { fetcher, pause: Arc::default() })
    }

    /// Until when the authority wants no requests that order something.
    pub(crate) fn paused_until(&self) -> Wall {
        Wall(self.pause.until_us.load(Relaxed))
    }

    /// The status of an answer to GET, over http or https.
    pub(crate) async fn status(&self, uri: Uri) -> Result<StatusCode, ClientError> {
        let request = Request::get(uri).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| ClientError(error.to_string()))?;
        let answer = self.fetcher.exchange(request).await;
        Ok(answer.map_err(|error| ClientError(error.to_string()))?.status())
    }

    async fn acme(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (uri, is_post) = (request.uri().clone(), request.method() == Method::POST);
        if uri.scheme_str() != Some("https") {
            return Err(other(ClientError(format!("{uri} is not https"))));
        }
        let response = self.fetcher.exchange(request).await;
        let response = response.map_err(|error| other(ClientError(error.to_string())))?;
        let (status, headers) = (response.status(), response.headers());
        self.pause.note(status, headers, SystemClock.wall());
        // Only answers to POST are read as problems.
        if !(status.is_success() || is_post && is_json(headers)) {
            return Err(other(ClientError(format!("{uri} answered {status}"))));
        }
        let (parts, body) = response.into_parts();
        Ok(BytesResponse { parts, body: Box::new(body) })
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

const PAUSE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

#[cfg(test)]
mod tests;
