//! Sockets that a service manager has bound for us (`LISTEN_FDS`, `sd_listen_fds(3)`).

use listenfd::ListenFd;
use portunus_net::{BoundSocket, ListenAddress};

/// Bound sockets that no listener has taken yet. They stay their manager's, and so do their files.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    all: Vec<BoundSocket>,
}

impl Inherited {
    /// Those that the environment tells of; to be called before there are threads, as it takes that out of the
    /// environment. What is no socket of a listener is told of.
    pub(crate) fn from_manager() -> Self {
        let mut given = ListenFd::from_env();
        let mut all = Vec::new();
        for index in 0..given.len() {
            match adopt(&mut given, index) {
                Some(socket) => all.push(socket),
                None => tracing::warn!("socket {index} of LISTEN_FDS is none that can be served"),
            }
        }
        Self { all }
    }

    /// Takes the sockets of one listener out.
    pub(crate) fn take(&mut self, wanted: &ListenAddress, udp: bool) -> Vec<BoundSocket> {
        let is_it = |one: &mut BoundSocket| one.is_udp() == udp && one.address() == *wanted;
        self.all.extract_if(.., is_it).collect()
    }

    /// Closes what nobody took, and tells which those are.
    pub(crate) fn close(self) -> Vec<ListenAddress> {
        self.all.iter().map(BoundSocket::address).collect()
    }
}

fn adopt(given: &mut ListenFd, index: usize) -> Option<BoundSocket> {
    // It looks at what a socket is before it gives it away.
    let tcp = given.take_tcp_listener(index).ok().flatten().map(Into::into);
    let mut unix = || given.take_unix_listener(index).ok().flatten().map(Into::into);
    let fd = match tcp.or_else(&mut unix) {
        Some(fd) => fd,
        None => given.take_udp_socket(index).ok().flatten()?.into(),
    };
    BoundSocket::adopt(fd).ok()
}
