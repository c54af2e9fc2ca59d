use serde_json::json;

use super::{text, uptime_text};

#[test]
fn the_text_shows_what_an_operator_asks_first() {
    let status = json!({
        "version": "0.1.0", "stage": "ready", "generation": 3, "uptime_s": 3725, "workers": 2,
        "connections": 12, "in_flight": 1, "sandbox": "files (Landlock 7)",
        "last_reload": {"ok": false, "at": "2026-01-01T00:00:00Z", "error": "bad\nlong text"},
        "keys": {
            "store": "postgres", "state": "down", "error": "no answer",
            "since": "2026-01-01T00:00:01Z",
        },
    });
    let listeners = json!([{"name": "web", "address": "127.0.0.1:80", "connections": 12}]);
    let endpoint = |address: &str, state: &str, backup: bool, weight: u32| {
        json!({
            "weight": weight, "configured_weight": 2,
            "address": address, "state": state, "backup": backup, "in_flight": 0,
            "latency_ms": 1.25, "requests_total": 10, "failures_total": 0,
        })
    };
    let endpoints = [
        endpoint("10.0.0.1:80", "up", false, 0),
        endpoint("10.0.0.2:80", "up", false, 2),
        endpoint("10.0.0.12:80", "down", true, 5),
    ];
    let upstreams = json!([
        {"name": "orders", "resolved": true, "endpoints": endpoints},
        {"name": "search", "resolved": false, "endpoints": []},
    ]);
    let expected = "\
portunus 0.1.0, ready, generation 3, up 1h 2m
workers 2, connections 12, requests in flight 1
sandbox files (Landlock 7)
last reload 2026-01-01T00:00:00Z: refused: bad
the store of keys (postgres) is down since 2026-01-01T00:00:01Z: no answer

listeners
  web  127.0.0.1:80  connections 12

upstream orders
  10.0.0.1:80   up, no new requests  weight 0 instead of 2  in flight 0  1.25 ms  requests 10, failures 0
  10.0.0.2:80   up                   weight 2               in flight 0  1.25 ms  requests 10, failures 0
  10.0.0.12:80  down, backup         weight 5 instead of 2  in flight 0  1.25 ms  requests 10, failures 0

upstream search
  not resolved yet
";
    assert_eq!(text(&status, &listeners, &json!([]), &upstreams), expected);
}

#[test]
fn uptime_has_two_units_at_most() {
    let texts = [(5, "5s"), (65, "1m 5s"), (3600, "1h 0m"), (90_000, "1d 1h")];
    for (secs, expected) in texts {
        assert_eq!(uptime_text(std::time::Duration::from_secs(secs)), expected);
    }
}
