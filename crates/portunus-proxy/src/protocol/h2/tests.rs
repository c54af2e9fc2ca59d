use portunus_http::{Method, RequestHead};

use portunus_h2::FloodKind;

use super::*;

#[test]
fn an_extended_connect_becomes_the_upgrade_of_http_1() {
    let mut head = RequestHead::default();
    head.set_method(b"CONNECT");
    assert_eq!(connect::as_upgrade(&mut head, "websocket"), Ok(()));
    assert_eq!(head.method, Method::Get);
    assert_eq!(head.headers.value_of(HeaderId::Upgrade), Some(b"websocket".as_slice()));
    assert_eq!(portunus_h1::upgrade_of(&head.headers), Some(b"websocket".as_slice()));
    assert_eq!(connect::as_upgrade(&mut head, "connect-udp"), Err(H2Fault::Connect));
}

#[test]
fn every_flood_is_counted_by_a_word_of_its_own() {
    let words = FloodKind::ALL.iter().map(|kind| misdeed(H2ErrorKind::Flood(*kind)).unwrap());
    let distinct: std::collections::BTreeSet<_> = words.clone().collect();
    assert_eq!(distinct.len(), words.count());
    assert_eq!(misdeed(H2ErrorKind::Closed), None);
}

#[test]
fn an_idle_connection_is_small() {
    fn size<R>(_: impl Fn(Opening, Rc<dyn ServeStream>) -> R) -> usize {
        std::mem::size_of::<R>()
    }
    let (task, conn) = (size(serve), std::mem::size_of::<Conn>() + std::mem::size_of::<Link>());
    assert!(task + conn <= 3072, "an idle connection has {task} + {conn} bytes");
}
