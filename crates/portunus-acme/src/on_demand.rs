//! Certificates for names that become known with a handshake: who may ask, and how often.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use portunus_base::{Clock as _, Rate, SystemClock, Wall};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::client::Client;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Names, OnDemandPlan, WAIT_MAX};
use crate::schedule::{later, us};

/// The handle for the path of handshakes; cheap to clone, for any thread.
#[derive(Clone, Debug)]
pub struct OnDemand {
    requests: mpsc::Sender<Request>,
    wait: WaitMax,
}

impl OnDemand {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Request>, WaitMax) {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let wait = WaitMax::default();
        (Self { requests, wait: wait.clone() }, receiver, wait)
    }

    /// Asks for a certificate for a name that has none.
    ///
    /// Waits as long as [`OnDemandPlan::wait`] says, and never for others: when too many wait
    /// already, the answer is [`Wanted::Later`] at once. Needs a tokio runtime.
    pub async fn wanted(&self, name: &str) -> Wanted {
        let Ok(names) = Names::new([name]) else { return Wanted::Refused };
        let (reply, answer) = oneshot::channel();
        if self.requests.try_send(Request { names, reply }).is_err() {
            return Wanted::Later;
        }
        let answer = tokio::time::timeout(self.wait.wait(), answer).await;
        // Too late, or the issuer is gone.
        answer.ok().and_then(Result::ok).unwrap_or(Wanted::Later)
    }
}

/// How long a handshake waits, as the plan says.
#[derive(Clone, Debug)]
pub(crate) struct WaitMax {
    us: Arc<AtomicU64>,
}

impl Default for WaitMax {
    /// For handshakes that come before the first plan.
    fn default() -> Self {
        Self { us: Arc::new(AtomicU64::new(us(WAIT_MAX))) }
    }
}

impl WaitMax {
    pub(crate) fn set(&self, wait: Duration) {
        self.us.store(us(wait), Relaxed);
    }

    fn wait(&self) -> Duration {
        Duration::from_micros(self.us.load(Relaxed))
    }
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// The certificate has been handed out: look again.
    Ready,
    /// There will be none for this name.
    Refused,
    /// There is none now; the client may try again.
    Later,
}

/// A handshake that waits.
#[derive(Debug)]
pub(crate) struct Request {
    pub names: Names,
    pub reply: oneshot::Sender<Wanted>,
}

/// What bounds the questions about names.
pub(crate) struct Gate {
    plan: OnDemandPlan,
    client: Client,
    at_once: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
}

impl Gate {
    pub(crate) fn new(plan: &OnDemandPlan) -> Result<Self, Fault> {
        let client = Client::new(None)
            .map_err(|error| Fault::new(FaultKind::Refused, error.to_string(), "report this"))?;
        let at_once = Arc::new(Semaphore::new(plan.at_once_max));
        let bucket = Mutex::new(Bucket::new(plan.rate));
        Ok(Self { plan: plan.clone(), client, at_once, bucket })
    }

    /// Asks whether a name may have a certificate. What comes back is held while it is ordered.
    pub(crate) async fn pass(&self, name: &str) -> Result<OwnedSemaphorePermit, Fault> {
        let busy = |what: &str| Fault::new(FaultKind::Busy, what, "nothing: it is tried again");
        let at_once = Arc::clone(&self.at_once).try_acquire_owned();
        let permit = at_once.map_err(|_| busy("too many names at once are asked for on demand"))?;
        if !self.bucket.lock().await.take(SystemClock.wall()) {
            return Err(busy("too many names in a time are asked for on demand"));
        }
        self.ask(name).await.map(|()| permit)
    }

    /// Asks whether a name may have a certificate, however many are asked for.
    pub(crate) async fn ask(&self, name: &str) -> Result<(), Fault> {
        let url = &self.plan.ask;
        let joint = if url.contains('?') { '&' } else { '?' };
        let refused = |what: String| {
            Fault::new(
                FaultKind::Refused,
                what,
                "nothing, unless the name should have a certificate",
            )
        };
        let uri = format!("{url}{joint}domain={name}").parse();
        let uri = uri.map_err(|error| refused(format!("{url} is no URL: {error}")))?;
        let status = tokio::time::timeout(ASK_MAX, self.client.status(uri)).await;
        let status = status.map_err(|_| refused(format!("{url} gave no answer in 5 s")))?;
        match status.map_err(|error| refused(error.to_string()))? {
            http::StatusCode::OK => Ok(()),
            status => Err(refused(format!("{url} says no for {name}: {status}"))),
        }
    }
}

/// Tokens that come back evenly: so many at once, and so many in a time.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// When it is full again, if nothing more is taken.
    full_at: Wall,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self { rate, full_at: Wall(0) }
    }

    fn take(&mut self, now: Wall) -> bool {
        let window_us = us(self.rate.window);
        let each_us = window_us / self.rate.count.max(1);
        let full_at = self.full_at.0.max(now.0).saturating_add(each_us);
        let fits = self.rate.count > 0 && full_at - now.0 <= window_us;
        if fits {
            self.full_at = Wall(full_at);
        }
        fits
    }
}

/// Names that were refused, so that a client that goes on asking costs nothing.
#[derive(Debug, Default)]
pub(crate) struct RefusedNames {
    until: HashMap<Names, Wall>,
}

impl RefusedNames {
    pub(crate) fn add(&mut self, names: Names, now: Wall) {
        if self.until.len() >= REFUSED_MAX {
            self.until.retain(|_, until| *until > now);
        }
        // Full of names that are all new: forgetting costs questions, which are bounded too.
        if self.until.len() >= REFUSED_MAX {
            self.until.clear();
        }
        self.until.insert(names, later(now, REFUSED_TIME));
    }

    pub(crate) fn has(&self, names: &Names, now: Wall) -> bool {
        self.until.get(names).is_some_and(|until| *until > now)
    }
}

const REQUESTS_MAX: usize = 256;
const REFUSED_MAX: usize = 10_000;
const REFUSED_TIME: Duration = Duration::from_secs(300);
const ASK_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
