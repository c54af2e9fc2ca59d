//! How threads may take turns within the lock-free structures, tried out some thousand times: `cargo xtask test` runs
//! this with the feature `shuttle`. The scheduler knows one order of all accesses, so it says nothing of weaker ones.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use portunus_base::{Mono, Rate};
use shuttle::sync::atomic::{AtomicU32, Ordering::SeqCst};
use shuttle::thread;

use crate::table::{KEEP, Table};
use crate::{Acquired, Breaker, BreakerRule, Budget, Concurrency, Gcra, Priority, Queue, Wish};

/// Runs `scenario` under many schedules: random ones, and such that favour few switches at the worst places.
fn under_many_schedules(scenario: impl Fn() + Copy + Send + Sync + 'static) {
    shuttle::check_random(scenario, SCHEDULES);
    shuttle::check_pct(scenario, SCHEDULES, 3);
}

/// Runs `work` on several threads at once, until all are done.
fn on_threads(count: u32, work: impl Fn(u32) + Clone + Send + 'static) {
    let start = |number| {
        let work = work.clone();
        thread::spawn(move || work(number))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_key_that_several_bring_in_has_one_word() {
    under_many_schedules(|| {
        let table = Arc::new(Table::new(1));
        let shared = Arc::clone(&table);
        on_threads(3, move |_| {
            let counted = shared.update(KEY, |_| KEEP, |word| (word + 1, ()));
            assert!(counted.is_some());
        });
        assert_eq!(table.word(KEY), 3);
        assert_eq!(table.words().count(), 1);
    });
}

#[test]
fn a_kept_key_stays_exact_while_others_are_forgotten() {
    under_many_schedules(|| {
        let table = Arc::new(Table::new(1));
        // The bucket is full but for two places.
        for other in 0..6 {
            table.update(key(other + 10), |_| 0, |_| (1, ()));
        }
        let shared = Arc::clone(&table);
        on_threads(3, move |number| {
            let loss = |word: u64| if word >= KEPT { KEEP } else { 0 };
            match number {
                0 => (0..3).for_each(|other| {
                    shared.update(key(other + 20), loss, |_| (1, ()));
                }),
                _ => {
                    let step = |word: u64| (word.max(KEPT) + 1, ());
                    assert!(shared.update(KEY, loss, step).is_some());
                }
            }
        });
        assert_eq!(table.word(KEY), KEPT + 2);
    });
}

#[test]
fn no_more_permits_are_held_than_there_are() {
    under_many_schedules(|| {
        let permits = Arc::new(Concurrency::new(1));
        let held = Arc::new(AtomicU32::new(0));
        let (shared, holding) = (Arc::clone(&permits), Arc::clone(&held));
        on_threads(3, move |_| match shared.acquire(KEY, 2) {
            Acquired::Allowed(Some(permit)) => {
                assert!(holding.fetch_add(1, SeqCst) < 2);
                holding.fetch_sub(1, SeqCst);
                drop(permit);
            }
            Acquired::Allowed(None) => panic!("there is room for one key"),
            Acquired::Refused => {}
        });
        assert_eq!(permits.held(KEY), 0);
    });
}

#[test]
fn a_budget_is_spent_once() {
    under_many_schedules(|| {
        let gcra = Arc::new(Gcra::new(1));
        let rate = Rate { count: 1, window: Duration::from_secs(3600) };
        let budget = Budget::new(rate, 2).unwrap();
        let admitted = Arc::new(AtomicU32::new(0));
        let (shared, counted) = (Arc::clone(&gcra), Arc::clone(&admitted));
        on_threads(3, move |_| {
            if shared.admit(KEY, &budget, 1, Mono(1)).allowed {
                counted.fetch_add(1, SeqCst);
            }
        });
        assert_eq!(admitted.load(SeqCst), 2);
    });
}

#[test]
fn a_half_open_breaker_lets_one_probe_pass_and_never_sticks() {
    under_many_schedules(|| {
        let breaker = Arc::new(Breaker::default());
        let failure = breaker.ask(&RULE, Mono(1)).unwrap();
        breaker.settle(failure, true, &RULE, Mono(1));
        let later = Mono(1).after(RULE.open_for);
        let passing = Arc::new(AtomicU32::new(0));
        let (shared, counted) = (Arc::clone(&breaker), Arc::clone(&passing));
        on_threads(3, move |number| {
            let Ok(pass) = shared.ask(&RULE, later) else { return };
            assert_eq!(counted.fetch_add(1, SeqCst), 0, "a second probe is under way");
            counted.fetch_sub(1, SeqCst);
            match number {
                0 => shared.forget(pass),
                _ => shared.settle(pass, true, &RULE, later),
            }
        });
        let after_all = later.after(RULE.open_for);
        assert!(breaker.ask(&RULE, after_all).is_ok(), "somebody may try again");
    });
}

/// Three want one of two places, or one, and give them back; one of them goes away without waiting to the end. Whoever were
/// forgotten would wait for ever, which the scheduler reports.
#[test]
fn nobody_who_waits_is_forgotten() {
    under_many_schedules(|| places_in_turn(1));
    under_many_schedules(|| places_in_turn(2));
}

fn places_in_turn(max: u32) {
    let queue = Arc::new(Queue::default());
    let taken = Arc::new(AtomicU32::new(0));
    let (shared, places) = (Arc::clone(&queue), Arc::clone(&taken));
    on_threads(3, move |number| {
        let take = || {
            let more = |count: u32| (count < max).then_some(count + 1);
            let before = places.fetch_update(SeqCst, SeqCst, more).ok()?;
            Some(((), max - before - 1))
        };
        if shared.is_waited_for(KEY) || take().is_none() {
            let (sight, priority) = (u64::from(number), Priority::Normal);
            let wish = Wish { key: KEY, priority, sight, max: 2, key_max: 2 };
            let Ok(turn) = shared.join(wish) else { return };
            let wait = turn.wait(take);
            if number == 0 {
                let mut wait = std::pin::pin!(wait);
                let mut cx = Context::from_waker(Waker::noop());
                if wait.as_mut().poll(&mut cx).is_pending() {
                    return;
                }
            } else {
                shuttle::future::block_on(wait).unwrap();
            }
        }
        assert!((1..=max).contains(&places.fetch_sub(1, SeqCst)));
        shared.call(KEY);
    });
    assert_eq!((taken.load(SeqCst), queue.waiting()), (0, 0));
}

/// A key of the table: what tells keys apart are its upper bits.
fn key(number: u64) -> u64 {
    number << 20
}

const KEY: u64 = 1 << 20;
/// The least word that is not forgotten.
const KEPT: u64 = 1000;
const SCHEDULES: usize = 5_000;
const RULE: BreakerRule = BreakerRule {
    error_rate: 0.5,
    over: Duration::from_secs(10),
    open_for: Duration::from_secs(5),
    min_requests: 1,
    probes: 1,
};
