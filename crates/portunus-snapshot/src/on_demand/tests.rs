use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Waker};

use super::OnDemand;

/// Whether the wish has come to an end at once.
fn is_settled(on_demand: &OnDemand) -> bool {
    let wish = std::pin::pin!(on_demand.wanted("a.example"));
    wish.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn it_waits_for_the_one_who_is_asked_and_for_nobody_where_there_is_none() {
    let on_demand = OnDemand::default();
    assert!(is_settled(&on_demand));
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    on_demand.set(move |name| {
        assert_eq!(name, "a.example");
        counter.fetch_add(1, Relaxed);
        Box::pin(std::future::pending())
    });
    assert!(!is_settled(&on_demand));
    assert_eq!(asked.load(Relaxed), 1);
    on_demand.set(|_| Box::pin(std::future::ready(())));
    assert!(is_settled(&on_demand));
}
