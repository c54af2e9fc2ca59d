use proptest::prelude::*;

use super::*;

fn at(ms: u64) -> Mono {
    Mono(1_000_000_000 + ms * 1000)
}

fn gave(taken: u32, remaining: u64) -> Answer {
    let rate = Admission { allowed: true, remaining, retry_after_us: 0, reset_us: 50_000 };
    Answer { allowed: true, each: [rate].into_iter().collect(), taken }
}

fn refused(retry_after_us: u64) -> Answer {
    let rate = Admission { allowed: false, remaining: 0, retry_after_us, reset_us: 900_000 };
    Answer { allowed: false, each: [rate].into_iter().collect(), taken: 0 }
}

fn allowed(taken: &Taken) -> Option<bool> {
    match taken {
        Taken::Local(answer) => Some(answer.allowed),
        Taken::Short => None,
    }
}

#[test]
fn a_lease_grows_while_it_is_spent_fast_and_shrinks_when_it_is_not() {
    let mut lease = Lease::default();
    let mut wish = |ms| {
        let take = lease.wish(1, 8, at(ms));
        lease.fill(&take, &gave(take.want, 90), at(ms));
        lease.tokens = 0;
        take.want
    };
    assert_eq!([0, 10, 20, 30, 40].map(&mut wish), [1, 2, 4, 8, 8]);
    assert_eq!([3000, 6000].map(&mut wish), [8, 8]);
    assert_eq!([12_000, 18_000].map(&mut wish), [4, 2]);
}

#[test]
fn tokens_are_spent_without_asking_and_told_of() {
    let mut lease = Lease::default();
    assert_eq!(lease.take(1, at(0)), Taken::Short);
    let take = lease.wish(3, 100, at(0));
    lease.fill(&take, &gave(5, 90), at(0));
    let Taken::Local(answer) = lease.take(3, at(20)) else { panic!() };
    let rate = answer.tightest();
    assert_eq!((rate.remaining, rate.reset_us, rate.retry_after_us), (92, 30_000, 0));
    assert_eq!(allowed(&lease.take(3, at(20))), None);
    assert_eq!(allowed(&lease.take(2, at(20))), Some(true));
}

#[test]
fn a_refusal_is_believed_for_a_while() {
    let mut lease = Lease::default();
    let take = lease.wish(2, 100, at(0));
    lease.fill(&take, &refused(70_000_000), at(0));
    let Taken::Local(answer) = lease.take(2, at(400)) else { panic!() };
    assert!(!answer.allowed);
    assert_eq!(answer.tightest().retry_after_us, 69_600_000);
    // Less than what was refused may pass.
    assert_eq!(lease.take(1, at(400)), Taken::Short);
    assert_eq!(lease.take(2, at(1000)), Taken::Short);
}

#[test]
fn what_is_left_after_ten_seconds_goes_back() {
    let mut lease = Lease::default();
    let take = lease.wish(1, 10, at(0));
    lease.fill(&take, &gave(4, 90), at(0));
    assert_eq!(allowed(&lease.take(1, at(9_999))), Some(true));
    assert_eq!(lease.take(1, at(10_000)), Taken::Short);
    let take = lease.wish(1, 10, at(10_000));
    assert_eq!((take.back, take.back_age_us, take.need), (3, 10_000_000, 1));
}

#[test]
fn what_was_brought_for_those_that_went_away_is_not_held() {
    let mut lease = Lease { waiting: 50, ..Lease::default() };
    let take = lease.wish(1, 10, at(0));
    assert_eq!((take.need, take.want), (1, 50));
    lease.fill(&take, &gave(50, 0), at(0));
    (0..50).for_each(|_| lease.leave(1));
    assert_eq!(lease.tokens, 10);
}

proptest! {
    /// What is held and not waited for stays within the batch, whatever comes in which order.
    #[test]
    fn no_more_than_the_batch_is_held(
        batch in 1..50_u32,
        steps in prop::collection::vec((1..5_u32, 0..3_000_u64, any::<bool>()), 1..200),
    ) {
        let (mut lease, mut now) = (Lease::default(), 0);
        for (cost, ms, ahead) in steps {
            now += ms;
            if allowed(&lease.take(cost, at(now))).is_none() {
                lease.waiting += cost;
                let take = lease.wish(cost, batch, at(now));
                lease.fill(&take, &gave(take.want, 9), at(now));
                prop_assert_eq!(allowed(&lease.take(cost, at(now))), Some(true));
                lease.leave(cost);
            } else if ahead {
                let take = lease.wish(0, batch, at(now));
                prop_assert!(lease.tokens + take.want <= batch.max(lease.tokens + 1));
            }
            prop_assert!(lease.tokens <= batch, "{} of {batch}", lease.tokens);
        }
    }
}
