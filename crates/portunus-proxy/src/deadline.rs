//! The one movable deadline of a connection, under the bound of the whole exchange.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use portunus_base::Mono;
use portunus_exchange::{ErrorKind, ProxyError};
use portunus_worker::{Timer, Worker};

/// Bounds each wait of a connection. Clones share the one deadline.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    worker: Worker,
    timer: Timer,
    total: Cell<Mono>,
}

impl Deadline {
    pub(crate) fn new(worker: &Worker) -> Self {
        let total = Cell::new(Mono::NEVER);
        Self { inner: Rc::new(Inner { worker: worker.clone(), timer: Timer::new(worker), total }) }
    }

    /// Bounds the whole exchange from now on; None lifts the bound.
    pub(crate) fn set_total(&self, after: Option<Duration>) {
        let total = after.map_or(Mono::NEVER, |after| self.inner.worker.now().after(after));
        self.inner.total.set(total);
    }

    /// Takes over the bound of the whole exchange from `other`.
    pub(crate) fn follow(&self, other: &Self) {
        self.inner.total.set(other.inner.total.get());
    }

    /// How much is left for the whole exchange; None where it is not bound.
    pub(crate) fn left(&self) -> Option<Duration> {
        let Inner { worker, total, .. } = &*self.inner;
        let total = Some(total.get()).filter(|total| *total != Mono::NEVER)?;
        Some(Duration::from_micros(total.since_us(worker.now())))
    }

    /// Waits for `future`; `late` is the failure when it takes longer than `after`.
    pub(crate) async fn bound<F: Future>(
        &self,
        after: Duration,
        late: ProxyError,
        future: F,
    ) -> Result<F::Output, ProxyError> {
        let Inner { worker, timer, total } = &*self.inner;
        timer.set(worker.now().after(after).min(total.get()));
        timer.race(future).await.map_err(|_| self.overdue(late))
    }

    fn overdue(&self, late: ProxyError) -> ProxyError {
        if self.inner.worker.now() >= self.inner.total.get() {
            return ProxyError::local(ErrorKind::RequestTimeout);
        }
        late
    }
}
