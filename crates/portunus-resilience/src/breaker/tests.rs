use std::sync::atomic::AtomicU32;
use std::thread;

use proptest::prelude::*;

use super::*;

const RULE: BreakerRule = BreakerRule {
    error_rate: 0.5,
    over: Duration::from_secs(8),
    open_for: Duration::from_secs(5),
    min_requests: 4,
    probes: 2,
};

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

/// Requests that come out so, each at once.
fn outcomes(breaker: &Breaker, now: Mono, failed: &[bool]) {
    for failed in failed {
        let pass = breaker.ask(&RULE, now).unwrap();
        breaker.settle(pass, *failed, &RULE, now);
    }
}

fn opened(now: Mono) -> Breaker {
    let breaker = Breaker::default();
    outcomes(&breaker, now, &[true; 4]);
    assert_eq!(breaker.stand(now), BreakerStand::Open);
    breaker
}

#[test]
fn it_opens_at_the_share_but_not_before_there_are_enough() {
    let breaker = Breaker::default();
    outcomes(&breaker, at(1), &[true, true, true]);
    assert_eq!(breaker.stand(at(1)), BreakerStand::Closed);
    outcomes(&breaker, at(1), &[false, false, false, false]);
    outcomes(&breaker, at(1), &[true]);
    assert_eq!(breaker.stand(at(1)), BreakerStand::Open);
    assert_eq!(breaker.ask(&RULE, at(2)), Err(Duration::from_secs(4)));
    assert_eq!(breaker.turns(), BreakerTurns { opened: 1, half_opened: 0, closed: 0 });
}

#[test]
fn failures_count_for_the_span_and_no_longer() {
    let breaker = Breaker::default();
    outcomes(&breaker, at(1), &[true, true, true]);
    outcomes(&breaker, at(9), &[true, true, true]);
    assert_eq!(breaker.stand(at(9)), BreakerStand::Closed);
    outcomes(&breaker, at(15), &[true]);
    assert_eq!(breaker.stand(at(15)), BreakerStand::Open);
}

#[test]
fn good_probes_close_it_and_the_past_is_forgotten() {
    let breaker = opened(at(1));
    let (now, first) = (at(6), breaker.ask(&RULE, at(6)).unwrap());
    let second = breaker.ask(&RULE, now).unwrap();
    assert_eq!(breaker.ask(&RULE, now), Err(PROBES_WAIT));
    assert_eq!(breaker.stand(now), BreakerStand::HalfOpen);
    breaker.settle(first, false, &RULE, now);
    assert_eq!(breaker.stand(now), BreakerStand::HalfOpen);
    breaker.settle(second, false, &RULE, now);
    assert_eq!(breaker.stand(now), BreakerStand::Closed);
    assert_eq!(breaker.turns(), BreakerTurns { opened: 1, half_opened: 1, closed: 1 });
    outcomes(&breaker, now, &[true, true, true]);
    assert_eq!(breaker.stand(now), BreakerStand::Closed);
}

#[test]
fn one_bad_probe_opens_it_again_and_the_others_count_no_more() {
    let breaker = opened(at(1));
    let (bad, late) = (breaker.ask(&RULE, at(6)).unwrap(), breaker.ask(&RULE, at(6)).unwrap());
    breaker.settle(bad, true, &RULE, at(7));
    assert_eq!(breaker.ask(&RULE, at(7)), Err(Duration::from_secs(5)));
    breaker.settle(late, false, &RULE, at(8));
    breaker.forget(late);
    let again = [breaker.ask(&RULE, at(12)), breaker.ask(&RULE, at(12))];
    assert!(again.iter().all(Result::is_ok));
    assert!(breaker.ask(&RULE, at(12)).is_err());
}

#[test]
fn a_probe_that_came_to_nothing_gives_its_place_to_another() {
    let breaker = opened(at(1));
    let (gone, good) = (breaker.ask(&RULE, at(6)).unwrap(), breaker.ask(&RULE, at(6)).unwrap());
    breaker.forget(gone);
    let other = breaker.ask(&RULE, at(6)).unwrap();
    breaker.settle(good, false, &RULE, at(6));
    breaker.settle(other, false, &RULE, at(6));
    assert_eq!(breaker.stand(at(6)), BreakerStand::Closed);
}

#[test]
fn what_was_under_way_when_it_opened_changes_nothing() {
    let breaker = Breaker::default();
    let early = breaker.ask(&RULE, at(1)).unwrap();
    outcomes(&breaker, at(1), &[true; 4]);
    breaker.settle(early, false, &RULE, at(2));
    assert_eq!(breaker.stand(at(2)), BreakerStand::Open);
}

