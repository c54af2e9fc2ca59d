//! Handshakes take turns with everything else that a worker does.

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// Lets a few steps of handshakes run, then everything else that is ready, then the next few.
///
/// A step computes for up to a few hundred microseconds. A thousand clients that come at once would otherwise keep
/// the worker from all its other connections until the last of them has been served.
#[derive(Debug)]
pub struct HandshakeGate {
    first: Semaphore,
    later: Semaphore,
}

impl Default for HandshakeGate {
    fn default() -> Self {
        Self { first: Semaphore::new(STEPS), later: Semaphore::new(STEPS) }
    }
}

/// Which step of a handshake it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// The one that an exchange of keys and a signature are computed in.
    First,
    /// One after it.
    Later,
}

impl HandshakeGate {
    /// Runs a step when its turn comes.
    ///
    /// Later steps do not queue up behind first ones: where more clients come than can be served, work that was begun
    /// is brought to its end before it is too late for it.
    pub(crate) async fn pass<R>(&self, which: Step, step: impl FnOnce() -> R) -> R {
        let queue = match which {
            Step::First => &self.first,
            Step::Later => &self.later,
        };
        let turn = queue.acquire().await;
        // Whoever is ready now, and whoever's bytes have come meanwhile, goes first. The turn is held across this, or
        // all handshakes that are ready would run in one go.
        yield_now().await;
        let done = step();
        drop(turn);
        done
    }
}

/// How many steps of either kind run in one go: at most about a millisecond.
const STEPS: usize = 4;

#[cfg(test)]
mod tests;
