//! What the programs of the benchmark share: command line, runtime, sockets.
//!
//! The programs must cost as little as they can, since they run beside what they measure: one
//! thread, one current-thread runtime, no allocation per request.

pub mod args;
pub mod histogram;
pub mod http;
pub mod orders;
pub mod pace;
pub mod trust;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{Builder, LocalOptions};

/// Runs `program` to its end on this thread; it may use `tokio::task::spawn_local`.
///
/// # Errors
/// When the runtime cannot start, and whatever `program` fails with.
pub fn block_on<T>(program: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .context("cannot start the runtime")?;
    runtime.block_on(program)
}

/// A non-blocking listening socket with a backlog that takes thousands of connections at once.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into()).with_context(|| format!("cannot bind {address}"))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The monotonic time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a load generator measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

const BACKLOG: i32 = 8192;

#[cfg(test)]
mod tests;
