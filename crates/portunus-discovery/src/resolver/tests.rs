use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::fake_dns::{FakeDns, Zone, a, aaaa, srv};

const V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);

#[tokio::test]
async fn answers_are_sorted_and_live_as_long_as_their_shortest_record() {
    let entries = vec![
        a("x.test", 60, [10, 0, 0, 2]),
        a("x.test", 20, [10, 0, 0, 1]),
        a("x.test", 60, [10, 0, 0, 2]),
    ];
    let dns = FakeDns::start(Zone::Table(entries)).await;
    let found = dns.options().hosts("x.test").await.unwrap();
    let expected: Vec<IpAddr> = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from).into();
    assert_eq!((found.items, found.ttl), (expected, Duration::from_secs(20)));
}

#[tokio::test]
async fn the_family_decides_which_addresses_count() {
    let v4 = IpAddr::from([10, 0, 0, 1]);
    let entries =
        vec![a("both.test", 9, [10, 0, 0, 1]), aaaa("both.test", 9, V6), aaaa("six.test", 9, V6)];
    let dns = FakeDns::start(Zone::Table(entries)).await;
    for (family, name, expected) in [
        (Family::Auto, "both.test", vec![v4]),
        (Family::Auto, "six.test", vec![V6.into()]),
        (Family::V6, "both.test", vec![V6.into()]),
        (Family::Both, "both.test", vec![v4, V6.into()]),
    ] {
        let options = ResolveOptions { family, ..dns.options() };
        let found = options.hosts(name).await.unwrap();
        assert_eq!(found.items, expected, "{family:?} {name}");
    }
    let options = ResolveOptions { family: Family::V4, ..dns.options() };
    assert!(options.hosts("six.test").await.is_err());
}

#[tokio::test]
async fn localhost_and_addresses_need_no_server() {
    let dns = FakeDns::start(Zone::Silent).await;
    for name in ["localhost", "127.0.0.1"] {
        let found = dns.options().hosts(name).await.unwrap();
        assert_eq!(found.items, [IpAddr::from(Ipv4Addr::LOCALHOST)], "{name}");
    }
}

#[tokio::test]
async fn the_system_knows_localhost_too() {
    let found = ResolveOptions::default().hosts("localhost").await.unwrap();
    assert!(found.items.iter().all(IpAddr::is_loopback), "{found:?}");
    assert!(!found.items.is_empty());
}

#[tokio::test]
async fn services_come_by_priority() {
    let entries = vec![
        srv("_http._tcp.x.test", [20, 5, 81], "b.x.test"),
        srv("_http._tcp.x.test", [10, 3, 80], "a.x.test"),
    ];
    let dns = FakeDns::start(Zone::Table(entries)).await;
    let found = dns.options().services("_http._tcp.x.test").await.unwrap();
    let service = |priority, host: &str, port, weight| {
        let host = host.to_owned();
        Service { priority, host, port, weight }
    };
    assert_eq!(found.items, [service(10, "a.x.test", 80, 3), service(20, "b.x.test", 81, 5)]);
}

#[test]
fn the_ttl_has_a_floor_and_a_ceiling() {
    let options = ResolveOptions::default();
    for (ttl, wait) in [(0, 1), (1, 1), (30, 30), (300, 300), (86_400, 300)] {
        let waits = options.refresh_after(Duration::from_secs(ttl));
        assert_eq!(waits, Duration::from_secs(wait), "{ttl}");
    }
}
