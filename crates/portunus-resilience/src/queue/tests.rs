use std::pin::{Pin, pin};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::Wake;
use std::thread::{self, Thread};

use proptest::prelude::*;

use super::*;

/// Places that are taken and given back.
#[derive(Debug, Default)]
struct Places {
    taken: AtomicU32,
    max: AtomicU32,
}

impl Places {
    fn new(max: u32) -> Self {
        Self { taken: AtomicU32::new(0), max: AtomicU32::new(max) }
    }

    fn take(&self) -> Option<((), u32)> {
        let max = self.max.load(Relaxed);
        let step = |taken: u32| (taken < max).then_some(taken + 1);
        let before = self.taken.fetch_update(SeqCst, SeqCst, step).ok()?;
        Some(((), max - before - 1))
    }

    fn give(&self, queue: &Queue) {
        let before = self.taken.fetch_sub(1, SeqCst);
        assert!((1..=self.max.load(Relaxed)).contains(&before));
        queue.call(0);
    }
}

fn wish(key: u64, priority: Priority, max: u32) -> Wish {
    Wish { key, priority, sight: 0, max, key_max: u32::MAX }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

type Wait<'p> = Pin<Box<dyn Future<Output = Result<(), PushedOut>> + 'p>>;

/// Somebody who waits, and is only looked at when woken.
struct Waiter<'p> {
    name: usize,
    woken: Arc<Flag>,
    wait: Wait<'p>,
}

impl<'p> Waiter<'p> {
    fn join(name: usize, queue: &Arc<Queue>, places: &'p Places, priority: Priority) -> Self {
        Self::try_join(name, queue, places, priority, u32::MAX).unwrap()
    }

    fn try_join(
        name: usize,
        queue: &Arc<Queue>,
        places: &'p Places,
        priority: Priority,
        max: u32,
    ) -> Result<Self, Full> {
        let turn = queue.join(wish(0, priority, max))?;
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        Ok(Self { name, woken, wait: Box::pin(turn.wait(|| places.take())) })
    }

    fn look(&mut self) -> Poll<Result<(), PushedOut>> {
        if !self.woken.0.swap(false, SeqCst) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        self.wait.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

/// Lets all who are woken run until nothing happens any more: who was served, and who pushed out, in order.
fn settle(waiters: &mut Vec<Waiter<'_>>) -> (Vec<usize>, Vec<usize>) {
    let (mut served, mut pushed_out) = (Vec::new(), Vec::new());
    while waiters.iter().any(|waiter| waiter.woken.0.load(SeqCst)) {
        waiters.retain_mut(|waiter| match waiter.look() {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => {
                served.push(waiter.name);
                false
            }
            Poll::Ready(Err(PushedOut)) => {
                pushed_out.push(waiter.name);
                false
            }
        });
    }
    (served, pushed_out)
}

#[test]
fn who_came_first_is_served_first_and_a_higher_class_before_it() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    places.take().unwrap();
    let classes = [Priority::Normal, Priority::Low, Priority::Normal, Priority::High];
    let join = |(name, class): (usize, &Priority)| Waiter::join(name, &queue, &places, *class);
    let mut waiters: Vec<_> = classes.iter().enumerate().map(join).collect();
    assert_eq!(settle(&mut waiters), (vec![], vec![]));
    assert_eq!(queue.waiting(), 4);
    for name in [3, 0, 2, 1] {
        places.give(&queue);
        assert_eq!(settle(&mut waiters), (vec![name], vec![]));
    }
    assert_eq!(queue.waiting(), 0);
    assert!(!queue.is_waited_for(0));
}

#[test]
fn one_place_wakes_one() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    places.take().unwrap();
    let mut waiters: Vec<_> =
        (0..10).map(|name| Waiter::join(name, &queue, &places, Priority::Normal)).collect();
    settle(&mut waiters);
    places.give(&queue);
    let woken = waiters.iter().filter(|waiter| waiter.woken.0.load(SeqCst)).count();
    assert_eq!(woken, 1);
    assert_eq!(settle(&mut waiters).0, [0]);
}

#[test]
fn who_finds_the_line_empty_looks_for_itself() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    // Freed after the last look and before joining: nobody calls.
    let mut waiters = vec![Waiter::join(0, &queue, &places, Priority::Normal)];
    assert_eq!(settle(&mut waiters).0, [0]);
}

