use portunus_base::{Clock, Rng, Wall, WorkerId};

use super::*;

/// A clock in a thread-local, so that a worker can own it and the test move it.
struct TestClock(Rc<Cell<u64>>);

impl Clock for TestClock {
    fn mono(&self) -> Mono {
        Mono(self.0.get())
    }
    fn wall(&self) -> Wall {
        Wall(self.0.get())
    }
}

fn worker() -> (Worker, Rc<Cell<u64>>) {
    let us = Rc::new(Cell::new(1_000_000));
    let clock = Box::new(TestClock(Rc::clone(&us)));
    (Worker::with_clock(WorkerId(0), clock, Rng::seeded(1)), us)
}

fn advance(worker: &Worker, us: &Cell<u64>, by_ms: u64) {
    us.set(us.get() + by_ms * 1000);
    worker.timers().sweep(worker.resync());
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

#[test]
fn a_deadline_that_moves_on_does_not_fire_at_its_old_time() {
    let (worker, us) = worker();
    let timer = Timer::new(&worker);
    timer.set_after(Duration::from_millis(100));
    let mut wait = pin!(timer.race(std::future::pending::<()>()));
    assert!(poll_once(wait.as_mut()).is_pending());
    advance(&worker, &us, 90);
    timer.set_after(Duration::from_millis(100));
    advance(&worker, &us, 30);
    assert!(poll_once(wait.as_mut()).is_pending());
    advance(&worker, &us, 90);
    assert_eq!(poll_once(wait.as_mut()), Poll::Ready(Err(Elapsed)));
}

#[test]
fn a_deadline_that_moves_nearer_fires_in_time() {
    let (worker, us) = worker();
    let timer = Timer::new(&worker);
    timer.set_after(Duration::from_secs(60));
    timer.set_after(Duration::from_millis(50));
    let mut wait = pin!(timer.race(std::future::pending::<()>()));
    assert!(poll_once(wait.as_mut()).is_pending());
    advance(&worker, &us, 80);
    assert_eq!(poll_once(wait.as_mut()), Poll::Ready(Err(Elapsed)));
}

#[test]
fn busy_connections_file_their_entry_rarely() {
    let (worker, us) = worker();
    let timer = Timer::new(&worker);
    for _ in 0..10_000 {
        timer.set_after(Duration::from_secs(10));
        timer.set_after(Duration::from_secs(60));
        us.set(us.get() + 10);
        worker.refresh();
    }
    let filed: usize = worker.timers().filed.borrow().values().map(Vec::len).sum();
    assert_eq!(filed, 1);
}

#[test]
fn copies_of_an_entry_that_moved_nearer_die_at_their_tick() {
    let (worker, us) = worker();
    let timer = Timer::new(&worker);
    for _ in 0..1000 {
        timer.set_after(Duration::from_secs(60));
        timer.set_after(Duration::from_secs(10));
        timer.set_after(Duration::from_secs(60));
        advance(&worker, &us, 11_000);
    }
    let filed: usize = worker.timers().filed.borrow().values().map(Vec::len).sum();
    assert!(filed < 10, "{filed} copies of one entry");
    assert!(timer.deadline() > worker.now());
}

#[test]
fn dropped_timers_leave_nothing_behind() {
    let (worker, us) = worker();
    for n in 0..1000 {
        let timer = Timer::new(&worker);
        timer.set_after(Duration::from_millis(10 + n % 50));
    }
    advance(&worker, &us, 1000);
    assert!(worker.timers().filed.borrow().is_empty());
}
