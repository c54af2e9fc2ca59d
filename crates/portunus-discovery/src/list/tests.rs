use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::fake_dns::{FakeDns, Zone, a, srv};
use crate::provider::{DiscoveredSet, Feed, StopHandle};

fn host(host: &str) -> EndpointInput {
    let target = Target::Host { host: host.to_owned(), port: 80 };
    EndpointInput::new(target, format!("http://{host}"))
}

fn fixed(address: &str) -> EndpointInput {
    let target = Target::Fixed(address.parse::<SocketAddr>().unwrap().into());
    EndpointInput::new(target, address)
}

/// A provider that runs, and all that a test sees of it.
struct Run {
    feed: Feed,
    stop: StopHandle,
    task: JoinSet<()>,
}

fn run(inputs: Vec<EndpointInput>, options: ResolveOptions) -> Run {
    let (sink, feed) = Sink::pair();
    let (stop, stopped) = Stop::pair();
    let mut task = JoinSet::new();
    task.spawn(endpoint_list(inputs, options).run(sink, stopped));
    Run { feed, stop, task }
}

impl Run {
    /// The next set: its version and its addresses.
    async fn next(&mut self) -> (u64, Vec<String>) {
        let DiscoveredSet { version, endpoints } = self.feed.next().await.unwrap();
        let addresses = endpoints.iter().map(|endpoint| endpoint.address.to_string());
        (version, addresses.collect())
    }
}

fn of(version: u64, addresses: &[&str]) -> (u64, Vec<String>) {
    (version, addresses.iter().map(|&address| address.to_owned()).collect())
}

fn x_is(last: u8) -> Zone {
    Zone::Table(vec![a("x.test", 0, [10, 0, 0, last])])
}

#[tokio::test]
async fn a_new_answer_after_the_ttl_is_a_new_set() {
    let dns = FakeDns::start(x_is(1)).await;
    let mut run = run(vec![host("x.test")], dns.options());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:80"]));
    dns.set(x_is(2));
    assert_eq!(run.next().await, of(2, &["10.0.0.2:80"]));
}

#[tokio::test]
async fn an_answer_is_kept_for_its_ttl() {
    let entries = vec![a("x.test", 3_600, [10, 0, 0, 1]), a("y.test", 0, [10, 0, 0, 2])];
    let mut dns = FakeDns::start(Zone::Table(entries)).await;
    let mut run = run(vec![host("x.test"), host("y.test")], dns.options());
    while run.next().await.1.len() < 2 {}
    // The short-lived name is asked for over and over; the other one's change goes unseen
    // meanwhile.
    dns.set(Zone::Table(vec![a("y.test", 0, [10, 0, 0, 2])]));
    dns.questions(5).await;
    dns.set(Zone::Table(vec![a("x.test", 0, [10, 0, 0, 3]), a("y.test", 0, [10, 0, 0, 4])]));
    assert_eq!(run.next().await.1, ["10.0.0.1:80", "10.0.0.4:80"]);
}

#[tokio::test]
async fn a_turned_answer_is_no_new_set() {
    let both = |first, second| {
        let entry = |last| a("x.test", 0, [10, 0, 0, last]);
        Zone::Table(vec![entry(first), entry(second)])
    };
    let mut dns = FakeDns::start(both(1, 2)).await;
    let mut run = run(vec![host("x.test")], dns.options());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:80", "10.0.0.2:80"]));
    dns.set(both(2, 1));
    dns.questions(3).await;
    dns.set(x_is(3));
    assert_eq!(run.next().await, of(2, &["10.0.0.3:80"]));
}

#[tokio::test]
async fn a_name_that_vanishes_keeps_its_last_good_set() {
    let mut dns = FakeDns::start(x_is(1)).await;
    let mut run = run(vec![host("x.test")], dns.options());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:80"]));
    dns.set(Zone::Table(Vec::new()));
    dns.questions(10).await;
    assert_eq!(run.feed.latest().version, 1);
    dns.set(x_is(2));
    // Version 2 at once: nothing was pushed in between.
    assert_eq!(run.next().await, of(2, &["10.0.0.2:80"]));
}

