//! The client's side, against the `h2` crate and frames by hand.

use std::future::poll_fn;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Response};
use portunus_h2::{
    Client, ClientOptions, ErrorCode, H2Error, H2ErrorKind, H2Fault, OutgoingHead, connect,
    is_sendable,
};
use portunus_http::{Framing, HeaderList, Method, RequestHead, ResponseHead};
use portunus_net::Io;
use tokio::task::{JoinHandle, spawn_local};

use crate::frames::{
    DATA, END_STREAM, Frames, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, pair, stream_pair,
};
use crate::serve::{run, worker};

async fn client(io: Io) -> (Client, JoinHandle<Result<(), H2Error>>) {
    let (client, driver) = connect(io, &ClientOptions::default(), &worker()).await.unwrap();
    (client, spawn_local(driver))
}

/// A server that is not ours.
fn serve<F>(
    stream: tokio::net::UnixStream,
    builder: h2::server::Builder,
    answer: impl Fn(http::Request<RecvStream>, SendResponse<Bytes>) -> F + 'static,
) where
    F: Future<Output = ()> + 'static,
{
    spawn_local(async move {
        let mut connection = builder.handshake::<_, Bytes>(stream).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            spawn_local(answer(request, respond));
        }
    });
}

fn head(method: &[u8], path: &[u8]) -> RequestHead {
    let mut head = RequestHead::default();
    head.set_method(method);
    head.set_path(path);
    head.headers.append(b"Host", b"old.test");
    head
}

fn outgoing(head: &RequestHead, framing: Framing) -> OutgoingHead<'_> {
    OutgoingHead { head, secure: true, authority: b"example.test:8443", framing, protocol: None }
}

#[test]
fn a_head_goes_out_in_the_form_of_http_2() {
    run(async {
        let (io, stream) = stream_pair();
        serve(stream, h2::server::Builder::new(), |request, mut respond| async move {
            let mut seen = vec![format!("{} {}", request.method(), request.uri())];
            for (name, value) in request.headers() {
                seen.push(format!("{name}: {}", value.to_str().unwrap()));
            }
            let answer = Response::builder().header("x-seen", seen.join(" | ")).body(()).unwrap();
            respond.send_response(answer, true).unwrap();
        });
        let (client, _) = client(io).await;
        let mut head = head(b"GET", b"/a/\xff b");
        head.set_query(Some(b"q=1"));
        for name in ["Connection", "Keep-Alive", "Upgrade", "Transfer-Encoding", "Proxy-Connection"]
        {
            head.headers.append(name.as_bytes(), b"x");
        }
        head.headers.append(b"TE", b"gzip, trailers");
        head.headers.append(b"X-Own", b"1");
        let mut sent = client.send(&outgoing(&head, Framing::None)).unwrap();
        let mut response = ResponseHead::default();
        let body = sent.answer.head(&mut response).await.unwrap().unwrap();
        assert!(body.is_end());
        assert_eq!(body.framing(), Framing::None);
        let seen = response.headers.value(b"x-seen").unwrap();
        let expected = "GET https://example.test:8443/a/%FF%20b?q=1 | x-own: 1 | te: trailers";
        assert_eq!(String::from_utf8_lossy(seen), expected);
    });
}

#[test]
fn bodies_trailers_and_interim_answers_pass() {
    run(async {
        let (io, stream) = stream_pair();
        serve(stream, h2::server::Builder::new(), |request, mut respond| async move {
            respond.send_informational(Response::builder().status(103).body(()).unwrap()).unwrap();
            let mut body = request.into_body();
            let mut sink = respond.send_response(Response::new(()), false).unwrap();
            while let Some(piece) = body.data().await {
                let piece = piece.unwrap();
                body.flow_control().release_capacity(piece.len()).unwrap();
                sink.send_data(piece, false).unwrap();
            }
            let sum = body.trailers().await.unwrap().unwrap()["x-sum"].clone();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", sum);
            sink.send_trailers(trailers).unwrap();
        });
        let (client, _) = client(io).await;
        let head = head(b"POST", b"/");
        let mut stream = client.send(&outgoing(&head, Framing::Chunked)).unwrap();
        let sending = async {
            for piece in 0..100u8 {
                stream.body.body(&[piece; 3000]).await.unwrap();
            }
            let mut trailers = HeaderList::default();
            trailers.append(b"X-Sum", b"300000");
            stream.body.end(Some(&trailers));
            stream.body.flush().await.unwrap();
        };
        let receiving = async {
            let mut response = ResponseHead::default();
            assert!(stream.answer.head(&mut response).await.unwrap().is_none());
            assert_eq!(response.status, 103);
            let mut body = stream.answer.head(&mut response).await.unwrap().unwrap();
            assert_eq!((response.status, body.framing()), (200, Framing::Chunked));
            let mut bytes = Vec::new();
            loop {
                let piece = body.next().await.unwrap();
                if piece.is_empty() {
                    break;
                }
                bytes.extend(piece);
            }
            assert_eq!(body.trailers().unwrap().value(b"x-sum"), Some(&b"300000"[..]));
            bytes
        };
        let ((), bytes) = tokio::join!(sending, receiving);
        let expected: Vec<u8> = (0..100u8).flat_map(|piece| [piece; 3000]).collect();
        assert!(bytes == expected);
    });
}

