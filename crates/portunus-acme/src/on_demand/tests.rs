use std::time::Duration;

use portunus_base::{Rate, Wall};

use super::{Bucket, OnDemand, REFUSED_MAX, RefusedNames, Wanted};
use crate::plan::Names;

const SECOND: u64 = 1_000_000;

#[test]
fn a_bucket_gives_its_count_at_once_and_then_one_after_the_other() {
    let mut bucket = Bucket::new(Rate { count: 4, window: Duration::from_secs(60) });
    let start = Wall(1000 * SECOND);
    let taken = (0..10).filter(|_| bucket.take(start)).count();
    assert_eq!(taken, 4);
    assert!(!bucket.take(Wall(start.0 + 14 * SECOND)));
    assert!(bucket.take(Wall(start.0 + 15 * SECOND)));
    assert!(!bucket.take(Wall(start.0 + 16 * SECOND)));
}

#[test]
fn a_bucket_of_nothing_gives_nothing() {
    let mut bucket = Bucket::new(Rate { count: 0, window: Duration::from_secs(60) });
    assert!(!bucket.take(Wall(1)));
}

#[test]
fn refused_names_are_remembered_for_a_while_and_bounded() {
    let name = |n: usize| Names::new([format!("h{n}.test")]).unwrap();
    let mut refused = RefusedNames::default();
    refused.add(name(0), Wall(0));
    assert!(refused.has(&name(0), Wall(299 * SECOND)));
    assert!(!refused.has(&name(0), Wall(300 * SECOND)));
    for n in 0..2 * REFUSED_MAX {
        refused.add(name(n), Wall(0));
    }
    assert!(refused.until.len() <= REFUSED_MAX);
}

#[tokio::test]
async fn what_can_have_no_certificate_is_refused_without_asking() {
    let (on_demand, mut requests, _) = OnDemand::new();
    for name in ["10.0.0.1", "localhost", "a b.test", ""] {
        assert_eq!(on_demand.wanted(name).await, Wanted::Refused, "{name}");
    }
    assert!(requests.try_recv().is_err());
    drop(requests);
    assert_eq!(on_demand.wanted("a.test").await, Wanted::Later, "nobody is there");
}
