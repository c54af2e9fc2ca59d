use std::net::SocketAddr;
use std::sync::Arc;

use portunus_balance::{Address, EndpointState};

use super::*;

fn endpoint(address: &str) -> Endpoint {
    let address: SocketAddr = address.parse().unwrap();
    Endpoint {
        address: Address::Ip(address),
        name: String::new(),
        authority: String::new(),
        weight: 1,
        zone: None,
        backup: false,
        state: Arc::new(EndpointState::new(0)),
    }
}

fn key() -> StickyKey {
    StickyKey::of(&"k".repeat(32))
}

#[test]
fn each_endpoint_has_a_mark_of_its_own_wherever_it_stands_in_the_set() {
    let (a, b) = (endpoint("10.0.0.1:80"), endpoint("10.0.0.2:80"));
    let marks = StickyMarks::of(&[a.clone(), b.clone()], &key());
    let turned = StickyMarks::of(&[b, a], &key());
    let (first, second) = (marks.mark(0).unwrap(), marks.mark(1).unwrap());
    assert_ne!(first, second);
    assert_eq!((turned.mark(1), turned.mark(0)), (Some(first), Some(second)));
    assert_eq!(marks.endpoint(second.as_bytes()), Some(1));
    assert_eq!(turned.endpoint(second.as_bytes()), Some(0));
    assert!(!first.contains("10.0"), "{first}");
}

#[test]
fn what_was_not_made_with_the_key_means_no_endpoint() {
    let marks = StickyMarks::of(&[endpoint("10.0.0.1:80")], &key());
    let other = StickyMarks::of(&[endpoint("10.0.0.1:80")], &StickyKey::random());
    assert_eq!(marks.endpoint(other.mark(0).unwrap().as_bytes()), None);
    for text in ["", "0", "10.0.0.1:80", "\u{e9}"] {
        assert_eq!(marks.endpoint(text.as_bytes()), None, "{text}");
    }
    assert_eq!(marks.mark(1), None);
}

#[test]
fn secure_follows_the_client_unless_it_is_told() {
    let plan = |secure| StickyPlan {
        name: "srv".into(),
        attributes: "; Path=/; HttpOnly".into(),
        secure,
        hide: true,
        key: key(),
    };
    assert_eq!(plan(None).set_cookie("m", false), "srv=m; Path=/; HttpOnly");
    assert_eq!(plan(None).set_cookie("m", true), "srv=m; Path=/; HttpOnly; Secure");
    assert_eq!(plan(Some(false)).set_cookie("m", true), "srv=m; Path=/; HttpOnly");
    assert_eq!(plan(Some(true)).set_cookie("m", false), "srv=m; Path=/; HttpOnly; Secure");
}
