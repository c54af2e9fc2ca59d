//! The keys of an issuer, fetched and kept fresh off the data path.
//!
//! Workers only read what is there. One that meets a key that it does not know asks for a new fetch, and may wait for
//! it; however many ask, there is at most one fetch in [`FLOOR`]. Keys that are there stay until new ones come, so an
//! issuer that is down costs nothing but new keys.

mod metadata;
mod schedule;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use portunus_base::{Mono, Rng};
use portunus_fetch::{Fetch, Fetched, Fetcher};
use portunus_filter::Background;
use portunus_identity::KeyHash;

use crate::turns::{Turns, backoff};
use crate::{AlgorithmSet, KeySet, SET_BYTES_MAX};
pub use metadata::{MetadataFault, is_confidential, jwks_uri, metadata_url};

/// The keys of an issuer, fetched and kept fresh.
pub struct KeySource {
    place: KeyPlace,
    allowed: AlgorithmSet,
    fetcher: Fetcher,
    keys: ArcSwapOption<FetchedKeys>,
    turns: Arc<Turns>,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyPlace {
    /// The URL of the set; without it the issuer's metadata name it (OpenID Connect Discovery 1.0).
    pub url: Option<String>,
    /// The issuer. What its metadata say must be the same, letter by letter.
    pub issuer: String,
    /// Whether keys may come in plain text from another machine.
    pub insecure: bool,
    /// Shortest time between two fetches that tokens with unknown keys ask for.
    pub cooldown: Duration,
}

/// Keys as they were fetched.
#[derive(Debug)]
pub struct FetchedKeys {
    /// The keys.
    pub set: KeySet,
    /// Grows whenever the keys change.
    pub generation: u64,
    /// Of the text that they were read from.
    hash: KeyHash,
}

impl KeySource {
    /// A source that has not fetched yet; its [`Background`] does.
    #[must_use]
    pub fn new(place: KeyPlace, allowed: AlgorithmSet, fetcher: Fetcher) -> Self {
        let turns = Turns::new(place.cooldown);
        Self { place, allowed, fetcher, keys: ArcSwapOption::empty(), turns }
    }

    /// The keys of now; none before the first fetch went well.
    pub fn keys(&self) -> Guard<Option<Arc<FetchedKeys>>> {
        self.keys.load()
    }

    /// Asks for a fetch, and gives what waits for its end, for a bounded time. None where the last fetch is too
    /// recent, or too many wait already.
    pub fn ask(&self, now: Mono) -> Option<impl Future<Output = ()> + Send + 'static + use<>> {
        self.turns.ask(now)
    }

    async fn keep_fresh(&self) {
        let mut rng = Rng::from_system();
        let mut backoff = backoff();
        loop {
            // After a reload there may be keys already, and nothing due yet.
            self.turns.wait().await;
            let turn = self.turns.begin();
            let fetched = self.fetch().await;
            turn.end(match fetched {
                Ok(lifetime) => {
                    backoff.reset();
                    schedule::until_refresh(lifetime, &mut rng)
                }
                Err(fault) => {
                    self.tell_of(&fault);
                    backoff.fail()
                }
            });
        }
    }

    fn tell_of(&self, fault: &str) {
        let place = self.place.name();
        if self.keys.load().is_some() {
            tracing::warn!(
                place,
                "the keys of tokens cannot be fetched, the old ones stay: {fault}"
            );
        } else {
            tracing::warn!(
                place,
                "the keys of tokens cannot be fetched, there are none yet: {fault}"
            );
        }
    }

    /// Fetches the keys; how long they may be used.
    async fn fetch(&self) -> Result<Option<Duration>, String> {
        let url = match &self.place.url {
            Some(url) => url.clone(),
            None => {
                let answer = self.document(&metadata_url(&self.place.issuer)).await?;
                let uri = jwks_uri(&answer.body, &self.place.issuer, self.place.insecure);
                uri.map_err(|fault| format!("the issuer's metadata: {fault}"))?
            }
        };
        let answer = self.document(&url).await?;
        let lifetime = schedule::lifetime(&answer.headers);
        self.publish(&answer.body)?;
        Ok(lifetime)
    }

    async fn document(&self, url: &str) -> Result<Fetched, String> {
        let fetch = Fetch { body_bytes_max: SET_BYTES_MAX, ..Fetch::get(url) };
        let fetch = fetch.with_header("Accept", "application/json");
        let answer = self.fetcher.fetch(fetch).await.map_err(|error| error.to_string())?;
        match answer.status {
            200 => Ok(answer),
            status => Err(format!("{url}: status {status}")),
        }
    }

    /// What the end of a fetch does.
    #[cfg(test)]
    pub(crate) fn end_fetch(&self) {
        self.turns.end_one();
    }

    pub(crate) fn publish(&self, text: &[u8]) -> Result<(), String> {
        let (known, hash) = (self.keys.load_full(), KeyHash::of(text));
        if known.as_ref().is_some_and(|known| known.hash == hash) {
            return Ok(());
        }
        let set = KeySet::parse(text, self.allowed);
        let set = set.map_err(|fault| format!("the set of keys is not usable: {fault}"))?;
        for key in set.skipped() {
            let (place, id) = (self.place.name(), key.id.as_deref().unwrap_or(""));
            tracing::info!(place, index = key.index, id, "a key is not used: {}", key.fault);
        }
        let generation = known.map_or(0, |known| known.generation) + 1;
        self.keys.store(Some(Arc::new(FetchedKeys { set, generation, hash })));
        Ok(())
    }
}

impl Background for KeySource {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.keep_fresh().await })
    }
}

impl KeyPlace {
    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.url.as_deref().unwrap_or(&self.issuer)
    }
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySource({:?})", self.place)
    }
}

/// Where nobody says how far apart fetches are that somebody asks for.
pub const COOLDOWN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