#[tokio::test]
async fn a_server_that_falls_silent_and_returns_is_asked_again() {
    let mut dns = FakeDns::start(x_is(1)).await;
    let mut run = run(vec![host("x.test")], dns.options());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:80"]));
    dns.set(Zone::Silent);
    dns.questions(4).await;
    dns.set(x_is(2));
    assert_eq!(run.next().await, of(2, &["10.0.0.2:80"]));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_at_the_start_is_an_empty_set_until_it_does() {
    let dns = FakeDns::start(Zone::Table(Vec::new())).await;
    let mut run = run(vec![host("x.test")], dns.options());
    assert_eq!(run.next().await, of(1, &[]));
    dns.set(x_is(1));
    assert_eq!(run.next().await, of(2, &["10.0.0.1:80"]));
}

#[tokio::test]
async fn addresses_do_not_wait_for_names_and_the_order_is_that_of_the_list() {
    let dns = FakeDns::start(Zone::Silent).await;
    let heavy = EndpointInput {
        weight: 3,
        zone: Some("b".into()),
        backup: true,
        authority: "x".to_owned(),
        ..host("x.test")
    };
    let socket = EndpointInput::new(Target::Fixed(Address::Unix("/s".into())), "unix:/s");
    let mut run = run(vec![socket, heavy.clone(), fixed("10.0.0.9:80")], dns.options());
    assert_eq!(run.next().await, of(1, &["unix:/s", "10.0.0.9:80"]));
    dns.set(x_is(1));
    assert_eq!(run.next().await, of(2, &["unix:/s", "10.0.0.1:80", "10.0.0.9:80"]));
    let address = "10.0.0.1:80".parse::<SocketAddr>().unwrap();
    assert_eq!(run.feed.latest().endpoints[1], heavy.at(address.into()));
}

#[tokio::test]
async fn a_service_brings_ports_weights_and_backups() {
    let dns = FakeDns::start(Zone::Table(vec![
        srv("_http._tcp.x.test", [10, 4, 8_001], "a.test"),
        srv("_http._tcp.x.test", [20, 0, 8_002], "b.test"),
        srv("_http._tcp.x.test", [10, 1, 8_003], "gone.test"),
        a("a.test", 0, [10, 0, 0, 1]),
        a("b.test", 0, [10, 0, 0, 2]),
    ]))
    .await;
    let name = "_http._tcp.x.test";
    let input = EndpointInput::new(Target::Service(name.to_owned()), name);
    let mut run = run(vec![input], dns.options());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:8001", "10.0.0.2:8002"]));
    let endpoints = run.feed.latest().endpoints;
    let seen = endpoints.iter().map(|e| (e.name.as_str(), e.weight, e.backup));
    assert_eq!(Vec::from_iter(seen), [("a.test:8001", 4, false), ("b.test:8002", 1, true)]);
}

#[tokio::test]
async fn a_stop_ends_the_provider_and_what_it_started() {
    for zone in [x_is(1), Zone::Silent] {
        let mut dns = FakeDns::start(zone).await;
        let mut run = run(vec![host("x.test"), host("y.test")], dns.options());
        dns.questions(1).await;
        run.stop.stop();
        run.task.join_next().await.unwrap().unwrap();
        while run.feed.next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_list_of_addresses_needs_no_provider_and_ends_by_itself() {
    let inputs = vec![fixed("10.0.0.1:80"), fixed("[::1]:80")];
    let mut run = run(inputs.clone(), ResolveOptions::default());
    assert_eq!(run.next().await, of(1, &["10.0.0.1:80", "[::1]:80"]));
    run.task.join_next().await.unwrap().unwrap();
    assert_eq!(fixed_endpoints(&inputs), Some(run.feed.latest().endpoints));
    assert_eq!(fixed_endpoints(&[host("x.test")]), None);
}

#[tokio::test]
async fn an_empty_list_is_an_empty_set() {
    let options = ResolveOptions { timeout: Some(Duration::ZERO), ..ResolveOptions::default() };
    assert_eq!(run(Vec::new(), options).next().await, of(1, &[]));
}