#[test]
fn what_passed_before_it_opened_says_nothing_after_it_closed() {
    let breaker = Breaker::default();
    let early: Vec<_> = (0..4).map(|_| breaker.ask(&RULE, at(1)).unwrap()).collect();
    outcomes(&breaker, at(1), &[true; 4]);
    outcomes(&breaker, at(6), &[false; 2]);
    assert_eq!(breaker.stand(at(6)), BreakerStand::Closed);
    early.into_iter().for_each(|pass| breaker.settle(pass, true, &RULE, at(7)));
    assert_eq!(breaker.stand(at(7)), BreakerStand::Closed);
}

#[test]
fn a_rule_that_wants_fewer_probes_than_were_good_closes_it() {
    let (breaker, more) = (opened(at(1)), BreakerRule { probes: 3, ..RULE });
    for _ in 0..2 {
        let pass = breaker.ask(&more, at(6)).unwrap();
        breaker.settle(pass, false, &more, at(6));
    }
    assert_eq!(breaker.stand(at(6)), BreakerStand::HalfOpen);
    assert!(breaker.ask(&RULE, at(6)).is_ok());
    assert_eq!(breaker.stand(at(6)), BreakerStand::Closed);
    assert_eq!(breaker.turns(), BreakerTurns { opened: 1, half_opened: 1, closed: 1 });
}

#[test]
fn probes_that_nothing_comes_of_hold_others_up_for_a_while_only() {
    let breaker = opened(at(1));
    let slow = breaker.ask(&RULE, at(6)).unwrap();
    let _lost = breaker.ask(&RULE, at(6)).unwrap();
    assert_eq!(breaker.ask(&RULE, at(10)), Err(PROBES_WAIT));
    let other = breaker.ask(&RULE, at(11)).unwrap();
    breaker.settle(slow, false, &RULE, at(12));
    breaker.settle(other, false, &RULE, at(12));
    assert_eq!(breaker.stand(at(12)), BreakerStand::Closed);
}

#[test]
fn a_try_that_comes_to_nothing_is_no_new_turn() {
    let breaker = opened(at(1));
    for _ in 0..3 {
        let pass = breaker.ask(&RULE, at(6)).unwrap();
        breaker.forget(pass);
    }
    assert_eq!(breaker.turns().half_opened, 1);
}

#[test]
fn full_slots_keep_their_ratio() {
    let full = Tally { number: 7, requests: COUNT_MAX, failures: COUNT_MAX - 1 };
    let more = Tally::of(full.word()).with(true);
    assert_eq!((more.number, more.requests, more.failures), (7, 1 << 19, 1 << 19));
}

#[test]
fn no_more_probes_pass_than_the_rule_says_however_many_ask() {
    for round in 0..200 {
        let breaker = opened(at(1));
        let passed = AtomicU32::new(0);
        let ask = || {
            if let Ok(pass) = breaker.ask(&RULE, at(6)) {
                passed.fetch_add(1, Relaxed);
                breaker.settle(pass, round % 2 == 0, &RULE, at(6));
            }
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(ask))));
        let turns = breaker.turns();
        if round % 2 == 0 {
            assert!((1..=RULE.probes).contains(&passed.load(Relaxed)));
            assert_eq!((breaker.stand(at(6)), turns.opened), (BreakerStand::Open, 2));
        } else {
            // With both good it is closed, and the rest passes as any request does.
            assert!(passed.load(Relaxed) >= RULE.probes);
            assert_eq!((breaker.stand(at(6)), turns.closed), (BreakerStand::Closed, 1));
        }
    }
}

#[test]
fn no_outcome_is_lost_among_threads() {
    let (breaker, patient) = (Breaker::default(), BreakerRule { min_requests: 40_001, ..RULE });
    let fail = |count: usize| {
        for _ in 0..count {
            let pass = breaker.ask(&patient, at(1)).unwrap();
            breaker.settle(pass, true, &patient, at(1));
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| fail(10_000)))));
    assert_eq!(breaker.stand(at(1)), BreakerStand::Closed);
    fail(1);
    assert_eq!(breaker.stand(at(1)), BreakerStand::Open);
}

proptest! {
    /// While it is closed, it opens exactly when a list of all outcomes says so.
    #[test]
    fn it_opens_as_a_list_of_outcomes_would(
        steps in proptest::collection::vec((0u64..3, any::<bool>()), 1..80),
    ) {
        let (breaker, mut known, mut now) = (Breaker::default(), Vec::new(), 100u64);
        for (seconds, failed) in steps {
            now += seconds;
            let Ok(pass) = breaker.ask(&RULE, at(now)) else { break };
            breaker.settle(pass, failed, &RULE, at(now));
            known.push((now, failed));
            let recent: Vec<_> = known.iter().filter(|(then, _)| now - then < 8).collect();
            let bad = recent.iter().filter(|(_, failed)| *failed).count();
            let opens = failed && recent.len() >= 4 && 2 * bad >= recent.len();
            prop_assert_eq!(breaker.stand(at(now)) == BreakerStand::Open, opens);
            if opens {
                break;
            }
        }
    }
}
