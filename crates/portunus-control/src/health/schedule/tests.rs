use std::sync::Arc;

use portunus_balance::{Address, EndpointState};

use super::*;

fn endpoint(key: u32) -> Endpoint {
    let address = Address::Ip(([10, 0, (key >> 8) as u8, key as u8], 80).into());
    let (name, authority) = (format!("e{key}"), address.to_string());
    let state = Arc::new(EndpointState::new(key));
    Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state }
}

fn endpoints(keys: impl Iterator<Item = u32>) -> Vec<Endpoint> {
    keys.map(endpoint).collect()
}

fn schedule(every_ms: u64) -> Schedule {
    Schedule::new(Duration::from_millis(every_ms), 2, Rng::seeded(1))
}

#[test]
fn a_thousand_that_do_not_answer_in_time_are_asked_as_often_as_wanted_and_never_all_at_once() {
    const MS: Duration = Duration::from_millis(1);
    let (start, all) = (Instant::now(), endpoints(0..1000));
    let mut schedule = schedule(5000);
    schedule.follow(&all, start);
    let mut asked: Vec<Vec<u32>> = vec![vec![]; 1000];
    let (mut ends, mut most_begun, mut most_asked) = (vec![], 0, 0);
    for at in (0..60_000).step_by(10) {
        let now = start + at * MS;
        ends.retain(|(end, index)| {
            let over = *end <= at;
            over.then(|| schedule.put_back(*index as u32));
            !over
        });
        let mut begun = 0;
        while let Some(index) = schedule.take(now) {
            asked[index].push(at);
            ends.push((at + 2000, index));
            begun += 1;
        }
        most_asked = most_asked.max(ends.len());
        most_begun = most_begun.max(begun);
    }
    for times in &asked {
        let gaps: Vec<u32> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(times[0] <= 1000 && gaps[0] <= 5510, "{times:?}");
        assert!(gaps[1..].iter().all(|gap| (4490..=5510).contains(gap)), "{times:?}");
    }
    // Twenty begin within 10 ms where all can; of equal parts of the time it is two.
    assert!(most_begun <= 20, "{most_begun}");
    assert!(most_asked < super::super::ASKED_MAX);
}

#[test]
fn one_that_takes_longer_than_the_interval_is_asked_again_when_it_has_ended() {
    let (start, all) = (Instant::now(), endpoints(0..1));
    let mut schedule = schedule(1000);
    schedule.follow(&all, start);
    assert_eq!(schedule.take(start), Some(0));
    let late = start + Duration::from_secs(9);
    assert_eq!((schedule.take(late), schedule.next()), (None, None));
    schedule.put_back(0);
    assert_eq!((schedule.take(late), schedule.take(late)), (Some(0), None));
}

#[test]
fn another_set_keeps_the_times_of_those_that_stay_and_tells_who_has_left() {
    let start = Instant::now();
    let mut schedule = schedule(1000);
    assert!(schedule.follow(&endpoints(0..3), start).is_empty());
    let later = start + Duration::from_millis(500);
    let asked: Vec<usize> = std::iter::from_fn(|| schedule.take(later)).collect();
    assert_eq!(asked, [0, 1, 2]);
    schedule.put_back(2);
    let due = schedule.next().unwrap();
    // The order is another one, and one is there twice.
    let set = [3, 2, 2].map(endpoint);
    let mut left = schedule.follow(&set, later);
    left.sort_unstable();
    assert_eq!(left, [0, 1]);
    assert_eq!((schedule.take(later), schedule.next()), (Some(0), Some(due)));
    assert_eq!((schedule.take(due), schedule.take(due)), (Some(1), None));
    schedule.put_back(0);
    assert_eq!(schedule.next(), None);
}
