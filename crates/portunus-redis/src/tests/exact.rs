use std::sync::atomic::{AtomicU32, Ordering};

use portunus_base::Wall;

use super::*;
use crate::SharedSpan;

#[test]
fn a_budget_is_spent_and_heals() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(3));
        let mut seen = Vec::new();
        for _ in 0..4 {
            let answer = admit(&shared, &quota, "a", 1).await.unwrap();
            let rate = answer.tightest();
            seen.push((answer.allowed, rate.remaining, rate.reset_us.div_ceil(1_200_000_000)));
        }
        assert_eq!(seen, [(true, 2, 1), (true, 1, 2), (true, 0, 3), (false, 0, 3)]);
        let refused = admit(&shared, &quota, "a", 2).await.unwrap().tightest();
        assert_eq!(refused.retry_after_us.div_ceil(1_200_000_000), 2);
        assert!(admit(&shared, &quota, "b", 3).await.unwrap().allowed, "keys are apart");
        let fast = SharedQuota::new(&[(1_000_000, 1_000_000, 1)]).unwrap();
        for _ in 0..3 {
            // A token a microsecond: it is back before the next question.
            assert!(admit(&shared, &fast, "c", 1).await.unwrap().allowed);
        }
    });
}

#[test]
fn several_rates_admit_together_or_not_at_all() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let hour = 3_600_000_000;
        let quota = SharedQuota::new(&[(10, hour, 10), (2, hour, 2), (100, hour, 100)]).unwrap();
        let shared = shared(&server);
        for _ in 0..2 {
            assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        }
        let refused = admit(&shared, &quota, "a", 1).await.unwrap();
        assert!(!refused.allowed);
        let each: Vec<_> = refused.each.iter().map(|it| (it.allowed, it.remaining)).collect();
        assert_eq!(each, [(true, 8), (false, 0), (true, 98)]);
        assert!(refused.tightest().retry_after_us > 1_700_000_000);
    });
}

#[test]
fn many_workers_admit_exactly_the_budget() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (shared, quota) = (shared(&server), hourly(500));
    let admitted = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                worker(async || {
                    let ask = async || admit(&shared, &quota, "all", 1).await.unwrap().allowed;
                    for _ in 0..50 {
                        let five = tokio::join!(ask(), ask(), ask(), ask(), ask());
                        let five = [five.0, five.1, five.2, five.3, five.4];
                        let count = five.into_iter().filter(|allowed| *allowed).count();
                        admitted.fetch_add(count as u32, Ordering::Relaxed);
                    }
                });
            });
        }
    });
    assert_eq!(admitted.into_inner(), 500);
    let tally = shared.tally();
    assert_eq!((tally.answered, tally.failed, tally.timed_out), (1000, 0, 0));
    assert_eq!(tally.connected, 4);
}

#[test]
fn a_decision_is_one_command_and_the_key_is_a_digest() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(1_000));
        for _ in 0..20 {
            assert!(admit(&shared, &quota, "limit 203.0.113.9", 1).await.unwrap().allowed);
        }
        assert_eq!(server.calls("evalsha"), 20);
        // Once to make the connection.
        let loads = server.calls("script|load") + server.calls("script");
        assert_eq!((loads, server.calls("eval")), (2, 0));
        let keys = server.command("KEYS portunus:rl:*");
        assert!(keys.contains("portunus:rl:{") && !keys.contains("203.0"), "{keys}");
        let key = keys.lines().last().unwrap();
        let left: i64 = server.command(&format!("PTTL {key}")).parse().unwrap();
        // A fiftieth of an hour is owed.
        assert!((1..=72_001).contains(&left), "{left}");
    });
}

#[test]
fn a_forgotten_script_is_sent_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(2));
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        assert_eq!(server.command("SCRIPT FLUSH"), "OK");
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        assert!(!admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        assert_eq!(server.calls("eval"), 1);
    });
}

#[test]
fn what_is_known_afterwards_is_charged_anyway() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(10));
        let charged = shared.charge(&quota, b"a", 14).unwrap().await.unwrap();
        assert!(charged.allowed);
        assert_eq!(charged.tightest().remaining, 0);
        let refused = admit(&shared, &quota, "a", 1).await.unwrap();
        // Five tokens must come back first.
        assert_eq!(refused.tightest().retry_after_us.div_ceil(360_000_000), 5);
        let seen = admit(&shared, &quota, "b", 0).await.unwrap();
        assert_eq!((seen.allowed, seen.tightest().remaining), (true, 10));
        let keys = server.command("KEYS portunus:rl:*");
        assert_eq!(keys.matches("portunus:rl:").count(), 1, "a look leaves nothing behind");
    });
}

