use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;
use portunus_base::hash_pair;

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

fn permit(permits: &Arc<Concurrency>, number: u64, max: u32) -> Option<Permit> {
    match permits.acquire(key(number), max) {
        Acquired::Allowed(permit) => Some(permit.unwrap()),
        Acquired::Refused => None,
    }
}

#[test]
fn a_permit_counts_until_it_is_dropped() {
    let permits = Arc::new(Concurrency::new(100));
    let (first, second) = (permit(&permits, 1, 2), permit(&permits, 1, 2));
    assert!(first.is_some() && second.is_some());
    assert!(permit(&permits, 1, 2).is_none());
    assert_eq!((permits.held(key(1)), permits.held(key(2)), permits.keys()), (2, 0, 1));
    drop(first);
    assert!(permit(&permits, 1, 2).is_some());
    drop(second);
    assert_eq!((permits.held(key(1)), permits.keys()), (0, 0));
    assert!(permit(&permits, 1, 0).is_none());
}

#[test]
fn permits_are_never_forgotten() {
    let permits = Arc::new(Concurrency::new(1));
    let held: Vec<_> = (0..8).map(|number| permit(&permits, number, 1).unwrap()).collect();
    assert!(matches!(permits.acquire(key(8), 1), Acquired::Allowed(None)));
    assert!((0..8).all(|number| permits.held(key(number)) == 1));
    drop(held);
    assert!(permit(&permits, 8, 1).is_some());
}

#[test]
fn never_more_at_once_than_allowed() {
    const MAX: u32 = 3;
    let permits = Arc::new(Concurrency::new(4));
    let inside: [AtomicU32; 6] = Default::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for at in 0..20_000usize {
                    let number = at % 6;
                    if let Some(permit) = permit(&permits, number as u64, MAX) {
                        assert!(inside[number].fetch_add(1, Ordering::SeqCst) < MAX);
                        inside[number].fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
            });
        }
    });
    assert_eq!(permits.keys(), 0);
}
