use proptest::prelude::*;

use super::*;

const IDLE: Duration = Duration::from_secs(10);

/// A client that sends so many bytes after each pause; when it was cut, and why.
fn run(rate: u64, pauses: impl IntoIterator<Item = (u64, usize)>) -> Option<(u64, Late)> {
    let floor = Floor::new(rate);
    let mut now = Mono(1_000_000);
    for (pause_ms, bytes) in pauses {
        floor.wait(now, 0);
        let comes = now.after(Duration::from_millis(pause_ms));
        let due = floor.due(IDLE);
        if comes >= due {
            return Some((due.0 / 1000 - 1000, floor.late(IDLE, due)?));
        }
        assert_eq!(floor.late(IDLE, comes), None);
        now = comes;
        floor.rest(now);
        floor.pay(bytes, || now);
    }
    None
}

#[test]
fn who_is_faster_than_the_floor_may_go_on_for_ever() {
    assert_eq!(run(100, std::iter::repeat_n((1_000, 100), 1_000)), None);
    assert_eq!(run(100, std::iter::repeat_n((9_000, 1_000), 1_000)), None);
}

#[test]
fn who_drips_is_cut_when_it_owes_one_pause() {
    assert_eq!(run(100, std::iter::repeat_n((1_000, 1), 1_000)), Some((10_100, Late::Slow)));
    assert_eq!(run(100, [(10_000, 100)]), Some((10_000, Late::Silent)));
}

#[test]
fn without_a_floor_only_pauses_are_bounded() {
    assert_eq!(run(0, std::iter::repeat_n((9_999, 1), 1_000)), None);
    assert_eq!(run(0, [(10_001, 1)]), Some((10_000, Late::Silent)));
}

#[test]
fn bytes_within_a_wait_begin_a_new_pause() {
    let floor = Floor::new(100);
    floor.wait(Mono(0), 0);
    let half = Mono(5_000_000);
    floor.pay(300, || half);
    // Five seconds are owed, and three are paid for.
    assert_eq!(floor.due(IDLE), half.after(Duration::from_secs(8)));
    floor.forgive(half);
    assert_eq!(floor.due(IDLE), half.after(IDLE));
    floor.pay(1, || Mono(14_000_000));
    floor.lift();
    assert_eq!(floor.due(IDLE), Mono(14_000_000).after(IDLE));
}

proptest! {
    #[test]
    fn time_in_which_nobody_waits_is_free(away in 0u64..1_000_000_000, bytes in 1usize..100) {
        let floor = Floor::new(1);
        floor.pay(bytes, || unreachable!("nobody waits"));
        floor.wait(Mono(away), 0);
        prop_assert_eq!(floor.due(IDLE), Mono(away).after(IDLE));
    }

    #[test]
    fn whoever_is_cut_was_slower_than_the_floor(
        rate in 1u64..1000,
        pauses in proptest::collection::vec((0u64..5_000, 0usize..10_000), 1..50),
    ) {
        if let Some((after_ms, Late::Slow)) = run(rate, pauses.clone()) {
            let mut sum_ms = 0;
            let bytes: u64 = pauses.iter().map_while(|(pause, bytes)| {
                sum_ms += pause;
                (sum_ms < after_ms).then_some(*bytes as u64)
            }).sum();
            // Bytes pay only for what is owed by then, so the total may be more; a part of it is less.
            prop_assert!(after_ms >= 10_000 || bytes * 1000 < rate * 10_000);
        }
    }
}
