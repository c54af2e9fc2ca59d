//! The server's side against the `h2` crate: bodies, trailers, interim answers, resets, shutdown.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use portunus_h2::{ErrorCode, H2ErrorKind, H2Fault, Server, ServerOptions};
use portunus_http::{Framing, HeaderList, RequestHead};
use tokio::net::UnixStream;
use tokio::task::spawn_local;

use crate::frames::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, get, number, pair,
    stream_pair,
};
use crate::serve::{Log, response, run, serve, short_answer, worker};

/// A client that is not ours.
async fn client(stream: UnixStream) -> h2::client::SendRequest<Bytes> {
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    spawn_local(async move {
        let _ = connection.await;
    });
    send.ready().await.unwrap()
}

fn post(path: &str) -> Request<()> {
    Request::post(format!("https://example.test{path}")).body(()).unwrap()
}

async fn collect(mut body: h2::RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend(piece);
    }
    (bytes, body.trailers().await.unwrap())
}

#[test]
fn bodies_and_trailers_pass_both_ways() {
    run(async {
        let (io, stream) = stream_pair();
        serve(io, ServerOptions::default(), Log::default(), |_, mut body, mut answer| async move {
            assert_eq!(body.framing(), Framing::Chunked);
            assert!(body.is_fresh() && !body.is_end());
            answer.head(&response(200), Framing::Chunked).unwrap();
            loop {
                let piece = body.next().await.unwrap();
                if piece.is_empty() {
                    break;
                }
                answer.body(&piece).await.unwrap();
            }
            assert!(body.is_end());
            let mut trailers = HeaderList::default();
            let sum = body.trailers().unwrap().value(b"x-sum").unwrap();
            trailers.append(b"X-Sum", sum);
            answer.end(Some(&trailers));
            answer.flush().await.unwrap();
            assert!(answer.is_end());
        });
        let (response, mut body) = client(stream).await.send_request(post("/"), false).unwrap();
        let sent = vec![7u8; 300_000];
        body.send_data(Bytes::from(sent.clone()), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "300000".parse().unwrap());
        body.send_trailers(trailers).unwrap();
        let (received, trailers) = collect(response.await.unwrap().into_body()).await;
        assert!(received == sent);
        assert_eq!(trailers.unwrap()["x-sum"], "300000");
    });
}

