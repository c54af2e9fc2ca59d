use std::sync::Arc;

use portunus_exchange::Exchange;
use portunus_identity::{Consumer, Identity};

use super::identify;

fn told(exchange: &Exchange) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = exchange.request.headers.iter();
    headers.map(|header| format!("{}: {}", text(header.name), text(header.value))).collect()
}

#[test]
fn the_upstream_is_told_who_asks_and_the_later_word_counts() {
    let mut exchange = Exchange::default();
    let consumer = Consumer { id: "c-1".into(), name: "acme".into(), ..Consumer::default() };
    let groups: Box<[Box<str>]> = ["a".into(), "b".into()].into();
    let identity = Identity {
        credential: "key-1".into(),
        consumer: Some(Arc::new(consumer)),
        groups: groups.clone(),
        ..Identity::default()
    };
    identify(&mut exchange, Arc::new(identity));
    let expected = [
        "X-Consumer-Id: c-1",
        "X-Consumer-Username: acme",
        "X-Credential-Identifier: key-1",
        "X-Consumer-Groups: a, b",
    ];
    assert_eq!(told(&exchange), expected);
    assert_eq!(exchange.attributes.value("user"), Some(&b"acme"[..]));
    let token = Identity { subject: "u-1".into(), groups, ..Identity::default() };
    identify(&mut exchange, Arc::new(token));
    assert_eq!(told(&exchange), [""; 0]);
    assert_eq!(exchange.attributes.value("user"), Some(&b"u-1"[..]));
}

#[test]
fn a_group_that_is_no_item_of_a_list_is_left_out_alone() {
    let mut exchange = Exchange::default();
    let consumer = Consumer { id: "c-1".into(), name: "acme".into(), ..Consumer::default() };
    let groups = ["a", "users,admins", "b\r\nX-Admin: 1", "", " c", "d\0", "e f"].map(Box::from);
    let consumer = Some(Arc::new(consumer));
    let identity = Identity { consumer, groups: groups.into(), ..Identity::default() };
    identify(&mut exchange, Arc::new(identity));
    let told = told(&exchange);
    assert_eq!(told.last().unwrap(), "X-Consumer-Groups: a, e f");
}

#[test]
fn what_cannot_stand_in_a_header_is_not_told() {
    let mut exchange = Exchange::default();
    let identity = Identity { credential: "a\r\nX-Admin: 1".into(), ..Identity::default() };
    identify(&mut exchange, Arc::new(identity));
    assert_eq!(told(&exchange), [""; 0]);
}
