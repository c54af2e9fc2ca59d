use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;

use super::{Pace, due_after};
use crate::{block_on, now};

#[test]
fn requests_are_spread_evenly_and_without_drift() {
    assert_eq!(due_after(0, 3), Duration::ZERO);
    assert_eq!(due_after(1, 3), Duration::from_nanos(333_333_333));
    assert_eq!(due_after(3, 3), Duration::from_secs(1));
    assert_eq!(due_after(30_000_000_001, 10_000), Duration::from_micros(3_000_000_000_100));
}

#[test]
fn a_late_sender_finds_each_request_with_the_time_when_it_was_due() {
    let due = block_on(async {
        let (pace, start) = (Rc::new(Pace::default()), now());
        pace.run(start, 1000, 20).await?;
        let mut due = Vec::new();
        for _ in 0..20 {
            due.extend(pace.next().await.map(|due| due - start));
        }
        Ok(due)
    });
    let wanted: Vec<_> = (0..20).map(Duration::from_millis).collect();
    assert_eq!(due.unwrap(), wanted);
}

#[test]
fn a_sender_that_came_first_waits_for_the_first_request() {
    let (due, start) = block_on(async {
        let (pace, start) = (Rc::new(Pace::default()), now());
        let sender = spawn_local({
            let pace = Rc::clone(&pace);
            async move { pace.next().await }
        });
        pace.run(start, 1000, 1).await?;
        Ok((sender.await?, start))
    })
    .unwrap();
    assert_eq!(due, Some(start));
}
