//! What no route takes is still a request of its host.

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody};
use portunus_filter::{Chain, Filter, FilterCx, Interest, Link, Verdict};

use super::*;

/// Sends requests with a query elsewhere, and marks each answer.
struct Marks;

impl Filter for Marks {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request).with(Phase::Response);
        Interest { phases, ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        match exchange.request.query() {
            Some(_) => Verdict::Reply(Box::new(Reply::plain(308, ReplyBody::Empty))),
            None => Verdict::Continue,
        }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        exchange.response.headers.append(b"X-Marked", b"yes");
        Verdict::Continue
    }
}

/// A host with one route, for `GET /here`.
fn shop(metrics: &Registry) -> Snapshot {
    let host = HostPattern::parse("shop.test").unwrap();
    let mut router = RouterBuilder::new();
    let path = PathPattern::parse("/here").unwrap();
    let methods = portunus_route::MethodSet::parse(["GET"]).unwrap();
    let conditions = vec![portunus_route::Condition::Methods(methods)];
    router.add(RouteRule { id: RouteId(0), host: host.clone(), path, conditions });
    let (filter, name) = (Arc::new(Marks), "marks");
    let interest = filter.interest();
    let chain = Arc::new(Chain::new(vec![Link { name, filter, interest }]));
    Snapshot {
        router: router.build().unwrap(),
        unrouted: [(host, chain)].into(),
        ..snapshot(metrics, "127.0.0.1:1".parse().unwrap())
    }
}

fn answer(method: &'static str, target: &'static str, host: &'static str) -> String {
    serve_while(
        |_, metrics| shop(metrics),
        move |address| {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            ask(address, &request, "\r\n\r\n")
        },
    )
}

#[test]
fn filters_of_the_host_see_what_no_route_takes() {
    let lost = answer("HEAD", "/lost", "shop.test");
    assert!(lost.starts_with("HTTP/1.1 404 ") && lost.contains("route.none"), "{lost}");
    assert!(lost.to_lowercase().contains("x-marked: yes"), "{lost}");
    let moved = answer("HEAD", "/lost?a", "shop.test");
    assert!(moved.starts_with("HTTP/1.1 308 "), "{moved}");
    assert!(moved.to_lowercase().contains("x-marked: yes"), "{moved}");
}

#[test]
fn another_host_has_no_part_in_that() {
    let lost = answer("HEAD", "/lost?a", "other.test");
    assert!(lost.starts_with("HTTP/1.1 404 ") && lost.contains("route.no_host"), "{lost}");
    assert!(!lost.to_lowercase().contains("x-marked"), "{lost}");
}
