//! A token of our own, fetched ahead of its end and kept while it is good.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use bytes::Bytes;
use portunus_base::{Clock, Mono, SystemClock, Wall};
use portunus_fetch::{Fetch, Fetcher};
use portunus_filter::Background;
use portunus_http::is_field_value;
use portunus_identity::KeyHash;
use serde_json::Value;

use crate::parse_object;
use crate::turns::{Turns, backoff};

/// A token of our own, fetched and kept fresh off the data path.
pub(super) struct TokenSource {
    request: TokenRequest,
    fetcher: Fetcher,
    token: ArcSwapOption<Token>,
    turns: Arc<Turns>,
}

/// What is sent to the token endpoint. It holds the secret.
pub(super) struct TokenRequest {
    pub(super) url: String,
    pub(super) form: Vec<u8>,
    pub(super) authorization: Option<String>,
    pub(super) timeout: Duration,
}

/// A token, ready to be shown.
pub(super) struct Token {
    /// The header's value.
    pub(super) value: Bytes,
    /// When it may be shown no more.
    pub(super) expires: Wall,
}

impl TokenSource {
    pub(super) fn new(request: TokenRequest, fetcher: Fetcher) -> Self {
        let turns = Turns::new(COOLDOWN);
        Self { request, fetcher, token: ArcSwapOption::empty(), turns }
    }

    /// The token of now; it may be over.
    pub(super) fn token(&self) -> Guard<Option<Arc<Token>>> {
        self.token.load()
    }

    /// Asks for a fetch, as [`Turns::ask`].
    pub(super) fn ask(
        &self,
        now: Mono,
    ) -> Option<impl Future<Output = ()> + Send + 'static + use<>> {
        self.turns.ask(now)
    }

    async fn keep_fresh(&self) {
        let mut backoff = backoff();
        loop {
            self.turns.wait().await;
            let turn = self.turns.begin();
            let fetched = self.fetch().await;
            turn.end(match fetched {
                Ok(lifetime) => {
                    backoff.reset();
                    until_renewal(lifetime)
                }
                Err(fault) => {
                    let url = &self.request.url;
                    tracing::warn!(url, "no token for upstreams was given: {fault}");
                    backoff.fail()
                }
            });
        }
    }

    /// Fetches a token; how long it lives.
    async fn fetch(&self) -> Result<Duration, String> {
        let request = &self.request;
        let fetch = Fetch::post_form(&request.url, request.form.clone());
        let mut fetch = Fetch { timeout: request.timeout, body_bytes_max: BYTES_MAX, ..fetch };
        fetch = fetch.with_header("Accept", "application/json");
        if let Some(authorization) = &request.authorization {
            fetch = fetch.with_header("Authorization", authorization);
        }
        let answer = self.fetcher.fetch(fetch).await.map_err(|error| error.to_string())?;
        let (token, lifetime) = read(answer.status, &answer.body)?;
        let expires = Wall(SystemClock.wall().0.saturating_add(microseconds(lifetime)));
        self.publish(Token { value: token, expires });
        Ok(lifetime)
    }

    pub(super) fn publish(&self, token: Token) {
        self.token.store(Some(Arc::new(token)));
    }

    /// What the end of a fetch does.
    #[cfg(test)]
    pub(super) fn end_fetch(&self) {
        self.turns.end_one();
    }
}

impl TokenRequest {
    /// What tells it apart from other requests, and from the same one to a server that others vouch for.
    pub(super) fn hash(&self, ca: &[u8]) -> KeyHash {
        let authorization = self.authorization.as_deref().unwrap_or("");
        let timeout = self.timeout.as_nanos().to_be_bytes();
        let parts = [self.url.as_bytes(), &self.form, authorization.as_bytes(), &timeout, ca];
        let hashes = parts.map(|part| KeyHash::of(part).0);
        KeyHash::of(hashes.as_flattened())
    }
}

impl Background for TokenSource {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.keep_fresh().await })
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSource({})", self.request.url)
    }
}

/// The header's value and the life of the token in an answer (RFC 6749 section 5). What is wrong otherwise, without
/// what the answer holds.
fn read(status: u16, body: &[u8]) -> Result<(Bytes, Duration), String> {
    let answer = parse_object(body);
    if status != 200 {
        let error = answer.ok().and_then(|answer| answer.get("error")?.as_str().map(str::to_owned));
        let error = error.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        return Err(format!("status {status} {}", error.unwrap_or_default()).trim_end().to_owned());
    }
    let answer = answer.map_err(|fault| format!("the answer {fault}"))?;
    let text = |name| answer.get(name).and_then(Value::as_str);
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err("the token is not of the type `Bearer`".to_owned());
    }
    let token = text("access_token").unwrap_or("");
    if token.is_empty() || token.contains(' ') || !is_field_value(token.as_bytes()) {
        return Err("the answer has no token".to_owned());
    }
    let seconds = match answer.get("expires_in") {
        // Some servers write the number as text.
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_f64(),
        None => Some(LIFETIME.as_secs_f64()),
    };
    let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let lifetime = lifetime.ok_or("`expires_in` is not a number of seconds")?;
    Ok((format!("Bearer {token}").into(), lifetime.min(LIFETIME_MAX)))
}

/// How long a token is kept before the next one is fetched: there is time for several attempts before its end.
fn until_renewal(lifetime: Duration) -> Duration {
    lifetime.mul_f64(0.75).max(RENEWAL_MIN)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Shortest time between two fetches that requests ask for.
const COOLDOWN: Duration = Duration::from_secs(5);

/// The life of a token of which nothing is said.
const LIFETIME: Duration = Duration::from_secs(300);
const LIFETIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
const RENEWAL_MIN: Duration = Duration::from_secs(1);

/// The largest answer, in bytes.
const BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
