//! What the tasks of one worker share: time, randomness, timers.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use portunus_base::{Clock, Mono, Rng, SystemClock, Wall, WorkerId};

use crate::Timers;

/// One worker: a thread with its runtime. Cheap to clone; never leaves its thread.
#[derive(Clone)]
pub struct Worker {
    inner: Rc<Inner>,
}

struct Inner {
    id: WorkerId,
    clock: Box<dyn Clock>,
    now: Cell<Mono>,
    wall: Cell<Wall>,
    rng: RefCell<Rng>,
    timers: Timers,
}

impl Worker {
    /// The worker of this thread, on the system's clock.
    #[must_use]
    pub fn new(id: WorkerId) -> Self {
        Self::with_clock(id, Box::new(SystemClock), Rng::from_system())
    }

    /// A worker whose time and randomness are given: for simulations.
    #[must_use]
    pub fn with_clock(id: WorkerId, clock: Box<dyn Clock>, rng: Rng) -> Self {
        let (now, wall) = (Cell::new(clock.mono()), Cell::new(clock.wall()));
        let timers = Timers::default();
        Self { inner: Rc::new(Inner { id, clock, now, wall, rng: RefCell::new(rng), timers }) }
    }

    /// Which worker this is.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.inner.id
    }

    /// Cached monotonic time: as of the last [`Worker::refresh`].
    #[must_use]
    pub fn now(&self) -> Mono {
        self.inner.now.get()
    }

    /// Cached wall time; as fine as the timers' tick.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.inner.wall.get()
    }

    /// Reads the monotonic clock, and moves cached wall time on by as much.
    pub fn refresh(&self) -> Mono {
        let (before, now) = (self.inner.now.get(), self.inner.clock.mono());
        self.inner.now.set(now);
        self.inner.wall.set(Wall(self.inner.wall.get().0 + now.since_us(before)));
        now
    }

    /// Reads both clocks: wall time may have been set.
    pub fn resync(&self) -> Mono {
        self.inner.now.set(self.inner.clock.mono());
        self.inner.wall.set(self.inner.clock.wall());
        self.now()
    }

    /// Uses the worker's generator.
    pub fn random<R>(&self, draw: impl FnOnce(&mut Rng) -> R) -> R {
        draw(&mut self.inner.rng.borrow_mut())
    }

    /// The worker's timers.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.inner.timers
    }

    /// Starts a task on this worker.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(task);
    }

    /// Drives the timers; runs as long as the worker does.
    pub async fn run_timers(self) {
        self.inner.timers.run(&self).await;
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker({})", self.inner.id)
    }
}
