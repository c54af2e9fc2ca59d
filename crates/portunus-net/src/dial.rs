//! Connections to upstreams.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use crate::Io;

/// Where to connect.
#[derive(Clone, Copy, Debug)]
pub enum DialTo<'a> {
    /// An address and a port.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix(&'a Path),
}

/// Connects. The caller bounds the time.
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
