//! The one movable deadline of a connection, under the bound of the whole exchange.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use portunus_base::Mono;
use portunus_exchange::{ErrorKind, ProxyError};
use portunus_worker::{Timer, Worker};

use crate::floor::{Floor, Late};

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

    /// Waits for the client, which may pause for `idle` and must keep to `floor`; it is `slow` where it does not. What
    /// needs no wait costs no look at a clock. `progress` is how far the client is, as [`Floor::wait`] wants it: it is asked
    /// when a wait begins, and before the client is cut.
    pub(crate) async fn paced<F: Future>(
        &self,
        floor: &Floor,
        idle: Duration,
        slow: ProxyError,
        progress: impl Fn() -> u64,
        future: F,
    ) -> Result<F::Output, ProxyError> {
        let Inner { worker, timer, total } = &*self.inner;
        let mut future = pin!(future);
        // A wait before this one may have been given up.
        floor.stop();
        loop {
            let watched = poll_fn(|cx| {
                let polled = future.as_mut().poll(cx);
                if polled.is_pending() && !floor.is_waiting() {
                    floor.wait(worker.refresh(), progress());
                    timer.set(floor.due(idle).min(total.get()));
                }
                polled
            });
            if let Ok(output) = timer.race(watched).await {
                if floor.is_waiting() {
                    floor.rest(worker.refresh());
                }
                return Ok(output);
            }
            let now = worker.refresh();
            floor.look(now, progress());
            let late = floor.late(idle, now);
            if worker.now() >= total.get() || late == Some(Late::Silent) {
                return Err(self.overdue(SILENT));
            }
            if late == Some(Late::Slow) {
                return Err(slow);
            }
            // It has paid since the deadline was set.
            timer.set(floor.due(idle).min(total.get()));
        }
    }

    /// Lets the wait that is under way last until `at` at most.
    pub(crate) fn no_later(&self, at: Mono) {
        let timer = &self.inner.timer;
        timer.set(timer.deadline().min(at));
    }

    /// Now, as a clock tells.
    pub(crate) fn refresh(&self) -> Mono {
        self.inner.worker.refresh()
    }

    fn overdue(&self, late: ProxyError) -> ProxyError {
        if self.inner.worker.now() >= self.inner.total.get() {
            return ProxyError::local(ErrorKind::RequestTimeout);
        }
        late
    }
}

const SILENT: ProxyError = ProxyError::client(ErrorKind::ClientTimeout);
