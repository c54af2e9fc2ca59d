//! The admin API's listening socket: bound early, so that a taken address stops the start.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Weak;

use portunus_config::ListenAddress;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;

use super::guard::Reach;
use super::{Admin, routes};
use crate::shared::Shared;
use crate::task::Task;

/// A bound socket that nobody answers on yet.
#[derive(Debug)]
pub(crate) enum AdminSocket {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, String),
}

impl AdminSocket {
    /// Binds it. The error is one line for people.
    pub(crate) async fn bind(address: &ListenAddress) -> Result<Self, String> {
        let bound = match address {
            ListenAddress::Tcp(address) => tcp(*address).await,
            ListenAddress::Any(port) => {
                let all = |ip: IpAddr| tcp(SocketAddr::new(ip, *port));
                match all(Ipv6Addr::UNSPECIFIED.into()).await {
                    Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                        all(Ipv4Addr::UNSPECIFIED.into()).await
                    }
                    done => done,
                }
            }
            ListenAddress::Unix(path) => unix(path),
        };
        bound.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("admin: cannot listen on {address}: the address is in use")
            }
            _ => format!("admin: cannot listen on {address}: {error}"),
        })
    }

    /// Takes one that another process has bound to this address.
    pub(crate) fn adopt(fd: OwnedFd, address: &ListenAddress) -> Result<Self, String> {
        let adopted = match address {
            ListenAddress::Tcp(_) | ListenAddress::Any(_) => {
                let listener = TcpListener::from_std(fd.into());
                listener.and_then(|listener| {
                    let bound = listener.local_addr()?;
                    Ok(Self::Tcp(listener, bound))
                })
            }
            ListenAddress::Unix(path) => UnixListener::from_std(fd.into())
                .map(|listener| Self::Unix(listener, path.display().to_string())),
        };
        adopted.map_err(|error| format!("admin: cannot listen on {address}: {error}"))
    }

    /// Where it is, as a client writes it.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Tcp(_, address) => address.to_string(),
            Self::Unix(_, path) => format!("unix:{path}"),
        }
    }

    /// Answers from now on.
    pub(crate) fn serve(self, shared: Weak<Shared>) -> Admin {
        let address = self.address();
        let file = address.strip_prefix("unix:").map(|path| SocketFile(path.into()));
        let held = self.duplicate().ok();
        let (leave, leaving) = oneshot::channel::<()>();
        // Without a word it ends with its task.
        let leaving = async move {
            if leaving.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let task = match self {
            Self::Tcp(listener, at) => {
                let reach = Reach::of(at.ip());
                let server = axum::serve(listener, routes(shared, reach));
                let server = server.with_graceful_shutdown(leaving);
                Task::spawn(async move { drop(server.await) })
            }
            Self::Unix(listener, _) => {
                let server = axum::serve(listener, routes(shared, Reach::Socket));
                let server = server.with_graceful_shutdown(leaving);
                Task::spawn(async move { drop(server.await) })
            }
        };
        Admin { address, held, leave: Some(leave), file, _task: task }
    }

    fn duplicate(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(listener, _) => listener.as_fd().try_clone_to_owned(),
            Self::Unix(listener, _) => listener.as_fd().try_clone_to_owned(),
        }
    }
}

/// The file of a Unix socket; dropping it removes the file.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl SocketFile {
    /// The file is another process's from now on.
    pub(super) fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn tcp(address: SocketAddr) -> io::Result<AdminSocket> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok(AdminSocket::Tcp(listener, bound))
}

fn unix(path: &Path) -> io::Result<AdminSocket> {
    let bind = || UnixListener::bind(path);
    let listener = match bind() {
        // A socket file that nobody answers on is left over from a crash.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_dead(path) => {
            std::fs::remove_file(path)?;
            bind()?
        }
        done => done?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(AdminSocket::Unix(listener, path.display().to_string()))
}

fn is_dead(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Owner and group may talk to it.
const SOCKET_MODE: u32 = 0o660;
