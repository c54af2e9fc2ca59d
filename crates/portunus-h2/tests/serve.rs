//! A server of ours that says what it got.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use portunus_base::{ManualClock, Rng, WorkerId};
use portunus_h2::{Answer, H2Error, Incoming, Server, ServerOptions};
use portunus_http::{Framing, RequestHead, ResponseHead};
use portunus_net::Io;
use portunus_worker::Worker;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

/// What the server saw of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    Request(String),
    Refused(&'static str),
}

/// Requests, in the order in which they came.
pub(crate) type Log = Rc<RefCell<Vec<Seen>>>;

/// Runs a test on a worker of its own.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test)
}

/// A worker whose time stands still.
pub(crate) fn worker() -> Worker {
    Worker::with_clock(WorkerId::default(), Box::new(ManualClock::default()), Rng::seeded(1))
}

/// Method, target and headers in one line.
pub(crate) fn line(head: &RequestHead) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = format!("{} {}", text(head.method_text()), text(head.path()));
    if let Some(query) = head.query() {
        line += &format!("?{}", text(query));
    }
    for header in head.headers.iter() {
        line += &format!(" | {}: {}", text(header.name).to_lowercase(), text(header.value));
    }
    line
}

/// Serves a connection to its end, each request by `answer`.
pub(crate) fn serve<F, A>(
    io: Io,
    options: ServerOptions,
    log: Log,
    answer: A,
) -> JoinHandle<Result<(), H2Error>>
where
    F: Future<Output = ()> + 'static,
    A: Fn(RequestHead, Incoming, Answer) -> F + 'static,
{
    spawn_local(async move {
        let mut server = Server::handshake(io, Vec::new(), &options, &worker()).await?;
        while let Some(request) = server.accept().await {
            let request = request?;
            let mut head = RequestHead::default();
            let refused = request.head_into(&mut head).err();
            let seen = refused
                .map_or_else(|| Seen::Request(line(&head)), |fault| Seen::Refused(fault.reason()));
            log.borrow_mut().push(seen);
            let (incoming, sink) = request.split();
            match refused {
                Some(fault) => {
                    spawn_local(short_answer(fault.status(), sink));
                }
                None => {
                    spawn_local(answer(head, incoming, sink));
                }
            }
        }
        Ok(())
    })
}

/// An answer without a body.
pub(crate) async fn short_answer(status: u16, mut sink: Answer) {
    sink.head(&response(status), Framing::None).unwrap();
    sink.end(None);
    let _ = sink.flush().await;
}

pub(crate) fn response(status: u16) -> ResponseHead {
    let mut head = ResponseHead::default();
    head.set_status(status);
    head
}