#[test]
fn a_call_is_passed_on_by_who_goes_away() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    places.take().unwrap();
    let mut waiters: Vec<_> =
        (0..3).map(|name| Waiter::join(name, &queue, &places, Priority::Normal)).collect();
    settle(&mut waiters);
    places.give(&queue);
    // The first one is told, and goes without having looked.
    drop(waiters.remove(0));
    assert_eq!(settle(&mut waiters).0, [1]);
    // Others go without having been called.
    drop(waiters);
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn more_room_than_one_place_lets_more_in() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    places.take().unwrap();
    let mut waiters: Vec<_> =
        (0..5).map(|name| Waiter::join(name, &queue, &places, Priority::Normal)).collect();
    settle(&mut waiters);
    places.max.store(3, Relaxed);
    places.give(&queue);
    assert_eq!(settle(&mut waiters).0, [0, 1, 2]);
}

#[test]
fn a_full_line_has_room_for_a_higher_class() {
    let (queue, places) = (Arc::new(Queue::default()), Places::new(1));
    places.take().unwrap();
    let join = |name, class| Waiter::try_join(name, &queue, &places, class, 2);
    let mut waiters = vec![join(0, Priority::Normal).unwrap(), join(1, Priority::Low).unwrap()];
    settle(&mut waiters);
    assert!(join(2, Priority::Low).is_err());
    waiters.push(join(3, Priority::Normal).unwrap());
    assert_eq!(settle(&mut waiters), (vec![], vec![1]));
    assert!(join(4, Priority::Normal).is_err());
    waiters.push(join(5, Priority::High).unwrap());
    assert_eq!(settle(&mut waiters), (vec![], vec![3]));
    assert_eq!(queue.waiting(), 2);
    places.give(&queue);
    assert_eq!(settle(&mut waiters).0, [5]);
}

#[test]
fn keys_have_lines_of_their_own() {
    let queue = Arc::new(Queue::default());
    let mut takes = [0; 2];
    let [one, two] = &mut takes;
    let waiter = |key, count: &mut u32| {
        let turn = queue.join(wish(key, Priority::Normal, 9)).unwrap();
        let mut wait = Box::pin(turn.wait(move || {
            *count += 1;
            None::<((), u32)>
        }));
        let _ = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(wait);
    };
    waiter(1, one);
    waiter(2, two);
    assert_eq!(takes, [1, 1]);
    let _first = queue.join(wish(1, Priority::Normal, 2)).unwrap();
    assert!(queue.is_waited_for(1) && !queue.is_waited_for(2));
    let _second = queue.join(wish(2, Priority::Normal, 2)).unwrap();
    // The bound is over all of them.
    assert!(queue.join(wish(1, Priority::Normal, 2)).is_err());
}

#[test]
fn one_key_cannot_fill_the_queue_for_all() {
    let queue = Arc::new(Queue::default());
    let join = |key| queue.join(Wish { key_max: 2, ..wish(key, Priority::Normal, 9) });
    let _some = [join(1).unwrap(), join(1).unwrap()];
    assert_eq!(join(1).unwrap_err(), Full);
    assert!(join(2).is_ok());
}

/// Four who look where nothing is to be found, and one behind them who would find a place.
#[test]
fn a_call_goes_on_to_who_sees_from_elsewhere_and_to_nobody_twice() {
    let queue = Arc::new(Queue::default());
    let (free, looks) = (AtomicBool::new(false), AtomicU32::new(0));
    let (free, looks) = (&free, &looks);
    let join = |(name, sight): (usize, u64)| {
        let turn = queue.join(Wish { sight, ..wish(0, Priority::Normal, 9) }).unwrap();
        let take = move || {
            looks.fetch_add(1, SeqCst);
            (sight == 2 && free.swap(false, SeqCst)).then_some(((), 0))
        };
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        let wait: Wait<'_> = Box::pin(turn.wait(take));
        Waiter { name, woken, wait }
    };
    let mut waiters: Vec<_> = [1, 1, 3, 1, 2, 2].into_iter().enumerate().map(join).collect();
    assert_eq!(settle(&mut waiters), (vec![], vec![]));
    looks.store(0, SeqCst);
    free.store(true, SeqCst);
    queue.call(0);
    assert_eq!(settle(&mut waiters).0, [4]);
    assert_eq!(looks.swap(0, SeqCst), 3);
    queue.call(0);
    assert_eq!(settle(&mut waiters).0, [0usize; 0]);
    assert_eq!(looks.load(SeqCst), 3);
}

