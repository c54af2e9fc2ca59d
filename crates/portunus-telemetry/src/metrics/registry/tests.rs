use portunus_base::{Wall, WorkerId};

use super::{Options, Registry};
use crate::metrics::{Count, Outcome, Place, RouteSeries, SeriesKind};

fn registry(series_max: usize) -> Registry {
    Registry::new(Options { series_max, ..Options::new("1.0.0", Wall(0)) })
}

fn record(registry: &Registry, worker: u16, route: RouteSeries) {
    let place =
        Place { listener: registry.listener("web"), route: Some(route), ..Place::default() };
    registry.shard(WorkerId(worker)).request(place, &Outcome { status: 200, ..Outcome::default() });
}

fn routes(registry: &Registry) -> Vec<(String, u64)> {
    let routes = registry.snapshot().routes;
    routes.iter().map(|series| (series.labels.name.to_string(), series.sums.requests())).collect()
}

fn row(name: &str, requests: u64) -> (String, u64) {
    (name.to_owned(), requests)
}

#[test]
fn ids_are_stable_and_shards_are_summed() {
    let registry = registry(10);
    let (b, a) = (registry.route("b"), registry.route("a"));
    assert_eq!(registry.route("b"), b);
    assert_ne!(registry.endpoint("u", "1"), registry.endpoint("v", "1"));
    record(&registry, 0, a);
    record(&registry, 1, a);
    record(&registry, 1, b);
    assert_eq!(routes(&registry), [row("a", 2), row("b", 1)]);
}

#[test]
fn names_beyond_the_bound_share_other() {
    let registry = registry(2);
    let ids = ["a", "b", "c", "d"].map(|name| registry.route(name));
    assert_eq!((ids[2], ids[3]), (RouteSeries::default(), RouteSeries::default()));
    ids.iter().for_each(|id| record(&registry, 0, *id));
    assert_eq!(routes(&registry), [row("other", 2), row("a", 1), row("b", 1)]);
    assert_eq!(registry.snapshot().folded[1], ("route", 2));
    assert_eq!(registry.route("a"), ids[0]);
}

#[test]
fn a_forgotten_id_is_reused_from_zero_once_it_is_idle() {
    let registry = registry(2);
    let old = registry.route("old");
    record(&registry, 0, old);
    registry.shard(WorkerId(0)).in_flight_up(old);
    registry.retain(SeriesKind::Route, |labels| &*labels.name != "old");
    assert_eq!(routes(&registry), []);

    let first = registry.route("first");
    assert_ne!(first, old, "something is under way in it");
    record(&registry, 0, old);
    registry.shard(WorkerId(0)).in_flight_down(old);
    let second = registry.route("second");
    assert_eq!(second, old);
    record(&registry, 1, second);
    assert_eq!(routes(&registry), [row("first", 0), row("second", 1)]);
}

#[test]
fn gauges_of_a_reused_id_are_of_now() {
    let registry = registry(2);
    let shard = registry.shard(WorkerId(0));
    let old = registry.upstream("old");
    shard.retry(old);
    registry.retain(SeriesKind::Upstream, |_| false);
    let new = registry.upstream("new");
    shard.in_flight_up(new);
    shard.retry(new);
    let sums = &registry.snapshot().upstreams[0].sums;
    assert_eq!((sums.count(Count::InFlight), sums.count(Count::Retries)), (1, 1));
}

#[test]
fn reloads_are_remembered() {
    let registry = registry(2);
    registry.reloaded(true, Wall(5));
    registry.reloaded(false, Wall(9));
    let config = registry.snapshot().config;
    assert_eq!((config.succeeded, config.failed, config.last_success), (1, 1, false));
    assert_eq!(config.last_success_time, Some(Wall(5)));
}

#[test]
fn quantiles_are_bounds_of_buckets() {
    let registry = registry(2);
    let shard = registry.shard(WorkerId(0));
    let place = Place { listener: registry.listener("web"), ..Place::default() };
    assert_eq!(registry.snapshot().listeners[0].sums.quantile_us(0.5), None);
    for duration_us in [500, 700, 3_000, 90_000_000] {
        shard.request(place, &Outcome { duration_us, ..Outcome::default() });
    }
    let sums = &registry.snapshot().listeners[0].sums;
    let quantiles = [0.0, 0.5, 0.75, 1.0].map(|quantile| sums.quantile_us(quantile));
    assert_eq!(quantiles, [Some(1_000), Some(1_000), Some(4_000), None]);
}

#[test]
fn control_reads_while_workers_write() {
    let registry = registry(2000);
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let registry = &registry;
            scope.spawn(move || {
                for n in 0..1500 {
                    record(registry, worker, registry.route(&n.to_string()));
                }
            });
        }
        for _ in 0..20 {
            assert!(
                registry.snapshot().listeners.iter().all(|series| series.sums.requests() <= 3000)
            );
        }
    });
    assert!(routes(&registry).iter().all(|(_, requests)| *requests == 2));
}

#[test]
fn the_process_is_known_to_the_system() {
    let process = registry(1).snapshot().process;
    assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000));
    assert!(process.open_fds.is_some_and(|fds| fds >= 3));
    assert!(process.max_fds.is_some() && process.cpu_seconds.is_some());
}