#[test]
fn a_cost_that_a_client_chose_is_no_number_too_large() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let month = 30 * 86_400_000_000;
        let quota = SharedQuota::new(&[(1000, month, 1000)]).unwrap();
        let shared = shared(&server);
        for _ in 0..20 {
            let refused = admit(&shared, &quota, "a", u32::MAX).await.unwrap().tightest();
            assert_eq!((refused.allowed, refused.remaining), (false, 1000));
            assert!(refused.retry_after_us > month, "{refused:?}");
        }
        assert!(shared.charge(&quota, b"a", u32::MAX).unwrap().await.unwrap().allowed);
        let refused = admit(&shared, &quota, "a", 1).await.unwrap().tightest();
        // Twice the budget is owed at most.
        assert!(!refused.allowed && refused.retry_after_us <= month + month / 1000, "{refused:?}");
        let span = SharedSpan { period: "day", limit: 5, start: Wall(0), left_us: 60_000_000 };
        for _ in 0..3 {
            let charged = shared.charge_in(&[span], b"a", u32::MAX).unwrap().await.unwrap();
            assert_eq!(charged.tightest().remaining, 0);
        }
        assert_eq!(shared.tally().failed, 0);
    });
}

#[test]
fn a_day_and_a_month_that_begin_together_are_counted_apart() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let shared = shared(&server);
        let day = SharedSpan { period: "day", limit: 5, start: Wall(0), left_us: 60_000_000 };
        let month = SharedSpan { period: "month", limit: 9, left_us: 600_000_000, ..day };
        let ask = shared.admit_in(&[day, month], b"a", 3).unwrap();
        let left: Vec<_> = ask.await.unwrap().each.iter().map(|span| span.remaining).collect();
        assert_eq!(left, [2, 6]);
        let keys = server.command("KEYS portunus:rl:*");
        assert_eq!(keys.matches("portunus:rl:").count(), 2, "{keys}");
    });
}

#[test]
fn a_lowered_rate_holds_at_once() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, high, low) = (shared(&server), hourly(1000), hourly(10));
        assert!(admit(&shared, &high, "a", 900).await.unwrap().allowed);
        let refused = admit(&shared, &low, "a", 1).await.unwrap();
        // Nine tenths of an hour are owed under either rate: it is no more than the whole budget.
        assert_eq!((refused.allowed, refused.tightest().remaining), (true, 0));
        assert!(!admit(&shared, &low, "a", 1).await.unwrap().allowed);
    });
}

#[test]
fn rubbish_under_a_key_is_no_reason_to_fail() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(2));
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        let key = server.command("KEYS portunus:rl:*");
        let key = key.lines().last().unwrap().to_owned();
        for rubbish in ["x", "-1", "99999999999999999999", "1e400"] {
            assert_eq!(server.command(&format!("SET {key} {rubbish}")), "OK");
            assert!(admit(&shared, &quota, "a", 1).await.is_ok(), "{rubbish}");
        }
    });
}

#[test]
fn what_came_to_nothing_is_given_back() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(10));
        assert_eq!(admit(&shared, &quota, "a", 8).await.unwrap().tightest().remaining, 2);
        let after = shared.refund(&quota, b"a", 3, 0).unwrap().await.unwrap();
        assert_eq!(after.tightest().remaining, 5);
        // Two of these have come back by themselves in twelve minutes.
        let after = shared.refund(&quota, b"a", 3, 720_000_000).unwrap().await.unwrap();
        assert_eq!(after.tightest().remaining, 6);
        let after = shared.refund(&quota, b"a", 1000, 0).unwrap().await.unwrap();
        assert_eq!(after.tightest().remaining, 10);
    });
}

#[test]
fn spans_count_to_their_limit_and_end_by_the_calendar() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let shared = shared(&server);
        let day = SharedSpan {
            period: "day",
            limit: 5,
            start: Wall(86_400_000_000),
            left_us: 60_000_000,
        };
        let month = SharedSpan { period: "month", limit: 7, start: Wall(0), left_us: 600_000_000 };
        let both = [day, month];
        let admit = async |spans: &[SharedSpan], cost| {
            let answer = shared.admit_in(spans, b"a", cost).unwrap().await.unwrap();
            let left: Vec<_> = answer.each.iter().map(|span| span.remaining).collect();
            (answer.allowed, left, answer.tightest().retry_after_us)
        };
        assert_eq!(admit(&both, 4).await, (true, vec![1, 3], 0));
        assert_eq!(admit(&both, 2).await, (false, vec![1, 3], 60_000_000));
        let next = SharedSpan { start: Wall(2 * 86_400_000_000), ..day };
        assert_eq!(admit(&[next, month], 3).await, (true, vec![2, 0], 0));
        assert_eq!(admit(&[next, month], 1).await, (false, vec![2, 0], 600_000_000));
        let charged = shared.charge_in(&both, b"a", 10).unwrap().await.unwrap();
        assert!(charged.allowed && charged.each.iter().all(|span| span.remaining == 0));
        let back = shared.refund_in(&[day], b"a", 12).unwrap().await.unwrap();
        assert_eq!(back.tightest().remaining, 3);
        let keys = server.command("KEYS portunus:rl:*");
        assert_eq!(keys.matches("}:day:86400").count(), 1, "{keys}");
    });
}
