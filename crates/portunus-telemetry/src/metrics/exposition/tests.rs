use std::collections::BTreeSet;

use portunus_base::{Wall, WorkerId};

use super::*;
use crate::metrics::{CertificateTotals, Connect, Options, Outcome, Place, Registry};

fn registry() -> Registry {
    let registry = Registry::new(Options::new("1.2.3", Wall(1_500_000)));
    let shard = registry.shard(WorkerId(0));
    let place = Place {
        listener: registry.listener("web"),
        route: Some(registry.route("a\"b\\c\nd")),
        upstream: Some(registry.upstream("orders")),
        endpoint: Some(registry.endpoint("orders", "10.0.0.1:80")),
    };
    let reason = Some(registry.reason("route.none"));
    shard
        .request(place, &Outcome { status: 404, reason, duration_us: 3_000, ..Outcome::default() });
    shard.request(place, &Outcome { status: 200, duration_us: 1_500, ..Outcome::default() });
    shard.connect(registry.endpoint("orders", "10.0.0.1:80"), Connect::Reused);
    registry.reloaded(true, Wall(2_000_000));
    registry
}

/// The lines of a page that start with `start`.
fn lines<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    page.lines().filter(|line| line.starts_with(start)).collect()
}

#[test]
fn counters_have_their_labels() {
    let page = registry().render(Exposition::Prometheus);
    let expected = [
        "portunus_listener_requests_total{listener=\"web\",code=\"1xx\"} 0",
        "portunus_listener_requests_total{listener=\"web\",code=\"2xx\"} 1",
        "portunus_listener_requests_total{listener=\"web\",code=\"3xx\"} 0",
        "portunus_listener_requests_total{listener=\"web\",code=\"4xx\"} 1",
        "portunus_listener_requests_total{listener=\"web\",code=\"5xx\"} 0",
        "portunus_listener_requests_total{listener=\"web\",code=\"none\"} 0",
    ];
    assert_eq!(lines(&page, "portunus_listener_requests_total"), expected);
    let has = |line: &str| assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    has("portunus_route_requests_total{route=\"a\\\"b\\\\c\\nd\",code=\"2xx\"} 1");
    has(
        "portunus_endpoint_connections_total{upstream=\"orders\",endpoint=\"10.0.0.1:80\",result=\"reused\"} 1",
    );
    has("portunus_replies_total{reason=\"route.none\"} 1");
    has("portunus_config_reloads_total{result=\"success\"} 1");
    has("portunus_config_last_reload_success 1");
    has("portunus_config_last_reload_success_timestamp_seconds 2");
    has("portunus_build_info{version=\"1.2.3\"} 1");
    has("process_start_time_seconds 1.5");
}

#[test]
fn histograms_are_cumulative() {
    let page = registry().render(Exposition::Prometheus);
    let start = "portunus_listener_request_duration_seconds";
    let found = lines(&page, start);
    let values: Vec<_> = found.iter().map(|line| line.rsplit_once(' ').unwrap().1).collect();
    assert_eq!(values[..4], ["0", "1", "2", "2"]);
    assert_eq!(found[17], format!("{start}_bucket{{listener=\"web\",le=\"+Inf\"}} 2"));
    assert_eq!(found[18], format!("{start}_sum{{listener=\"web\"}} 0.0045"));
    assert_eq!(found[19], format!("{start}_count{{listener=\"web\"}} 2"));
}

#[test]
fn each_family_has_one_head_before_its_samples() {
    for exposition in [Exposition::Prometheus, Exposition::OpenMetrics] {
        let page = registry().render(exposition);
        let mut seen = BTreeSet::new();
        let mut family = "";
        for line in page.lines().filter(|line| *line != "# EOF") {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split_once(' ').unwrap().0;
                assert!(seen.insert(family), "{family} twice");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                assert_eq!(kind.split_once(' ').unwrap().0, family);
            } else {
                assert!(line.starts_with(family), "{line} in {family}");
                assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}");
            }
        }
        assert_eq!(seen.len(), METRICS.len());
    }
}

#[test]
fn openmetrics_names_counters_without_their_suffix_and_ends() {
    let page = registry().render(Exposition::OpenMetrics);
    assert!(page.contains("# TYPE portunus_route_requests counter\n"));
    assert!(page.contains("\nportunus_replies_total{"));
    assert!(page.ends_with("\n# EOF\n"));
}

