//! Sockets that another process has bound, for instance a service manager.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::FdFlags;
use socket2::{SockRef, Type};

use crate::{ListenAddress, ListenSocket, UdpListenSocket};

/// A socket that another process has bound.
#[derive(Debug)]
pub enum BoundSocket {
    /// It accepts connections.
    Stream(ListenSocket),
    /// It receives packets.
    Udp(UdpListenSocket),
}

impl BoundSocket {
    /// Finds out what it is.
    ///
    /// # Errors
    /// It is no socket, or none that a listener has: neither TCP, nor UDP, nor a Unix socket with a path.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let socket = SockRef::from(&fd);
        let (kind, address) = (socket.r#type()?, socket.local_addr()?);
        let address = match (address.as_socket(), address.as_pathname()) {
            (Some(ip), _) => ListenAddress::Ip(ip),
            (None, Some(path)) => ListenAddress::Unix(path.to_owned()),
            (None, None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        socket.set_nonblocking(true)?;
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
        match (kind, address) {
            (Type::STREAM, address) if socket.is_listener()? => {
                if matches!(address, ListenAddress::Ip(_)) {
                    // Accepted sockets inherit it.
                    socket.set_tcp_nodelay(true)?;
                }
                Ok(Self::Stream(ListenSocket::new(fd, address)))
            }
            (Type::DGRAM, ListenAddress::Ip(address)) => {
                Ok(Self::Udp(UdpListenSocket::new(fd.into(), address)))
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> ListenAddress {
        match self {
            Self::Stream(socket) => socket.address().clone(),
            Self::Udp(socket) => ListenAddress::Ip(socket.address()),
        }
    }

    /// Another handle of the same socket.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn duplicate(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Stream(socket) => Self::Stream(socket.duplicate()?),
            Self::Udp(socket) => Self::Udp(socket.duplicate()?),
        })
    }

    /// True of one that receives packets.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        matches!(self, Self::Udp(_))
    }
}

impl AsFd for BoundSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stream(socket) => socket.as_fd(),
            Self::Udp(socket) => socket.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests;
