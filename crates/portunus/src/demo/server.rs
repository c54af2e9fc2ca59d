//! Replicas on their sockets: accepting, serving, and a stop that lets running answers end.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::replica::Replica;

/// Turns true when servers must stop.
pub(super) type Stop = watch::Receiver<bool>;

/// Serves a replica until it must stop; connections that do not end by themselves are cut.
pub(super) async fn serve(listener: TcpListener, replica: Arc<Replica>, stop: Stop) {
    let mut connections = JoinSet::new();
    let mut stopping = pin!(stopped(stop.clone()));
    loop {
        tokio::select! {
            () = &mut stopping => break,
            // Frees what finished connections leave behind.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection(socket, replica.clone(), stop.clone()));
                }
                Err(error) => wait_after(&error).await,
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Time is up or not: dropping the set ends what is left.
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// Ends when servers must stop, or nobody is left who could say so.
pub(super) async fn stopped(mut stop: Stop) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(socket: TcpStream, replica: Arc<Replica>, stop: Stop) {
    // Without it an answer may only be slower.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| replica.answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    // What clients do to their connections is no concern of a shop.
    let _ = tokio::select! {
        result = &mut connection => result,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// Most errors belong to one connection; when there are no descriptors left, a pause helps.
async fn wait_after(error: &io::Error) {
    if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How long running answers may take when a server stops.
const GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
