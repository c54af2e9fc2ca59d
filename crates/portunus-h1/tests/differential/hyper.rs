//! hyper's HTTP/1 server and client over an in-memory pipe: heads, lengths and chunks.

use std::{cell::RefCell, convert::Infallible, rc::Rc};

use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use portunus_http::Method;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Accepted, Seen, accepted, check, with_sentinel};
use crate::{
    corpus,
    message::{Outcome, read_request, read_response},
    properties::{request, response},
};

/// Requests of the corpus that hyper answers with 400 though they are legal or harmless.
const REFUSED: &[&str] = &[];

#[test]
fn hyper_reads_what_we_forward_as_we_do() {
    for accepted in accepted() {
        let seen = requests_seen(&with_sentinel(&accepted.forwarded));
        let refused = REFUSED.contains(&accepted.name.as_str());
        assert_eq!(seen.is_empty(), refused, "{}", accepted.name);
        check("hyper", &accepted, &seen);
    }
}

#[test]
fn hyper_reads_no_second_request_in_what_we_accept() {
    for accepted in accepted() {
        let seen = requests_seen(&with_sentinel(&accepted.sent));
        let bodies = seen.iter().filter(|seen| seen.target != b"/sentinel");
        let bodies: Vec<_> = bodies.map(|seen| &seen.body).collect();
        assert!(bodies.len() <= 1, "{}: {seen:?}", accepted.name);
        assert!(bodies.iter().all(|body| **body == accepted.ours.body), "{}", accepted.name);
    }
}

#[test]
fn hyper_reads_the_answers_of_the_corpus_as_we_do() {
    for case in corpus::read("responses.txt") {
        let Outcome::Whole { message, again, .. } = read_response(&case.bytes, Method::Get) else {
            continue;
        };
        if message.status < 200 {
            continue;
        }
        let theirs = response_seen(&again);
        assert_eq!(theirs, Some((message.status, message.body)), "{}", case.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hyper_reads_any_request_that_we_forward(bytes in request()) {
        let Outcome::Whole { message, again, len, .. } = read_request(&bytes) else {
            panic!("a whole request");
        };
        let (name, sent) = (String::from_utf8_lossy(&again).into_owned(), bytes[..len].to_vec());
        let accepted = Accepted { name, ours: Seen::of(&message), sent, forwarded: again };
        check("hyper", &accepted, &requests_seen(&with_sentinel(&accepted.forwarded)));
    }

    #[test]
    fn hyper_reads_any_answer_that_we_forward(bytes in response()) {
        let Outcome::Whole { message, again, .. } = read_response(&bytes, Method::Get) else {
            panic!("a whole answer");
        };
        prop_assert_eq!(response_seen(&again), Some((message.status, message.body)));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

/// The requests that hyper's server makes of `bytes`.
fn requests_seen(bytes: &[u8]) -> Vec<Seen> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            if let Some(request) = seen_of(request).await {
                seen.borrow_mut().push(request);
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    block_on(async {
        let (mut client, server) = tokio::io::duplex(256 * 1024);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.half_close(true);
        // An error is a refusal: what was seen before it counts.
        let _ = builder.serve_connection(TokioIo::new(server), service).await;
    });
    seen.take()
}

async fn seen_of(request: Request<Incoming>) -> Option<Seen> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    let method = parts.method.as_str().as_bytes().to_vec();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    Some(Seen { method, target: target.as_bytes().to_vec(), body })
}

/// Status and body of the answer that hyper's client makes of `bytes`.
fn response_seen(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    block_on(async {
        let (client, mut upstream) = tokio::io::duplex(256 * 1024);
        let io = TokioIo::new(client);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
        let request = Request::builder().uri("/").header("host", "a");
        let answer = async {
            let answer =
                sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.into_body().collect().await.ok()?.to_bytes().to_vec()))
        };
        let serve = async {
            let mut request = [0; 1024];
            let _ = upstream.read(&mut request).await;
            upstream.write_all(bytes).await.unwrap();
            upstream.shutdown().await.unwrap();
        };
        let (answer, (), _) = tokio::join!(answer, serve, connection);
        answer
    })
}
