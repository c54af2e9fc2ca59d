//! The seam of discovery: what a provider is, what it pushes, and how it ends.

use std::pin::Pin;
use std::sync::Arc;

use portunus_balance::Address;
use tokio::sync::watch;

/// A source of endpoints.
pub trait Provider: Send {
    /// Pushes whole sets into `sink` until `stop`, or until it has pushed a set that never changes.
    ///
    /// Runs on the control runtime. After a failure the last good set stays; the provider logs the
    /// error and tries again. Only before the first answer does a failure push: an empty set.
    fn run(self: Box<Self>, sink: Sink, stop: Stop) -> ProviderFuture;
}

/// The run of a provider.
pub type ProviderFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One endpoint that a provider found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Discovered {
    /// Where to connect.
    pub address: Address,
    /// As the user or the source names it, for labels and logs.
    pub name: String,
    /// Value of `Host` when the client's is not kept.
    pub authority: String,
    /// Its part of the traffic.
    pub weight: u32,
    /// Where it runs.
    pub zone: Option<Arc<str>>,
    /// Used only when no other endpoint can be.
    pub backup: bool,
}

/// All endpoints that a provider knows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DiscoveredSet {
    /// Grows by one with each set that differs from the one before; 0 until the first set.
    pub version: u64,
    /// In the provider's order; the same endpoints always come in the same order.
    pub endpoints: Vec<Discovered>,
}

/// Where a provider pushes its sets.
#[derive(Debug)]
pub struct Sink {
    sets: watch::Sender<DiscoveredSet>,
}

impl Sink {
    /// A sink and the end where its sets arrive.
    #[must_use]
    pub fn pair() -> (Self, Feed) {
        let (sender, receiver) = watch::channel(DiscoveredSet::default());
        (Self { sets: sender }, Feed { sets: receiver })
    }

    /// Replaces the set. The other end hears of it only when it differs from the last one.
    pub fn push(&self, endpoints: Vec<Discovered>) {
        self.sets.send_if_modified(|set| {
            let new = set.version == 0 || set.endpoints != endpoints;
            if new {
                *set = DiscoveredSet { version: set.version + 1, endpoints };
            }
            new
        });
    }
}

/// Where the sets of a provider arrive. Only the newest one is kept.
#[derive(Clone, Debug)]
pub struct Feed {
    sets: watch::Receiver<DiscoveredSet>,
}

impl Feed {
    /// Waits for a set that was not seen yet; `None` when the provider has ended and pushes no
    /// more. Cancel-safe.
    pub async fn next(&mut self) -> Option<DiscoveredSet> {
        self.sets.changed().await.ok()?;
        Some(self.sets.borrow_and_update().clone())
    }

    /// The newest set, seen or not; of version 0 when there is none yet.
    #[must_use]
    pub fn latest(&self) -> DiscoveredSet {
        self.sets.borrow().clone()
    }
}

/// Tells a provider to end. Dropping it does the same.
#[derive(Debug)]
pub struct StopHandle {
    stop: watch::Sender<bool>,
}

impl StopHandle {
    /// Asks the provider to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// By which a provider learns that it has to end.
#[derive(Clone, Debug)]
pub struct Stop {
    stop: watch::Receiver<bool>,
}

impl Stop {
    /// A handle and what it stops.
    #[must_use]
    pub fn pair() -> (StopHandle, Self) {
        let (sender, receiver) = watch::channel(false);
        (StopHandle { stop: sender }, Self { stop: receiver })
    }

    /// Waits until the provider has to end. Cancel-safe.
    pub async fn stopped(&mut self) {
        // An error is a handle that was dropped, which is a stop too.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

#[cfg(test)]
mod tests;
