//! Ports of 127.0.0.1 that are chosen before the process that listens there starts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;

use anyhow::{Context as _, bail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// A free port that nobody else is given.
///
/// A socket is bound there but never listens: it gets no connections, and the system gives the port to nobody who
/// asks for a free one. While nobody listens, connections are refused, which is what an address of a stopped process
/// must do.
#[derive(Debug)]
pub(super) struct ReservedPort {
    address: SocketAddr,
    _socket: OwnedFd,
}

impl ReservedPort {
    /// Takes `port` of 127.0.0.1, or a free one for 0.
    pub(super) fn take(port: u16) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseport(&socket, true)?;
        // Past connections of somebody else's listener do not keep a port that a person chose.
        sockopt::set_socket_reuseaddr(&socket, port != 0)?;
        rustix::net::bind(&socket, &loopback(port))?;
        // Whoever names this very port may have it, as long as nobody listens; free ports are given out elsewhere.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        let address = SocketAddrV4::try_from(rustix::net::getsockname(&socket)?)?;
        Ok(Self { address: address.into(), _socket: socket })
    }

    /// Where to listen.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Fails with a clear line when somebody listens on the port: with SO_REUSEPORT two processes could
/// share it without noticing.
/// `option` chooses another one.
pub(super) fn check_free(port: u16, option: &str) -> anyhow::Result<()> {
    match TcpListener::bind(loopback(port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            bail!("port {port} is in use; choose another one with {option}, 0 for any")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on 127.0.0.1:{port}")),
    }
}

fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

#[cfg(test)]
mod tests;