#[test]
fn an_answer_to_head_has_no_body() {
    run(async {
        let (io, stream) = stream_pair();
        serve(stream, h2::server::Builder::new(), |_, mut respond| async move {
            let answer = Response::builder().header("content-length", "500").body(()).unwrap();
            respond.send_response(answer, true).unwrap();
        });
        let (client, _) = client(io).await;
        let head = head(b"HEAD", b"/");
        assert_eq!(head.method, Method::Head);
        let mut stream = client.send(&outgoing(&head, Framing::None)).unwrap();
        let mut response = ResponseHead::default();
        let body = stream.answer.head(&mut response).await.unwrap().unwrap();
        assert_eq!(body.framing(), Framing::None);
        assert_eq!(response.headers.value(b"content-length"), Some(&b"500"[..]));
    });
}

#[test]
fn streams_are_counted_against_the_limit_of_the_upstream() {
    run(async {
        let (io, stream) = stream_pair();
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(3);
        serve(stream, builder, |_, mut respond| async move {
            respond.send_response(Response::new(()), true).unwrap();
        });
        let (client, _) = client(io).await;
        let head = head(b"GET", b"/");
        let mut response = ResponseHead::default();
        let mut first = client.send(&outgoing(&head, Framing::None)).unwrap();
        first.answer.head(&mut response).await.unwrap();
        assert_eq!((client.streams_open(), client.streams_free()), (1, 2));
        drop(first);
        assert_eq!((client.streams_open(), client.streams_free()), (0, 3));
        client.ping().await.unwrap();
        assert!(client.is_open());
    });
}

#[test]
fn an_extended_connect_goes_where_it_is_taken() {
    run(async {
        let (io, stream) = stream_pair();
        let mut builder = h2::server::Builder::new();
        builder.enable_connect_protocol();
        serve(stream, builder, |request, mut respond| async move {
            let protocol = request.extensions().get::<h2::ext::Protocol>().unwrap();
            assert_eq!((protocol.as_str(), request.uri().path()), ("websocket", "/chat"));
            let mut body = request.into_body();
            let mut sink = respond.send_response(Response::new(()), false).unwrap();
            while let Some(Ok(piece)) = body.data().await {
                sink.send_data(piece, false).unwrap();
            }
            sink.send_data(Bytes::new(), true).unwrap();
        });
        let (client, _) = client(io).await;
        client.ping().await.unwrap();
        assert!(client.takes_extended_connect());
        let head = head(b"GET", b"/chat");
        let request =
            OutgoingHead { protocol: Some("websocket"), ..outgoing(&head, Framing::None) };
        let mut stream = client.send(&request).unwrap();
        let mut response = ResponseHead::default();
        let mut down = stream.answer.head(&mut response).await.unwrap().unwrap();
        stream.body.body(b"ping").await.unwrap();
        stream.body.flush().await.unwrap();
        assert_eq!(down.next().await.unwrap(), &b"ping"[..]);
        stream.body.end(None);
        stream.body.flush().await.unwrap();
        assert!(down.next().await.unwrap().is_empty());
    });
}

#[test]
fn resets_say_whether_the_request_was_processed() {
    for (reason, unprocessed) in [(Reason::REFUSED_STREAM, true), (Reason::INTERNAL_ERROR, false)] {
        run(async {
            let (io, stream) = stream_pair();
            serve(stream, h2::server::Builder::new(), move |_, mut respond| async move {
                respond.send_reset(reason);
            });
            let (client, _) = client(io).await;
            let head = head(b"POST", b"/");
            let mut stream = client.send(&outgoing(&head, Framing::None)).unwrap();
            let error = stream.answer.head(&mut ResponseHead::default()).await.unwrap_err();
            let kind = H2ErrorKind::Reset(ErrorCode(reason.into()));
            assert_eq!(error, H2Error { kind, unprocessed });
        });
    }
}

