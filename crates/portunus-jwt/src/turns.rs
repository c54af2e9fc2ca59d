//! When something is fetched: when it is due, and when somebody asks. Requests may wait for the end of it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use portunus_base::{Clock, Mono, Rng, SystemClock};
use portunus_resilience::{Backoff, BackoffRule};
use tokio::sync::{Notify, watch};

/// The turns of one fetcher: one at a time, and a cooldown before one that somebody asked for.
pub(crate) struct Turns {
    cooldown: Duration,
    /// How many have ended, well or not.
    ended: watch::Sender<u64>,
    asked: Notify,
    is_under_way: AtomicBool,
    /// When the last one began, in microseconds of [`Mono`]; 0 before the first one.
    began_us: AtomicU64,
    /// When the next one is due.
    due_us: AtomicU64,
    waiting: AtomicUsize,
}

impl Turns {
    /// No turn yet; the first one is due at once.
    pub(crate) fn new(cooldown: Duration) -> Arc<Self> {
        Arc::new(Self {
            cooldown,
            ended: watch::Sender::new(0),
            asked: Notify::new(),
            is_under_way: AtomicBool::new(false),
            began_us: AtomicU64::new(0),
            due_us: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Asks for a turn, and gives what waits for its end, at most for [`WAIT_MAX`]. None where the last one is too
    /// recent, or too many wait already.
    pub(crate) fn ask(
        self: &Arc<Self>,
        now: Mono,
    ) -> Option<impl Future<Output = ()> + Send + 'static + use<>> {
        // Before the look at what is under way: its end must not be missed.
        let mut ended = self.ended.subscribe();
        if !self.is_under_way.load(Ordering::Acquire) && !self.is_cool(now) {
            return None;
        }
        let place = WaitingPlace::take(self)?;
        self.asked.notify_one();
        Some(async move {
            let _place = place;
            let _ = tokio::time::timeout(WAIT_MAX, ended.changed()).await;
        })
    }

    /// Waits until a turn is due, or asked for.
    pub(crate) async fn wait(&self) {
        let asked = async {
            loop {
                self.asked.notified().await;
                if self.is_cool(SystemClock.mono()) {
                    return;
                }
            }
        };
        let due = Mono(self.due_us.load(Ordering::Relaxed));
        let pause = Duration::from_micros(due.since_us(SystemClock.mono()));
        let _ = tokio::time::timeout(pause, asked).await;
    }

    /// Begins a turn.
    pub(crate) fn begin(&self) -> Turn<'_> {
        self.began_us.store(SystemClock.mono().0.max(1), Ordering::Relaxed);
        self.is_under_way.store(true, Ordering::Release);
        Turn(self)
    }

    /// What a turn that ends now does, as if it had begun long ago.
    #[cfg(test)]
    pub(crate) fn end_one(&self) {
        drop(self.begin());
        self.began_us.store(0, Ordering::Relaxed);
    }

    fn is_cool(&self, now: Mono) -> bool {
        let began = self.began_us.load(Ordering::Relaxed);
        began == 0 || now >= Mono(began).after(self.cooldown)
    }
}

/// A turn that is under way. It ends when this is dropped, also where its task is.
pub(crate) struct Turn<'t>(&'t Turns);

impl Turn<'_> {
    /// Ends it; the next one is due after `pause`.
    pub(crate) fn end(self, pause: Duration) {
        self.0.due_us.store(SystemClock.mono().after(pause).0, Ordering::Relaxed);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Whoever asked meanwhile waits for this end. It must not begin another turn.
        let _ = pin!(self.0.asked.notified()).enable();
        self.0.is_under_way.store(false, Ordering::Release);
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}

/// A place among those who wait.
struct WaitingPlace(Arc<Turns>);

impl WaitingPlace {
    fn take(turns: &Arc<Turns>) -> Option<Self> {
        if turns.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            turns.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(Arc::clone(turns)))
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long fetches that fail wait for the next one.
pub(crate) fn backoff() -> Backoff {
    Backoff::new(RETRY, Rng::from_system())
}

/// The longest that a request waits.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(2);

/// How many requests may wait for one fetcher.
const WAITING_MAX: usize = 1024;

const RETRY: BackoffRule =
    BackoffRule { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

#[cfg(test)]
mod tests;
