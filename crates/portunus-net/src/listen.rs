//! Listening sockets: bound by control, accepted from by workers.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::net::SocketFlags;
use socket2::{Domain, Protocol, Type};
use tokio::io::unix::AsyncFd;

use crate::Socket;

/// Where a listener listens.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListenAddress {
    /// An address and a port. `[::]` takes IPv4 too.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// All addresses of the machine, IPv6 and IPv4.
    #[must_use]
    pub fn any(port: u16) -> Self {
        Self::Ip(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that could not be bound. Its text is one clear line.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: ListenAddress,
    /// What the system said.
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.error.kind() {
            io::ErrorKind::AddrInUse => "the address is in use by another process",
            io::ErrorKind::PermissionDenied => {
                "no permission (ports below 1024 need CAP_NET_BIND_SERVICE)"
            }
            io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address",
            _ => return write!(f, "cannot listen on {}: {}", self.address, self.error),
        };
        write!(f, "cannot listen on {}: {why}", self.address)
    }
}

impl std::error::Error for BindError {}

/// One bound socket; each worker has its own of a listener, so that the kernel spreads connections.
#[derive(Debug)]
pub struct ListenSocket {
    fd: OwnedFd,
    address: ListenAddress,
}

impl ListenSocket {
    /// Binds `count` sockets to one address. TCP sockets share it by SO_REUSEPORT; Unix ones are duplicates.
    /// Port 0 takes a free port, the same for all.
    ///
    /// # Errors
    /// In use, no permission, no such address.
    pub fn bind(address: &ListenAddress, count: usize) -> Result<Vec<Self>, BindError> {
        let fault = |error| BindError { address: address.clone(), error };
        let first = Self::bind_one(address).map_err(fault)?;
        let mut all = vec![first];
        while all.len() < count.max(1) {
            let next = match all.first().map(|socket| &socket.address) {
                Some(bound @ ListenAddress::Ip(_)) => Self::bind_one(bound),
                _ => {
                    all.first().map_or_else(|| Err(io::ErrorKind::NotFound.into()), Self::duplicate)
                }
            };
            all.push(next.map_err(fault)?);
        }
        Ok(all)
    }

    /// A socket that is bound to `address` and listens.
    pub(crate) fn new(fd: OwnedFd, address: ListenAddress) -> Self {
        Self { fd, address }
    }

    /// Gives each of `count` workers one of `all`: where there are fewer, some share one.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn spread(mut all: Vec<Self>, count: usize) -> io::Result<Vec<Self>> {
        let more = count.saturating_sub(all.len());
        let shared: io::Result<Vec<_>> =
            all.iter().cycle().take(more).map(Self::duplicate).collect();
        all.extend(shared?);
        Ok(all)
    }

    /// The address that it is bound to, with its real port.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    fn bind_one(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Ip(ip) => bind_tcp(*ip),
            ListenAddress::Unix(path) => bind_unix(path),
        }
    }

    /// Another handle of the same socket: both see the same connections, and it closes with the last one.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn duplicate(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, address: self.address.clone() })
    }
}

impl AsFd for ListenSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<ListenSocket> {
    on_any(address, bind_tcp_as)
}

/// Binds to an address; a machine without IPv6 still serves `:80`.
pub(crate) fn on_any<S>(
    address: SocketAddr,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> io::Result<S> {
    match bind(address) {
        Err(error) if is_any_v6(address) && no_such_family(&error) => {
            bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        done => done,
    }
}

pub(crate) fn is_any_v6(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

fn no_such_family(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
        || code == Some(rustix::io::Errno::ADDRNOTAVAIL.raw_os_error())
}

fn bind_tcp_as(address: SocketAddr) -> io::Result<ListenSocket> {
    let kind = Type::STREAM.nonblocking();
    let socket = socket2::Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!is_any_v6(address))?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(ListenSocket { fd: socket.into(), address: ListenAddress::Ip(bound) })
}

fn bind_unix(path: &Path) -> io::Result<ListenSocket> {
    remove_dead_socket(path)?;
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(ListenSocket { fd: socket.into(), address: ListenAddress::Unix(path.to_owned()) })
}

/// A socket file that nobody listens on is left over from a crash.
fn remove_dead_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => std::fs::remove_file(path),
    }
}

/// A listening socket of this worker.
#[derive(Debug)]
pub struct Listener {
    fd: AsyncFd<OwnedFd>,
    address: ListenAddress,
}

/// A connection that was accepted, not yet given to a runtime.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub socket: Socket,
}

impl Listener {
    /// Registers a bound socket with the calling worker's runtime.
    ///
    /// # Errors
    /// The runtime cannot watch one more socket.
    pub fn adopt(socket: ListenSocket) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "its caveat is types whose fd changes; an OwnedFd's never does"
        )]
        let fd = AsyncFd::new(socket.fd)?;
        Ok(Self { fd, address: socket.address })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// What the system says: no file descriptors left, for instance. The listener stays good.
    pub async fn accept(&self) -> io::Result<Accepted> {
        loop {
            let mut ready = self.fd.readable().await?;
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let accept =
                |fd: &AsyncFd<OwnedFd>| Ok(rustix::net::accept_with(fd.get_ref().as_fd(), flags)?);
            if let Ok(done) = ready.try_io(accept) {
                return done.map(|fd| Accepted { socket: self.connected(fd) });
            }
        }
    }

    /// A connection that waits already.
    #[must_use]
    pub fn take_waiting(&self) -> Option<Socket> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let accepted = rustix::net::accept_with(self.fd.get_ref().as_fd(), flags);
        accepted.ok().map(|fd| self.connected(fd))
    }

    fn connected(&self, fd: OwnedFd) -> Socket {
        match self.address {
            ListenAddress::Ip(_) => Socket::Tcp(fd.into()),
            ListenAddress::Unix(_) => Socket::Unix(fd.into()),
        }
    }
}

/// Connections that wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

#[cfg(test)]
mod tests;