/// The server's end by hand, with its settings sent and ours read.
async fn by_hand() -> (Frames, Client, JoinHandle<Result<(), H2Error>>) {
    let (io, mut frames) = pair();
    let (client, driver) = client(io).await;
    let mut preface = vec![0; PREFACE.len()];
    tokio::task::yield_now().await;
    frames.read_exact(&mut preface).await;
    assert_eq!(preface, PREFACE);
    frames.settings(&[]).await;
    frames.next_of(&[SETTINGS]).await.unwrap();
    (frames, client, driver)
}

#[test]
fn a_goaway_tells_which_requests_were_not_looked_at() {
    run(async {
        let (mut frames, client, _driver) = by_hand().await;
        let head = head(b"POST", b"/");
        let mut first = client.send(&outgoing(&head, Framing::None)).unwrap();
        let mut second = client.send(&outgoing(&head, Framing::None)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        frames.send(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]).await;
        let mut response = ResponseHead::default();
        let error = second.answer.head(&mut response).await.unwrap_err();
        assert_eq!(
            error,
            H2Error { kind: H2ErrorKind::GoAway(ErrorCode::NO_ERROR), unprocessed: true }
        );
        assert!(!client.is_open());
        let late = client.send(&outgoing(&head, Framing::None)).unwrap_err();
        assert!(late.unprocessed);
        frames.send(HEADERS, 5, 1, &[0x88]).await;
        assert!(first.answer.head(&mut response).await.unwrap().is_some());
        assert_eq!(response.status, 200);
    });
}

#[test]
fn a_connection_that_breaks_leaves_doubt() {
    run(async {
        let (mut frames, client, driver) = by_hand().await;
        let head = head(b"GET", b"/");
        let mut sent = client.send(&outgoing(&head, Framing::None)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        drop(frames);
        let error = sent.answer.head(&mut ResponseHead::default()).await.unwrap_err();
        assert!(matches!(error.kind, H2ErrorKind::Io(_)) && !error.unprocessed, "{error:?}");
        let _ = driver.await.unwrap();
        assert!(!client.is_open());
        assert!(client.send(&outgoing(&head, Framing::None)).unwrap_err().unprocessed);
    });
}

#[test]
fn a_stream_that_is_dropped_is_reset() {
    run(async {
        let (mut frames, client, _driver) = by_hand().await;
        let head = head(b"GET", b"/");
        let sent = client.send(&outgoing(&head, Framing::None)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        drop(sent);
        let reset = frames.next_of(&[RST_STREAM]).await.unwrap();
        assert_eq!((reset.stream, reset.payload.as_slice()), (1, &[0, 0, 0, 8][..]));
    });
}

#[test]
fn an_answer_that_switches_or_cuts_is_refused() {
    run(async {
        let (mut frames, client, _driver) = by_hand().await;
        let head = head(b"GET", b"/");
        let mut response = ResponseHead::default();
        let mut sent = client.send(&outgoing(&head, Framing::None)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        frames.headers(0, 1, &[(":status", "101")]).await;
        let error = sent.answer.head(&mut response).await.unwrap_err();
        assert_eq!(error.kind, H2ErrorKind::Malformed(H2Fault::BadStatus));
        let mut sent = client.send(&outgoing(&head, Framing::None)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        frames.headers(0, 3, &[(":status", "200"), ("content-length", "9")]).await;
        frames.send(DATA, END_STREAM, 3, b"short").await;
        let mut body = sent.answer.head(&mut response).await.unwrap().unwrap();
        assert_eq!(body.framing(), Framing::Length(9));
        let error = loop {
            match body.next().await {
                Ok(piece) => assert!(!piece.is_empty(), "the cut must show"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, H2ErrorKind::Protocol(ErrorCode::PROTOCOL_ERROR));
    });
}

#[test]
fn a_connection_without_clients_closes() {
    run(async {
        let (mut frames, client, driver) = by_hand().await;
        drop(client);
        let goaway = frames.next_of(&[GOAWAY]).await.unwrap();
        assert_eq!(goaway.payload[4..8], [0, 0, 0, 0]);
        assert_eq!(driver.await.unwrap(), Ok(()));
    });
}

#[test]
fn authorities_are_checked_before_they_go_out() {
    assert!(is_sendable(b"example.test:80") && is_sendable(b"[::1]"));
    assert!(!is_sendable(b"a b") && !is_sendable(b""));
}

#[test]
fn a_reset_of_the_upload_is_noticed() {
    run(async {
        let (mut frames, client, _driver) = by_hand().await;
        let head = head(b"POST", b"/");
        let sent = client.send(&outgoing(&head, Framing::Chunked)).unwrap();
        frames.next_of(&[HEADERS]).await.unwrap();
        frames.send(RST_STREAM, 0, 1, &[0, 0, 0, 7]).await;
        let error = poll_fn(|cx| sent.body.poll_reset(cx)).await;
        assert!(error.unprocessed);
    });
}
