use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::serve;
use crate::demo::catalogue::Service;
use crate::demo::replica::Replica;

/// Sends requests to a replica over one connection, stops it, and gives the answers.
fn exchange(requests: &[&str]) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    let replica = Arc::new(Replica::open(Service::Users, 2, folder.path()).unwrap());
    crate::demo::runtime().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::task::JoinSet::from_iter([serve(listener, replica, stopped)]);
        let mut socket = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut answers = Vec::new();
        for request in requests {
            socket.write_all(request.as_bytes()).await.unwrap();
            answers.push(Answer::read(&mut socket, request).await);
        }
        stop.send_replace(true);
        server.join_all().await;
        // The idle connection was closed, not left to time out.
        assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
        assert!(TcpStream::connect(address).await.is_err());
        answers
    })
}

#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    async fn read(socket: &mut BufReader<TcpStream>, request: &str) -> Self {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(socket.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = length.filter(|_| !request.starts_with("HEAD"));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        socket.read_exact(&mut body).await.unwrap();
        Self { head, body: String::from_utf8(body).unwrap() }
    }

    #[track_caller]
    fn check(&self, status: u16, header: &str, body: &str) {
        assert!(self.head.starts_with(&format!("HTTP/1.1 {status} ")), "{self:?}");
        assert!(self.head.contains("\r\nX-Served-By: users-2\r\n"), "{self:?}");
        assert!(self.head.contains(header) && self.body.starts_with(body), "{self:?}");
    }
}

fn request(line: &str, body: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_replica_answers_what_is_asked_and_says_what_it_does_not_do() {
    let requests = [
        request("GET /users", ""),
        request("HEAD /users/1", ""),
        request("POST /users", r#"{"name":"x"}"#),
        request("PUT /users/3", r#"{"name":"y"}"#),
        request("GET /users/3", ""),
        request("DELETE /users/3", ""),
        request("GET /users/3", ""),
        request("GET /healthz", ""),
        request("GET /usersx", ""),
        request("GET /users/one", ""),
        request("DELETE /users", ""),
        request("POST /users/1", "{}"),
        request("POST /users", "[1]"),
        request("POST /users", "{"),
    ];
    let answers = exchange(&requests.each_ref().map(String::as_str));
    let expected = [
        (200, "application/json", "[{\"id\":1,"),
        (200, "", ""),
        (201, "Location: /users/3\r\n", "{\"id\":3,\"name\":\"x\"}"),
        (200, "", "{\"id\":3,\"name\":\"y\"}"),
        (200, "", "{\"id\":3,\"name\":\"y\"}"),
        (204, "", ""),
        (404, "", "{\"error\":"),
        (200, "", ""),
        (404, "", ""),
        (404, "", ""),
        (405, "Allow: GET, HEAD, POST\r\n", ""),
        (405, "Allow: GET, HEAD, PUT, DELETE\r\n", ""),
        (400, "", "{\"error\":"),
        (400, "", "{\"error\":"),
    ];
    assert_eq!(answers.len(), expected.len());
    for (answer, (status, header, body)) in answers.iter().zip(expected) {
        answer.check(status, header, body);
    }
}

#[test]
fn an_answer_tells_the_client_that_the_replica_was_told_of() {
    let told = "GET /users HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.5, 10.0.0.1\r\n\r\n";
    let answers = exchange(&[told, &request("GET /users", "")]);
    assert!(answers[0].head.contains("\r\nX-Client: 203.0.113.5\r\n"), "{answers:?}");
    assert!(!answers[1].head.contains("X-Client"), "{answers:?}");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let body = "x".repeat(65 << 10);
    let answers = exchange(&[&request("POST /users", &body)]);
    answers[0].check(413, "", "{\"error\":");
}
