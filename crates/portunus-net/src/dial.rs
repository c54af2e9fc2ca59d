//! Connections to upstreams.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

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
            Ok(Io::Tcp(stream))
        }
        DialTo::Unix(path) => UnixStream::connect(path).await.map(Io::Unix),
    }
}