#[test]
fn ends_are_counted() {
    let queue = Queue::default();
    queue.note(WaitEnd::Served, Duration::from_millis(3));
    queue.note(WaitEnd::Served, Duration::from_millis(4));
    queue.note(WaitEnd::Full, Duration::ZERO);
    let ended = WaitEnd::ALL.map(|end| queue.ended(end));
    assert_eq!((ended, queue.waited()), ([2, 0, 1, 0, 0], Duration::from_millis(7)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(u8),
    /// Somebody who does not wait takes a place.
    Steal,
    Give,
    GoAway(usize),
    /// One who is woken runs, and others do not yet.
    Run(usize),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..3).prop_map(Step::Join),
        1 => Just(Step::Steal),
        3 => Just(Step::Give),
        1 => (0usize..8).prop_map(Step::GoAway),
        3 => (0usize..8).prop_map(Step::Run),
        1 => Just(Step::Settle),
    ]
}

fn class(number: u8) -> Priority {
    match number {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    }
}

proptest! {
    /// Whatever happens in whatever order: when all who are woken have run, nobody waits beside a free place, and
    /// nobody else than those who wait is counted.
    #[test]
    fn nobody_is_forgotten(max in 1u32..4, steps in prop::collection::vec(step(), 0..60)) {
        let (queue, places) = (Arc::new(Queue::default()), Places::new(max));
        let mut waiters: Vec<Waiter<'_>> = Vec::new();
        for (name, step) in steps.into_iter().enumerate() {
            match step {
                Step::Join(number) => {
                    // As many as six wait.
                    waiters.extend(Waiter::try_join(name, &queue, &places, class(number), 6));
                }
                Step::Steal => _ = places.take(),
                Step::Give if places.taken.load(SeqCst) > 0 => places.give(&queue),
                Step::Give => {}
                Step::GoAway(index) if index < waiters.len() => drop(waiters.remove(index)),
                Step::Run(index) if index < waiters.len() => {
                    if waiters[index].look().is_ready() {
                        waiters.remove(index);
                    }
                }
                Step::GoAway(_) | Step::Run(_) => {}
                Step::Settle => {
                    settle(&mut waiters);
                    prop_assert!(waiters.is_empty() || places.taken.load(SeqCst) == max);
                    prop_assert_eq!(queue.waiting() as usize, waiters.len());
                }
            }
        }
        settle(&mut waiters);
        prop_assert!(waiters.is_empty() || places.taken.load(SeqCst) == max);
        while !waiters.is_empty() {
            places.give(&queue);
            prop_assert!(!settle(&mut waiters).0.is_empty());
        }
        prop_assert_eq!(queue.waiting(), 0);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future; false when it was given up after so many looks.
fn run(wait: impl Future<Output = Result<(), PushedOut>>, looks_max: u32) -> bool {
    let mut wait = pin!(wait);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    for _ in 0..looks_max {
        match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ended) => return ended.is_ok(),
            Poll::Pending if looks_max < u32::MAX => thread::yield_now(),
            Poll::Pending => thread::park(),
        }
    }
    false
}

/// Threads that take places and give them back without end, as fast as they can. One that were forgotten would park for
/// ever, and the test would not end.
#[test]
fn threads_that_hurry_lose_no_place_and_forget_nobody() {
    for max in [1, 2, 3] {
        let (queue, places) = (Arc::new(Queue::default()), Places::new(max));
        let (queue, places) = (&queue, &places);
        let work = |thread: u32| {
            for turn in 0..2_000u32 {
                // Some do not wait to the end.
                let looks_max = if (turn + thread).is_multiple_of(5) { 2 } else { u32::MAX };
                let taken = !queue.is_waited_for(0) && places.take().is_some() || {
                    let turn = queue.join(wish(0, class((turn % 3) as u8), u32::MAX)).unwrap();
                    run(turn.wait(|| places.take()), looks_max)
                };
                if taken {
                    places.give(queue);
                }
            }
        };
        thread::scope(|scope| (0..4).for_each(|thread| _ = scope.spawn(move || work(thread))));
        assert_eq!((places.taken.load(SeqCst), queue.waiting()), (0, 0));
    }
}
