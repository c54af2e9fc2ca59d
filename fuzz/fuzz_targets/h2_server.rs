//! Any bytes of a client after its preface: no panic, and the connection comes to an end.
#![no_main]

use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use libfuzzer_sys::fuzz_target;
use portunus_base::WorkerId;
use portunus_h2::{ErrorCode, Server, ServerOptions};
use portunus_http::RequestHead;
use portunus_net::{Io, Socket};
use portunus_worker::Worker;

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(serve(bytes));
});

/// All bytes are there before the server begins, so that it never waits for more.
async fn serve(bytes: &[u8]) {
    let Ok((ours, theirs)) = UnixStream::pair() else { return };
    // What we write stays in the socket: a closed one would end the fuzzer by a signal.
    theirs.shutdown(Shutdown::Write).expect("a socket of ours");
    ours.set_nonblocking(true).expect("a socket of ours");
    let io = Io::adopt(Socket::Unix(ours)).expect("a runtime that watches");
    let early = [PREFACE, bytes].concat();
    let (options, worker) = (ServerOptions::default(), Worker::new(WorkerId::default()));
    let Ok(mut server) = Server::handshake(io, early, &options, &worker).await else { return };
    while let Some(Ok(request)) = server.accept().await {
        let mut head = RequestHead::default();
        let _ = request.head_into(&mut head);
        let (mut body, mut answer) = request.split();
        while body.is_ready() && body.next().await.is_ok_and(|piece| !piece.is_empty()) {}
        answer.reset(ErrorCode::CANCEL);
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
