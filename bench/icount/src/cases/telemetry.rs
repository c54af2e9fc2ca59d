//! What is written down about one request: a log line in each format, and the metrics.

use std::hint::black_box;

use anyhow::{Result, ensure};
use portunus_base::{Wall, WorkerId};
use portunus_telemetry::{
    AccessRecord, Format, Options, Outcome, Place, Registry, Shard, TimeCache,
};

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("access/json", || log_line("json")),
        Case::new("access/common", || log_line("common")),
        Case::new("access/combined", || log_line("combined")),
        Case::new("access/template", || log_line(TEMPLATE)),
        Case::new("metrics/request", metrics),
    ]
}

fn log_line(format: &str) -> Result<impl FnMut() + use<>> {
    let format: Format = format.parse()?;
    let (record, mut times, mut out) = (record(), TimeCache::default(), Vec::new());
    format.write(&record, &mut times, &mut out);
    ensure!(!out.is_empty(), "the line is empty");
    Ok(move || {
        out.clear();
        format.write(black_box(&record), &mut times, &mut out);
        black_box(&mut out);
    })
}

/// All that is recorded from the start of a request to its end.
fn metrics() -> Result<impl FnMut()> {
    let registry = Registry::new(Options::new("0.0.0", Wall(0)));
    let shard = registry.shard(WorkerId(0));
    let place = Place {
        listener: registry.listener("web"),
        route: Some(registry.route("orders")),
        upstream: Some(registry.upstream("orders")),
        endpoint: Some(registry.endpoint("orders", "10.0.0.1:8080")),
    };
    Ok(move || {
        in_flight(&shard, place, true);
        in_flight(&shard, place, false);
        shard.request(black_box(place), black_box(&OUTCOME));
    })
}

/// A request comes into the series that count those under way, or leaves them.
fn in_flight(shard: &Shard, place: Place, comes: bool) {
    let Place { listener, route: Some(route), upstream: Some(upstream), .. } = black_box(place)
    else {
        return;
    };
    if comes {
        shard.in_flight_up(listener);
        shard.in_flight_up(route);
        shard.in_flight_up(upstream);
    } else {
        shard.in_flight_down(listener);
        shard.in_flight_down(route);
        shard.in_flight_down(upstream);
    }
}

fn record() -> AccessRecord<'static> {
    AccessRecord {
        time: Wall(1_795_507_200_123_456),
        request_id: b"01938f3e-7b1a-7c52-9f0e-2d4b6a8c0e1f",
        client_ip: Some([192, 0, 2, 17].into()),
        client_port: 51_234,
        peer_ip: Some([192, 0, 2, 17].into()),
        listener: "web",
        protocol: "h1",
        scheme: "http",
        method: b"GET",
        host: b"shop.example.com",
        path: b"/api/products",
        query: b"category=books&page=2",
        version: "HTTP/1.1",
        status: 200,
        route: "products",
        upstream: "products",
        endpoint: "10.0.0.1:8080",
        attempts: 1,
        duration_us: 1_834,
        first_byte_us: Some(1_721),
        upstream_us: Some(1_650),
        bytes_in: 512,
        bytes_out: 1_300,
        user_agent: b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        referer: b"https://shop.example.com/",
        ..AccessRecord::default()
    }
}

const OUTCOME: Outcome = Outcome {
    status: 200,
    reason: None,
    duration_us: 1_834,
    upstream_us: 1_650,
    bytes_in: 512,
    bytes_out: 1_300,
};
const TEMPLATE: &str = "{client.ip} {method} {path} {status} {duration_ms}";
