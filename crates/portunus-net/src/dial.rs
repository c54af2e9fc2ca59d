//! Connections to upstreams.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use rustix::io::Errno;

use crate::{FilesKept, Io};

/// Where to connect.
#[derive(Clone, Copy, Debug)]
pub enum DialTo<'a> {
    /// An address and a port.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix(&'a Path),
}

/// What connections are made over: the system, or a simulation of it.
pub trait Network: fmt::Debug {
    /// Connects. The caller bounds the time.
    fn dial<'d>(&'d self, to: DialTo<'d>) -> Dialling<'d>;
}

/// A connection that is being made.
pub type Dialling<'d> = Pin<Box<dyn Future<Output = io::Result<Io>> + 'd>>;

/// The network of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn dial<'d>(&'d self, to: DialTo<'d>) -> Dialling<'d> {
        Box::pin(async move {
            let io = dial(to).await?;
            match FilesKept::FromUpstreams.holds(io.fd()) {
                true => Err(Errno::MFILE.into()),
                false => Ok(io),
            }
        })
    }
}

/// Connects over the system's network. The caller bounds the time.
///
/// # Errors
/// What the system says.
pub async fn dial(to: DialTo<'_>) -> io::Result<Io> {
    match to {
        DialTo::Ip(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            // A peer that is gone without a word must not keep a shared connection for a quarter of an hour.
            socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKED_MAX))?;
            Ok(Io::Tcp(stream))
        }
        DialTo::Unix(path) => UnixStream::connect(path).await.map(Io::Unix),
    }
}

/// How long what was sent may stay without an acknowledgement.
const UNACKED_MAX: Duration = Duration::from_secs(30);
