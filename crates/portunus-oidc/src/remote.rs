//! What is known of a provider: its endpoints, fetched off the data path and kept while it is down.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use portunus_fetch::{Fetch, Fetcher};
use portunus_filter::Background;
use portunus_jwt::metadata_url;
use tokio::sync::Notify;

use crate::metadata::Metadata;

/// A provider, as far as it has been heard of. All filters that use it share one.
pub(crate) struct Remote {
    source: Source,
    known: ArcSwapOption<Metadata>,
    /// Somebody waits for what is not known.
    wanted: Notify,
    /// It was asked once more.
    asked: Notify,
}

/// How a provider is asked.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its name, and where its document is.
    pub(crate) issuer: String,
    /// HTTP is good enough.
    pub(crate) insecure: bool,
    /// Bound on one request.
    pub(crate) timeout: Duration,
    /// What asks it.
    pub(crate) fetcher: Fetcher,
}

impl Remote {
    /// A provider that nobody has heard of yet.
    pub(crate) fn new(source: Source) -> Self {
        let (wanted, asked) = (Notify::new(), Notify::new());
        Self { source, known: ArcSwapOption::empty(), wanted, asked }
    }

    /// What is known now.
    pub(crate) fn now(&self) -> Option<Arc<Metadata>> {
        self.known.load_full()
    }

    /// What is known; waits for it, once, when that is nothing.
    pub(crate) async fn known(&self) -> Option<Arc<Metadata>> {
        match self.now() {
            Some(known) => Some(known),
            None => self.once_more().await,
        }
    }

    async fn once_more(&self) -> Option<Arc<Metadata>> {
        let mut asked = pin!(self.asked.notified());
        // From here on no end of asking is missed.
        asked.as_mut().enable();
        self.wanted.notify_one();
        // Whether it was asked in time or not: what is known then is known.
        let _ = tokio::time::timeout(self.source.timeout, asked).await;
        self.now()
    }

    async fn ask(&self) -> bool {
        let found = self.source.ask().await;
        let is_first = self.known.load().is_none();
        match found {
            Ok(known) => {
                if is_first {
                    tracing::info!(issuer = self.source.issuer, "the login provider is known");
                }
                self.known.store(Some(Arc::new(known)));
                true
            }
            Err(error) => {
                let kept = if is_first { "logins fail" } else { "what is known of it is kept" };
                tracing::warn!(issuer = self.source.issuer, error, kept, "no login provider");
                false
            }
        }
    }
}

impl Background for Remote {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut failures = 0;
            loop {
                failures = if self.ask().await { 0 } else { failures + 1 };
                self.asked.notify_waiters();
                let pause = match failures {
                    0 => KEPT,
                    failures => RETRY.saturating_mul(1 << failures.min(6)),
                };
                let wanted = async {
                    tokio::join!(self.wanted.notified(), tokio::time::sleep(RETRY));
                };
                // It has ended in time, or not: then the pause is over.
                let _ = tokio::time::timeout(pause, wanted).await;
            }
        })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.source.issuer)
    }
}

impl Source {
    async fn ask(&self) -> Result<Metadata, String> {
        let url = metadata_url(&self.issuer);
        let mut fetch = Fetch::get(url.as_str()).with_header("Accept", "application/json");
        fetch.timeout = self.timeout;
        let answer = self.fetcher.fetch(fetch).await.map_err(|error| error.to_string())?;
        match answer.status {
            200 => Metadata::parse(&answer.body, &self.issuer, self.insecure),
            status => Err(format!("{url} answers with {status}")),
        }
    }
}

/// How long a provider is not asked again by itself.
const KEPT: Duration = Duration::from_secs(3600);
/// After a failure; twice as long after the next one, up to a minute.
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