#[test]
fn two_scrapes_have_the_same_order() {
    let registry = registry();
    let names = |page: String| -> Vec<String> {
        page.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    let first = names(registry.render(Exposition::Prometheus));
    assert_eq!(first, names(registry.render(Exposition::Prometheus)));
}

#[test]
fn the_accept_header_chooses() {
    assert_eq!(Exposition::accepted("text/plain"), Exposition::Prometheus);
    let asked = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    assert_eq!(Exposition::accepted(asked), Exposition::OpenMetrics);
}

#[test]
fn what_a_listener_counts_before_requests_appears_with_its_first_event() {
    let registry = registry();
    let (shard, web) = (registry.shard(WorkerId(0)), registry.listener("web"));
    let start = "portunus_listener_tls";
    assert!(lines(&registry.render(Exposition::Prometheus), start).is_empty());
    shard.tls_handshake(web, true, false);
    shard.tls_handshake(web, true, false);
    shard.tls_handshake(web, false, true);
    shard.tls_error(web, "unknown_ca");
    for kind in MANY {
        shard.tls_error(web, kind);
    }
    shard.h2_error(web, "rapid_reset");
    registry.show_certificates(vec![CertificateTotals {
        name: "shop.example.com".into(),
        not_after: Wall(7_000_000),
    }]);
    let page = registry.render(Exposition::Prometheus);
    let expected = [
        "portunus_listener_tls_handshakes_total{listener=\"web\",version=\"1.2\",result=\"resumed\"} 1",
        "portunus_listener_tls_handshakes_total{listener=\"web\",version=\"1.3\",result=\"full\"} 2",
        "portunus_listener_tls_errors_total{listener=\"web\",kind=\"other\"} 2",
        "portunus_listener_tls_errors_total{listener=\"web\",kind=\"unknown_ca\"} 1",
    ];
    let found = lines(&page, start);
    let found = found.iter().filter(|line| !line.contains("kind=\"k")).copied();
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let floods = "portunus_listener_h2_errors_total{listener=\"web\",kind=\"rapid_reset\"} 1";
    assert_eq!(lines(&page, "portunus_listener_h2"), [floods]);
    let expiry = "portunus_certificate_expiry_timestamp_seconds{name=\"shop.example.com\"} 7";
    assert_eq!(lines(&page, "portunus_certificate_expiry"), [expiry]);
}

#[test]
fn what_became_of_certificates_is_told_by_result_and_kind() {
    let registry = registry();
    registry.acme_issued();
    registry.acme_failed("unreachable", true);
    registry.acme_failed("refused", false);
    registry.acme_failed("refused", false);
    registry.certificates_refreshed(true);
    registry.certificates_refreshed(false);
    let page = registry.render(Exposition::Prometheus);
    let expected = [
        "portunus_acme_orders_total{result=\"success\"} 1",
        "portunus_acme_orders_total{result=\"failure\"} 1",
        "portunus_acme_errors_total{kind=\"refused\"} 2",
        "portunus_acme_errors_total{kind=\"unreachable\"} 1",
    ];
    assert_eq!(lines(&page, "portunus_acme"), expected);
    let refreshes = [
        "portunus_certificate_refreshes_total{result=\"success\"} 1",
        "portunus_certificate_refreshes_total{result=\"failure\"} 1",
    ];
    assert_eq!(lines(&page, "portunus_certificate_refreshes"), refreshes);
}

#[test]
fn endpoints_are_counted_by_how_they_are() {
    let registry = registry();
    let states = vec![("up", 2), ("draining", 1)];
    registry.show_endpoint_states(vec![EndpointStateTotals { upstream: "orders".into(), states }]);
    let expected = [
        "portunus_upstream_endpoints{upstream=\"orders\",state=\"up\"} 2",
        "portunus_upstream_endpoints{upstream=\"orders\",state=\"draining\"} 1",
    ];
    let page = registry.render(Exposition::Prometheus);
    assert_eq!(lines(&page, "portunus_upstream_endpoints"), expected);
}

#[test]
fn a_breaker_shows_where_it_stands_and_how_often_it_came_there() {
    let registry = registry();
    assert!(lines(&registry.render(Exposition::Prometheus), "portunus_upstream_b").is_empty());
    registry.show_breakers(vec![BreakerTotals {
        upstream: "orders".into(),
        state: 2,
        turns: [("closed", 1), ("half_open", 1), ("open", 2)],
    }]);
    let page = registry.render(Exposition::Prometheus);
    let expected = [
        "portunus_upstream_breaker_state{upstream=\"orders\"} 2",
        "portunus_upstream_breaker_transitions_total{upstream=\"orders\",to=\"closed\"} 1",
        "portunus_upstream_breaker_transitions_total{upstream=\"orders\",to=\"half_open\"} 1",
        "portunus_upstream_breaker_transitions_total{upstream=\"orders\",to=\"open\"} 2",
    ];
    assert_eq!(lines(&page, "portunus_upstream_breaker"), expected);
}

#[test]
fn a_queue_shows_who_waits_and_how_waits_ended() {
    let registry = registry();
    let ends = [("served", 3), ("timeout", 1), ("full", 0), ("pushed_out", 0), ("left", 2)];
    let (length, waited_us, limit) = (4, 2_500_000, Some(17));
    let queue = QueueTotals { upstream: "orders".into(), length, ends, waited_us, limit };
    let other = QueueTotals { upstream: "shop".into(), limit: None, ..queue.clone() };
    registry.show_queues(vec![queue, other]);
    let page = registry.render(Exposition::Prometheus);
    for line in [
        "portunus_upstream_queue_length{upstream=\"orders\"} 4",
        "portunus_upstream_queue_requests_total{upstream=\"orders\",outcome=\"served\"} 3",
        "portunus_upstream_queue_requests_total{upstream=\"shop\",outcome=\"left\"} 2",
        "portunus_upstream_queue_wait_seconds_total{upstream=\"orders\"} 2.5",
    ] {
        assert!(lines(&page, "portunus_upstream_queue").contains(&line), "{line}");
    }
    let limits = ["portunus_upstream_concurrency_limit{upstream=\"orders\"} 17"];
    assert_eq!(lines(&page, "portunus_upstream_concurrency"), limits);
}

/// More kinds than there are places, less the one that has its place already.
const MANY: [&str; 25] = [
    "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12", "k13", "k14",
    "k15", "k16", "k17", "k18", "k19", "k20", "k21", "k22", "k23", "k24",
];
