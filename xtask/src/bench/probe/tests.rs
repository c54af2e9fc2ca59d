use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::{Answer, get};

/// What the probe makes of a server that says `answer` and then closes.
fn check(answer: &'static str, expected: Option<Answer>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        assert!(client.read(&mut [0; 1024]).unwrap() > 0);
        client.write_all(answer.as_bytes()).unwrap();
    });
    assert_eq!(get(port, "/", None).ok().flatten(), expected, "{answer}");
    server.join().unwrap();
}

#[test]
fn status_and_length_are_read() {
    let answer = Answer { status: 200, body_bytes: 2 };
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Some(answer));
    check("HTTP/1.1 502 Bad Gateway\r\n\r\nbad", Some(Answer { status: 502, body_bytes: 3 }));
}

#[test]
fn a_body_that_ends_early_shows_in_its_length() {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
    check(short, Some(Answer { status: 200, body_bytes: 2 }));
}

#[test]
fn half_a_head_is_no_answer() {
    check("HTTP/1.1 200 OK\r\nConte", None);
    check("", None);
}
