//! New tokens for sessions: one request at a time for each of them on this node, however many requests wait for it.
//!
//! Providers take a refresh token once and revoke all that came of it when it comes again. So what a refresh gave is
//! kept for a while, for requests that were on their way with the older cookie.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use portunus_filter::Background;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::refusal::Refusal;
use crate::session::Tokens;

/// What a refresh gives.
pub(crate) type Refreshed = Result<Arc<Fresh>, Refusal>;

/// New tokens.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fresh {
    /// The tokens; what the provider did not give anew is absent.
    pub(crate) tokens: Tokens,
    /// What it says of the user now, where it says that again.
    pub(crate) claims: Option<Map<String, Value>>,
}

/// A request for new tokens, ready to be made.
pub(crate) type Work = Pin<Box<dyn Future<Output = Refreshed> + Send>>;

/// Makes the requests. One for all filters.
pub(crate) struct Refresher {
    asks: mpsc::Sender<Ask>,
    /// Held by the work in the background as long as it runs.
    asked: Mutex<mpsc::Receiver<Ask>>,
}

struct Ask {
    /// The provider's mark.
    provider: String,
    /// The refresh token.
    token: String,
    work: Work,
    /// How old the work may be that is waited for.
    patience: Duration,
    answer: oneshot::Sender<Refreshed>,
}

/// How a refresh stands.
enum Place {
    /// Since when, and who waits for it.
    UnderWay(Instant, Vec<oneshot::Sender<Refreshed>>),
    Done(Refreshed, Instant),
}

impl Refresher {
    /// What `work` gives, or gave already, for a refresh token of a provider. The work goes on beyond `patience`, and what
    /// it gives is there for the next request.
    pub(crate) async fn refresh(
        &self,
        provider: &str,
        token: &str,
        work: Work,
        patience: Duration,
    ) -> Refreshed {
        let (answer, answered) = oneshot::channel();
        let (provider, token) = (provider.to_owned(), token.to_owned());
        let ask = Ask { provider, token, work, patience, answer };
        // A full queue means that the provider does not answer.
        self.asks.try_send(ask).map_err(|_| Refusal::Unavailable)?;
        let answered = tokio::time::timeout(patience, answered).await;
        answered.ok().and_then(Result::ok).unwrap_or(Err(Refusal::Unavailable))
    }
}

impl Default for Refresher {
    fn default() -> Self {
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        Self { asks, asked: Mutex::new(asked) }
    }
}

impl Background for Refresher {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut asked = self.asked.lock().await;
            let mut desk = Desk::default();
            loop {
                tokio::select! {
                    Some(ask) = asked.recv() => desk.take(ask),
                    Some(done) = desk.under_way.join_next() => desk.done(done.ok()),
                    else => return,
                }
            }
        })
    }
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresher")
    }
}

/// Where refreshes lie, by refresh token.
#[derive(Default)]
struct Desk {
    places: HashMap<String, Place>,
    /// Providers that could not be asked, and when that was.
    down: HashMap<String, Instant>,
    under_way: JoinSet<Worked>,
}

/// A piece of work that has ended.
struct Worked {
    provider: String,
    token: String,
    refreshed: Refreshed,
}

impl Desk {
    fn take(&mut self, ask: Ask) {
        self.sweep();
        let Ask { provider, token, work, patience, answer } = ask;
        let is_full = self.places.len() >= PLACES_MAX;
        let is_down = self.down.get(&provider).is_some_and(|since| since.elapsed() < DOWN);
        let at_once = match self.places.get_mut(&token) {
            Some(Place::UnderWay(since, waiting)) if since.elapsed() < patience => {
                waiting.push(answer);
                return;
            }
            // Others have waited as long already, for nothing.
            Some(Place::UnderWay(..)) => Some(Err(Refusal::Unavailable)),
            Some(Place::Done(refreshed, _)) => Some(refreshed.clone()),
            None if is_full || is_down => Some(Err(Refusal::Unavailable)),
            None => None,
        };
        if let Some(refreshed) = at_once {
            // Who asked may be gone.
            let _ = answer.send(refreshed);
            return;
        }
        self.places.insert(token.clone(), Place::UnderWay(Instant::now(), vec![answer]));
        let work = async move { Worked { provider, token, refreshed: work.await } };
        self.under_way.spawn(work);
    }

    fn done(&mut self, done: Option<Worked>) {
        // Nothing ends a piece of work but its own end, with all others.
        let Some(Worked { provider, token, refreshed }) = done else { return };
        let kept = match refreshed {
            // The refresh token may be good still, when the provider is there again.
            Err(Refusal::Unavailable) => {
                self.down.retain(|_, since| since.elapsed() < DOWN);
                self.down.insert(provider, Instant::now());
                None
            }
            _ => Some(Place::Done(refreshed.clone(), Instant::now())),
        };
        let place = match kept {
            Some(place) => self.places.insert(token, place),
            None => self.places.remove(&token),
        };
        if let Some(Place::UnderWay(_, waiting)) = place {
            for answer in waiting {
                let _ = answer.send(refreshed.clone());
            }
        }
    }

    /// Forgets what is old: each time, where there is little; else now and then.
    fn sweep(&mut self) {
        if self.places.len() < SWEEP_FROM || self.places.len().is_multiple_of(SWEEP_FROM) {
            self.places.retain(|_, place| match place {
                Place::UnderWay(..) => true,
                Place::Done(_, at) => at.elapsed() < KEPT,
            });
        }
    }
}

const ASKS_MAX: usize = 1024;
/// At the bound, sessions wait for the older refreshes to be forgotten.
const PLACES_MAX: usize = 16 * 1024;
const SWEEP_FROM: usize = 64;
/// As long as a request that brings an older cookie may be on its way.
const KEPT: Duration = Duration::from_secs(60);
/// How long a provider is not asked again that could not be asked: sessions whose tokens hold do not wait for it.
const DOWN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
