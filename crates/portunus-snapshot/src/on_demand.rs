//! Certificates that are asked for when a client first names a host.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Whom handshakes ask for a certificate that is not there. Set by control, asked by every worker without a lock.
#[derive(Default)]
pub struct OnDemand {
    ask: ArcSwapOption<Ask>,
}

/// Ends when there is a certificate, or there will be none soon. Waits without blocking, for a bounded time.
pub type Asking = Pin<Box<dyn Future<Output = ()> + Send>>;

type Ask = Box<dyn Fn(&str) -> Asking + Send + Sync>;

impl OnDemand {
    /// Lets `ask` be asked from now on. What bounds the names, the questions and the waits is its own.
    pub fn set(&self, ask: impl Fn(&str) -> Asking + Send + Sync + 'static) {
        self.ask.store(Some(Arc::new(Box::new(ask))));
    }

    /// Asks for a certificate for a name, and waits. The store of certificates knows then whether there is one.
    pub async fn wanted(&self, name: &str) {
        let asking = self.ask.load().as_ref().map(|ask| ask(name));
        if let Some(asking) = asking {
            asking.await;
        }
    }
}

impl fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
