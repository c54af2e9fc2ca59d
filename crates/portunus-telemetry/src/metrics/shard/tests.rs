use portunus_base::{Clock, SystemClock, Wall, WorkerId};

use super::*;
use crate::metrics::{Options, Registry};

fn place(registry: &Registry) -> Place {
    Place {
        listener: registry.listener("web"),
        route: Some(registry.route("shop /orders")),
        upstream: Some(registry.upstream("orders")),
        endpoint: Some(registry.endpoint("orders", "10.0.0.1:80")),
    }
}

#[test]
fn a_request_counts_in_each_of_its_series() {
    let registry = Registry::new(Options::new("1.0.0", Wall(0)));
    let shard = registry.shard(WorkerId(0));
    let outcome = Outcome {
        status: 502,
        reason: Some(registry.reason("upstream.reset")),
        duration_us: 5_000,
        upstream_us: 900,
        bytes_in: 100,
        bytes_out: 1_000,
    };
    shard.request(place(&registry), &outcome);
    let totals = registry.snapshot();
    let parts = [
        (&totals.listeners, 5_000, 3),
        (&totals.routes, 5_000, 3),
        (&totals.upstreams, 900, 0),
        (&totals.endpoints, 900, 0),
    ];
    for (series, duration_us, bucket) in parts {
        let sums = &series[0].sums;
        assert_eq!(sums.codes, [0, 0, 0, 0, 1, 0]);
        assert_eq!((sums.duration_us, sums.buckets[bucket]), (duration_us, 1));
        assert_eq!((sums.count(Count::BytesIn), sums.count(Count::BytesOut)), (100, 1_000));
    }
    assert_eq!((&*totals.replies[0].reason, totals.replies[0].count), ("upstream.reset", 1));
}

#[test]
fn bytes_outside_of_requests_count_without_a_request() {
    let registry = Registry::new(Options::new("1.0.0", Wall(0)));
    let shard = registry.shard(WorkerId(0));
    shard.passed(place(&registry), 7, 3);
    shard.passed(place(&registry), 1, 0);
    let totals = registry.snapshot();
    for series in [&totals.listeners, &totals.upstreams, &totals.endpoints] {
        let sums = &series[0].sums;
        assert_eq!((sums.count(Count::BytesIn), sums.count(Count::BytesOut)), (8, 3));
        assert_eq!(sums.codes, [0; 6]);
    }
}

#[test]
fn a_connection_may_close_on_another_worker() {
    let registry = Registry::new(Options::new("1.0.0", Wall(0)));
    let listener = registry.listener("web");
    let (first, second) = (registry.shard(WorkerId(0)), registry.shard(WorkerId(1)));
    first.connection_accepted(listener);
    first.connection_accepted(listener);
    second.connection_closed(listener);
    second.connection_refused(listener);
    second.accept_failed(listener);
    let sums = &registry.snapshot().listeners[0].sums;
    assert_eq!(
        [Count::Accepted, Count::Open, Count::Refused, Count::Unaccepted]
            .map(|count| sums.count(count)),
        [2, 1, 1, 1]
    );
}

#[test]
fn statuses_without_a_class_are_none() {
    for (status, expected) in
        [(0, 5), (99, 5), (100, 0), (204, 1), (308, 2), (499, 3), (599, 4), (600, 5)]
    {
        assert_eq!(class(status), expected, "{status}");
    }
}

#[test]
#[ignore = "a measurement, for an optimised build: prints the time of one recording"]
fn the_cost_of_a_request() {
    let registry = Registry::new(Options::new("1.0.0", Wall(0)));
    let shard = registry.shard(WorkerId(0));
    let places: Vec<Place> = (0..256)
        .map(|n| Place { route: Some(registry.route(&format!("r{n}"))), ..place(&registry) })
        .collect();
    let rounds = 40_000u64;
    let start = SystemClock.mono();
    for round in 0..rounds {
        for place in &places {
            let outcome = Outcome {
                status: 200,
                duration_us: round,
                upstream_us: round / 2,
                bytes_in: 1,
                bytes_out: 2,
                reason: None,
            };
            shard.in_flight_up(place.listener);
            shard.request(*std::hint::black_box(place), std::hint::black_box(&outcome));
            shard.in_flight_down(place.listener);
        }
    }
    let us = SystemClock.mono().since_us(start);
    let requests = rounds * places.len() as u64;
    println!("{:.1} ns a request", us as f64 * 1000.0 / requests as f64);
    assert_eq!(registry.snapshot().listeners[0].sums.requests(), requests);
}
