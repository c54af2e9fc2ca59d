//! Handshakes take turns with everything else that a worker does.

use tokio::sync::Semaphore;

/// Lets one step of a handshake run at a time. A step takes up to a few hundred microseconds of computing; whoever
/// waits for his turn is woken behind all that is ready, so between two steps every other connection that has
/// something to do gets to do it.
#[derive(Debug)]
pub struct HandshakeGate(Semaphore);

impl Default for HandshakeGate {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl HandshakeGate {
    /// Runs a step when its turn comes.
    pub(crate) async fn pass<R>(&self, step: impl FnOnce() -> R) -> R {
        let permit = self.0.acquire().await;
        let done = step();
        drop(permit);
        done
    }
}
