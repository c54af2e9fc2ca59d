use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use crate::{Client, End, Origin, faulty};

fn connect(origin: &Origin) -> Client {
    Client::connect(&origin.address().to_string())
}

fn socket(url: &impl std::fmt::Display) -> std::net::SocketAddr {
    url.to_string().strip_prefix("http://").unwrap().parse().unwrap()
}

#[test]
fn a_refusing_origin_refuses() {
    let origin = faulty::refusing();
    let error = TcpStream::connect(socket(&origin)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn nothing_answers_a_connection_to_an_unreachable_origin() {
    let origin = faulty::unreachable();
    let error =
        TcpStream::connect_timeout(&socket(&origin), Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_reset_is_told_from_an_end() {
    for (origin, end) in [(faulty::resetting(), End::Reset), (faulty::closing(), End::Closed)] {
        let mut client = connect(&origin);
        client.request("GET", "/").start();
        assert_eq!(client.wait_for_close(), end);
    }
}

#[test]
fn a_body_that_is_cut_is_incomplete() {
    for body in ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let text: &'static str = format!("HTTP/1.1 200 OK\r\n{body}").leak();
        let answer = connect(&faulty::saying(text)).get("/");
        assert_eq!((answer.text(), answer.is_complete), ("abc", false));
        assert!(!answer.keeps_connection());
    }
}

#[test]
fn a_dropped_origin_closes_its_connections_and_its_port() {
    let origin = Origin::text("a");
    let mut client = connect(&origin);
    client.get("/");
    let address = origin.address();
    drop(origin);
    assert_eq!(client.wait_for_close(), End::Closed);
    crate::eventually("the port is closed", || TcpStream::connect(address).is_err());
}
