use std::sync::atomic::{AtomicU32, Ordering};

use portunus_base::{Clock, SystemClock};

use super::*;
use crate::{Leased, Leases};

async fn lease(
    shared: &Shared,
    leases: &Leases,
    quota: &SharedQuota,
) -> Result<Answer, SharedError> {
    match leases.try_admit(shared, quota, b"key", 1, SystemClock.mono()) {
        Leased::Local(answer) => Ok(answer),
        Leased::Failed(error) => Err(error),
        Leased::Ask(future) => future.await,
    }
}

#[test]
fn a_busy_key_asks_seldom() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota, leases) = (shared(&server), hourly(100_000), Leases::default());
        let quota = quota.with_batch(500);
        for _ in 0..10_000 {
            assert!(lease(&shared, &leases, &quota).await.unwrap().allowed);
            // What was asked ahead goes on.
            tokio::task::yield_now().await;
        }
        let asked = server.calls("evalsha");
        assert!(asked < 60, "{asked} asks");
    });
}

/// Over the whole time no more than the limit, and no less than the limit without what the other workers hold.
#[test]
fn the_error_is_what_workers_hold() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (shared, quota) = (shared(&server), hourly(1000).with_batch(20));
    let admitted = AtomicU32::new(0);
    let spend = || {
        worker(async || {
            let leases = Leases::default();
            for _ in 0..600 {
                let answer = lease(&shared, &leases, &quota).await.unwrap();
                admitted.fetch_add(u32::from(answer.allowed), Ordering::Relaxed);
            }
        });
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(spend))));
    let sum = admitted.into_inner();
    assert!((1000 - 3 * 20..=1000).contains(&sum), "{sum}");
}

#[test]
fn many_at_once_share_one_ask() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota, leases) = (shared(&server), hourly(70), Leases::default());
        assert!(lease(&shared, &leases, &quota).await.unwrap().allowed);
        let mut asks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            match leases.try_admit(&shared, &quota, b"key", 1, SystemClock.mono()) {
                Leased::Ask(future) => drop(asks.spawn_local(future)),
                _ => panic!("nothing is held"),
            }
        }
        let answers = asks.join_all().await;
        let allowed = answers.iter().filter(|answer| answer.as_ref().unwrap().allowed).count();
        assert_eq!(allowed, 69);
        let asked = server.calls("evalsha");
        assert!(asked < 20, "{asked} asks");
    });
}

#[test]
fn tokens_that_are_held_outlive_redis() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota, leases) = (shared(&server), hourly(1000), Leases::default());
        let quota = quota.with_batch(100);
        for _ in 0..5 {
            assert!(lease(&shared, &leases, &quota).await.unwrap().allowed);
        }
        server.kill();
        let mut admitted = 0;
        while lease(&shared, &leases, &quota).await.is_ok() {
            admitted += 1;
        }
        assert!((1..=100).contains(&admitted), "{admitted}");
    });
}

#[test]
fn spending_allocates_nothing_and_is_quick() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, leases) = (shared(&server), Leases::default());
        let quota = SharedQuota::new(&[
            (1_000_000, 1_000_000, 1_000_000),
            (9_000_000, 60_000_000, 9_000_000),
        ]);
        let quota = quota.unwrap().with_batch(100_000);
        let local = |now| match leases.try_admit(&shared, &quota, b"key", 1, now) {
            Leased::Local(answer) => answer.allowed,
            _ => false,
        };
        let mut free = 0;
        for _ in 0..1000 {
            assert!(lease(&shared, &leases, &quota).await.unwrap().allowed);
            let (now, mut is_local) = (SystemClock.mono(), false);
            let spent = allocation_counter::measure(|| is_local = local(now));
            free += u32::from(is_local && spent.count_total == 0);
        }
        // The others asked ahead.
        assert!(free > 950, "{free}");
    });
}

#[test]
fn whoever_asks_may_go_away() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota, leases) = (shared(&server), hourly(10), Leases::default());
        assert!(lease(&shared, &leases, &quota).await.unwrap().allowed);
        server.freeze();
        let ask = || match leases.try_admit(&shared, &quota, b"key", 1, SystemClock.mono()) {
            Leased::Ask(future) => tokio::task::spawn_local(future),
            _ => panic!("nothing is held"),
        };
        let (first, second) = (ask(), ask());
        tokio::task::yield_now().await;
        first.abort();
        server.thaw();
        assert!(second.await.unwrap().unwrap().allowed);
    });
}
