//! Handshakes take turns with everything else that a worker does.

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// Lets a few steps of handshakes run, then everything else that is ready, then the next few.
///
/// A step computes for up to a few hundred microseconds. A thousand clients that come at once would otherwise keep
/// the worker from all its other connections until the last of them has been served.
#[derive(Debug)]
pub struct HandshakeGate(Semaphore);

impl Default for HandshakeGate {
    fn default() -> Self {
        Self(Semaphore::new(STEPS))
    }
}

impl HandshakeGate {
    /// Runs a step when its turn comes.
    pub(crate) async fn pass<R>(&self, step: impl FnOnce() -> R) -> R {
        let turn = self.0.acquire().await;
        // Whoever is ready now, and whoever's bytes have come meanwhile, goes first. The turn is held across this, or
        // all handshakes that are ready would run in one go.
        yield_now().await;
        let done = step();
        drop(turn);
        done
    }
}

/// How many steps run in one go: at most about a millisecond.
const STEPS: usize = 4;

#[cfg(test)]
mod tests;