#[test]
fn a_short_answer_is_one_head_and_one_last_piece() {
    run(async {
        let (io, mut frames) = pair();
        serve(io, ServerOptions::default(), Log::default(), |_, body, mut answer| async move {
            assert!(body.is_end());
            answer.head(&response(500), Framing::Chunked).unwrap();
            answer.body(b"first thought").await.unwrap();
            assert!(!answer.is_started());
            answer.head(&response(200), Framing::Length(5)).unwrap();
            answer.body(b"he").await.unwrap();
            answer.body(b"llo").await.unwrap();
            answer.end(None);
            answer.flush().await.unwrap();
            assert!(answer.is_started() && answer.is_end());
        });
        frames.begin(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        let head = frames.next_of(&[HEADERS]).await.unwrap();
        assert_eq!(head.flags & END_STREAM, 0);
        let piece = frames.next_of(&[DATA]).await.unwrap();
        assert_eq!((piece.flags, piece.payload.as_slice()), (END_STREAM, &b"hello"[..]));
    });
}

#[test]
fn an_answer_without_a_body_ends_with_its_head() {
    run(async {
        let (io, mut frames) = pair();
        let answer = |_, _, answer| short_answer(204, answer);
        serve(io, ServerOptions::default(), Log::default(), answer);
        frames.begin(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        let head = frames.next_of(&[HEADERS]).await.unwrap();
        assert_eq!(head.flags & END_STREAM, END_STREAM);
    });
}

#[test]
fn interim_answers_come_before_the_answer() {
    run(async {
        let (io, stream) = stream_pair();
        serve(io, ServerOptions::default(), Log::default(), |_, _, mut answer| async move {
            let mut early = response(103);
            early.headers.append(b"Link", b"</a.css>");
            answer.interim(&early).unwrap();
            assert_eq!(
                answer.interim(&response(200)).unwrap_err().kind,
                H2ErrorKind::Malformed(H2Fault::BadStatus)
            );
            short_answer(200, answer).await;
        });
        let (mut response, _) = client(stream).await.send_request(post("/"), true).unwrap();
        let early = poll_fn(|cx| response.poll_informational(cx)).await.unwrap().unwrap();
        assert_eq!(early.status(), StatusCode::EARLY_HINTS);
        assert_eq!(early.headers()["link"], "</a.css>");
        assert_eq!(response.await.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn fields_of_a_connection_do_not_go_out() {
    run(async {
        let (io, stream) = stream_pair();
        serve(io, ServerOptions::default(), Log::default(), |_, _, mut answer| async move {
            let mut head = response(200);
            for name in
                ["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Proxy-Connection"]
            {
                head.headers.append(name.as_bytes(), b"x");
            }
            head.headers.append(b"Content-Length", b"99");
            head.headers.append(b"Set-Cookie", b"a=1");
            head.headers.append(b"Set-Cookie", b"b=2");
            head.headers.append(b"X-Own", b"1");
            answer.head(&head, Framing::Length(2)).unwrap();
            answer.body(b"ok").await.unwrap();
            answer.end(None);
            answer.flush().await.unwrap();
        });
        let (response, _) = client(stream).await.send_request(post("/"), true).unwrap();
        let response = response.await.unwrap();
        let fields = response.headers().iter();
        let fields: Vec<_> =
            fields.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        assert_eq!(fields, ["set-cookie: a=1", "set-cookie: b=2", "x-own: 1", "content-length: 2"]);
    });
}

#[test]
fn an_answer_to_head_keeps_its_length() {
    run(async {
        let (io, stream) = stream_pair();
        serve(io, ServerOptions::default(), Log::default(), |_, _, mut answer| async move {
            let mut head = response(200);
            head.headers.append(b"Content-Length", b"1234");
            answer.head(&head, Framing::None).unwrap();
            answer.end(None);
            answer.flush().await.unwrap();
        });
        let request = Request::head("https://example.test/").body(()).unwrap();
        let (response, _) = client(stream).await.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers()["content-length"], "1234");
        assert!(response.body().is_end_stream());
    });
}

#[test]
fn a_client_that_gives_up_is_noticed() {
    run(async {
        let (io, mut frames) = pair();
        let noticed = Rc::new(Cell::new(None));
        let told = Rc::clone(&noticed);
        serve(io, ServerOptions::default(), Log::default(), move |_, _, answer| {
            let told = Rc::clone(&told);
            async move {
                let gone = poll_fn(|cx| answer.poll_reset(cx)).await;
                told.set(Some(gone.kind));
            }
        });
        frames.begin(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        frames.send(RST_STREAM, 0, 1, &8u32.to_be_bytes()).await;
        frames.send(PING, 0, 0, b"are you?").await;
        while noticed.get().is_none() {
            frames.next().await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(noticed.get(), Some(H2ErrorKind::Reset(ErrorCode::CANCEL)));
    });
}

#[test]
fn an_answer_that_is_dropped_or_cut_resets_its_stream() {
    run(async {
        let (io, mut frames) = pair();
        serve(io, ServerOptions::default(), Log::default(), |head, _, mut answer| async move {
            if head.path() == b"/cut" {
                answer.head(&response(200), Framing::Length(100)).unwrap();
                answer.body(b"some").await.unwrap();
                answer.flush().await.unwrap();
                answer.reset(ErrorCode::INTERNAL_ERROR);
            }
        });
        frames.begin(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        let reset = frames.next_of(&[RST_STREAM]).await.unwrap();
        assert_eq!((reset.stream, number(&reset.payload)), (1, ErrorCode::CANCEL.0));
        let cut =
            [(":method", "GET"), (":scheme", "https"), (":path", "/cut"), (":authority", "e")];
        frames.headers(END_STREAM, 3, &cut).await;
        let reset = frames.next_of(&[RST_STREAM]).await.unwrap();
        assert_eq!((reset.stream, number(&reset.payload)), (3, ErrorCode::INTERNAL_ERROR.0));
    });
}

#[test]
fn trailers_must_not_forge() {
    run(async {
        let (io, mut frames) = pair();
        let fault = Rc::new(Cell::new(None));
        let told = Rc::clone(&fault);
        serve(io, ServerOptions::default(), Log::default(), move |_, mut body, answer| {
            let told = Rc::clone(&told);
            async move {
                let error = loop {
                    match body.next().await {
                        Ok(piece) => assert!(!piece.is_empty()),
                        Err(error) => break error,
                    }
                };
                told.set(Some(error.kind));
                short_answer(400, answer).await;
            }
        });
        frames.begin(&[]).await;
        frames.headers(0, 1, &get(&[])).await;
        frames.send(DATA, 0, 1, b"body").await;
        frames.headers(END_STREAM, 1, &[("x-forwarded-for", "10.0.0.1")]).await;
        frames.next_of(&[HEADERS]).await.unwrap();
        assert_eq!(fault.get(), Some(H2ErrorKind::Malformed(H2Fault::ForbiddenTrailer)));
    });
}

#[test]
fn a_shutdown_serves_what_is_open_and_says_the_last_stream() {
    run(async {
        let (io, mut frames) = pair();
        let ended = spawn_local(async move {
            let options = ServerOptions::default();
            let mut server = Server::handshake(io, Vec::new(), &options, &worker()).await.unwrap();
            assert!(server.is_idle());
            let request = server.accept().await.unwrap().unwrap();
            assert!(!server.is_idle());
            server.shutdown();
            let (_, answer) = request.split();
            spawn_local(short_answer(200, answer));
            let mut late = 0;
            while let Some(request) = server.accept().await {
                late += 1;
                spawn_local(short_answer(200, request.unwrap().split().1));
            }
            assert!(server.is_idle());
            late
        });
        frames.begin(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        let goaway = frames.next_of(&[GOAWAY]).await.unwrap();
        assert_eq!(number(&goaway.payload), u32::MAX >> 1);
        // This one was on its way when the server said so.
        frames.headers(END_STREAM, 3, &get(&[])).await;
        let ping = frames.next_of(&[PING]).await.unwrap();
        frames.send(PING, ACK, 0, &ping.payload).await;
        let goaway = frames.next_of(&[GOAWAY]).await.unwrap();
        assert_eq!((number(&goaway.payload), number(&goaway.payload[4..])), (3, 0));
        assert_eq!(ended.await.unwrap(), 1);
    });
}

#[test]
fn an_idle_connection_shuts_down_at_once() {
    run(async {
        let (io, mut frames) = pair();
        let ended = spawn_local(async move {
            let options = ServerOptions::default();
            let mut server = Server::handshake(io, Vec::new(), &options, &worker()).await.unwrap();
            server.shutdown();
            server.accept().await.is_none()
        });
        frames.begin(&[]).await;
        let ping = frames.next_of(&[PING]).await.unwrap();
        frames.send(PING, ACK, 0, &ping.payload).await;
        assert!(frames.next_of(&[GOAWAY]).await.is_some());
        assert!(ended.await.unwrap());
    });
}

#[test]
fn bytes_that_were_read_before_come_first() {
    run(async {
        let (io, mut frames) = pair();
        let (early, late) = PREFACE.split_at(10);
        let handshake = spawn_local(async move {
            let options = ServerOptions::default();
            let mut server =
                Server::handshake(io, early.to_vec(), &options, &worker()).await.unwrap();
            let request = server.accept().await.unwrap().unwrap();
            let mut head = RequestHead::default();
            request.head_into(&mut head).unwrap();
            (request.stream_id(), request.is_secure())
        });
        frames.write(late).await;
        frames.settings(&[]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        assert_eq!(handshake.await.unwrap(), (1, Some(true)));
    });
}

#[test]
fn a_client_of_another_protocol_fails_the_handshake() {
    run(async {
        let (io, mut frames) = pair();
        let handshake = spawn_local(async move {
            let options = ServerOptions::default();
            Server::handshake(io, Vec::new(), &options, &worker()).await.map(|_| ())
        });
        frames.write(b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n").await;
        let error = handshake.await.unwrap().unwrap_err();
        assert_eq!(error.kind, H2ErrorKind::Protocol(ErrorCode::PROTOCOL_ERROR));
    });
}
