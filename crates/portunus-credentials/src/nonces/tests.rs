use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000;

fn table(count: usize) -> Nonces {
    Nonces::new(count, &[7; 32])
}

#[test]
fn a_nonce_is_new_once_until_its_end() {
    let nonces = table(100);
    assert_eq!(nonces.see("k", "n", NOW, NOW + 300), Seen::New);
    assert_eq!(nonces.see("k", "n", NOW, NOW + 300), Seen::Before);
    assert_eq!(
        nonces.see("k", "n", NOW + 300, NOW + 600),
        Seen::Before,
        "at its end it still counts"
    );
    assert_eq!(nonces.see("k", "n", NOW + 301, NOW + 601), Seen::New);
    assert_eq!(nonces.see("k", "m", NOW, NOW + 300), Seen::New);
    assert_eq!(nonces.see("l", "n", NOW, NOW + 300), Seen::New);
    assert_eq!(nonces.see("kn", "", NOW, NOW + 300), Seen::New);
    assert_eq!(nonces.see("", "kn", NOW, NOW + 300), Seen::New);
}

#[test]
fn a_full_table_lets_nobody_in_and_gets_room_again() {
    let nonces = table(1);
    let taken =
        (0..SLOTS).filter(|at| nonces.see("k", &at.to_string(), NOW, NOW + 10) == Seen::New);
    assert_eq!(taken.count(), SLOTS, "one bucket");
    assert_eq!(nonces.see("k", "more", NOW, NOW + 10), Seen::Full);
    assert_eq!(nonces.see("k", "3", NOW, NOW + 10), Seen::Before);
    assert_eq!(nonces.see("k", "more", NOW + 11, NOW + 20), Seen::New);
}

#[test]
fn the_stated_count_fits() {
    let nonces = table(20_000);
    for at in 0..20_000 {
        assert_eq!(nonces.see("k", &at.to_string(), NOW, NOW + 300), Seen::New, "{at}");
    }
}

#[test]
fn ends_are_right_where_their_few_bits_wrap() {
    let wrap = ((NOW >> LIFE_BITS) + 1) << LIFE_BITS;
    let nonces = table(10);
    assert_eq!(nonces.see("k", "n", wrap - 10, wrap + 10), Seen::New);
    assert_eq!(nonces.see("k", "n", wrap + 10, wrap + 20), Seen::Before);
    assert_eq!(nonces.see("k", "n", wrap + 11, wrap + 21), Seen::New);
}

#[test]
fn of_many_at_once_at_most_one_is_new() {
    let nonces = table(4);
    let barrier = Barrier::new(4);
    for round in 0..20u64 {
        let news = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (nonces, barrier, news) = (&nonces, &barrier, &news);
                scope.spawn(move || {
                    for at in 0..200 {
                        barrier.wait();
                        // Clocks of workers differ a little, so they see other slots as free.
                        let now = NOW + round * 400 + at * 2 + thread % 2;
                        if nonces.see("k", &format!("{round}-{at}"), now, now + 3) == Seen::New {
                            news.fetch_add(1, Ordering::SeqCst);
                        }
                        barrier.wait();
                        if thread == 0 {
                            assert!(news.swap(0, Ordering::SeqCst) <= 1, "{round} {at}");
                        }
                        barrier.wait();
                    }
                });
            }
        });
    }
}

proptest! {
    #[test]
    fn it_answers_as_a_map_would(steps in prop::collection::vec((0..6u8, 0..20u64), 1..60)) {
        let nonces = table(64);
        let mut model: HashMap<u8, u64> = HashMap::new();
        let mut now = NOW;
        for (nonce, pause) in steps {
            now += pause;
            let end = now + 30;
            let before = model.get(&nonce).is_some_and(|end| *end >= now);
            if !before {
                model.insert(nonce, end);
            }
            let expected = if before { Seen::Before } else { Seen::New };
            prop_assert_eq!(nonces.see("k", &nonce.to_string(), now, end), expected);
        }
    }
}
