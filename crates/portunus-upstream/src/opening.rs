//! One attempt to open a connection, shared by all who need it: a cold pool must not make a hundred connections for a
//! hundred requests that one could carry.

use std::cell::Cell;
use std::rc::Rc;

use portunus_exchange::ProxyError;
use tokio::sync::Notify;

/// Held by whoever opens a connection. Dropped without a word, it lets those who wait look again.
#[derive(Debug)]
pub struct Opening {
    pending: Option<Rc<Pending>>,
}

/// The same attempt, for those who wait for it.
#[derive(Debug, Default)]
pub struct Pending {
    waiting: Cell<usize>,
    over: Cell<bool>,
    failed: Cell<Option<ProxyError>>,
    ended: Notify,
}

impl Opening {
    /// An attempt that is nobody else's: what it gives cannot be shared.
    #[must_use]
    pub fn alone() -> Self {
        Self { pending: None }
    }

    pub(crate) fn shared() -> (Self, Rc<Pending>) {
        let pending = Rc::new(Pending::default());
        (Self { pending: Some(Rc::clone(&pending)) }, pending)
    }

    /// There will be no connection; those who wait fail alike.
    pub fn fail(self, error: ProxyError) {
        self.pending.iter().for_each(|pending| pending.failed.set(Some(error)));
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.pending.iter().for_each(|pending| {
            pending.over.set(true);
            pending.ended.notify_waiters();
        });
    }
}

impl Pending {
    /// Waits for the end of the attempt.
    ///
    /// # Errors
    /// That of the attempt.
    pub async fn wait(&self) -> Result<(), ProxyError> {
        let _waiting = Waiting::new(self);
        while !self.over.get() {
            self.ended.notified().await;
        }
        self.failed.get().map_or(Ok(()), Err)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.get()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }
}

/// Counts one who waits.
struct Waiting<'p>(&'p Pending);

impl<'p> Waiting<'p> {
    fn new(pending: &'p Pending) -> Self {
        pending.waiting.set(pending.waiting.get() + 1);
        Self(pending)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
