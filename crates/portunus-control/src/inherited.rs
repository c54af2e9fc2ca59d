//! What this process has from others: sockets that a service manager has bound (`LISTEN_FDS`, `sd_listen_fds(3)`), and
//! everything of a process whose place it takes.

use std::os::fd::OwnedFd;

use listenfd::ListenFd;
use portunus_compile::ListenerBinding;
use portunus_net::{BoundSocket, ListenAddress};
use portunus_tls::TicketSeeds;

use crate::handover::SocketEntry;

/// Bound sockets that no listener has taken yet, and keys.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    listeners: Vec<InheritedListener>,
    admin: Vec<(SocketEntry, OwnedFd)>,
    /// Keys of session tickets.
    pub(crate) tickets: Option<TicketSeeds>,
    /// Where the process before listens.
    before: Vec<(ListenAddress, bool)>,
}

#[derive(Debug)]
struct InheritedListener {
    socket: BoundSocket,
    /// What the process before knew of it. Without one it is the manager's, and so is its file.
    entry: Option<SocketEntry>,
}

/// The sockets of one listener.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) sockets: Vec<BoundSocket>,
    /// Their file, if they are Unix sockets, is ours to remove.
    pub(crate) file: bool,
}

impl Inherited {
    /// Those that the environment tells of; to be called before there are threads, as it takes that out of the
    /// environment. What is no socket of a listener is told of.
    pub(crate) fn from_manager() -> Self {
        let mut given = ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..given.len() {
            match adopt(&mut given, index) {
                Some(socket) => listeners.push(InheritedListener { socket, entry: None }),
                None => tracing::warn!("socket {index} of LISTEN_FDS is none that can be served"),
            }
        }
        Self { listeners, ..Self::default() }
    }

    /// What the process before has given.
    pub(crate) fn handed_over(
        all: Vec<(SocketEntry, OwnedFd)>,
        tickets: Option<TicketSeeds>,
    ) -> Self {
        let (mut listeners, mut admin) = (Vec::new(), Vec::new());
        for (entry, fd) in all {
            if entry.listener.is_none() {
                admin.push((entry, fd));
            } else if let Ok(socket) = BoundSocket::adopt(fd) {
                listeners.push(InheritedListener { socket, entry: Some(entry) });
            }
        }
        let place = |one: &InheritedListener| (one.socket.address(), one.socket.is_udp());
        let before = listeners.iter().map(place).collect();
        Self { listeners, admin, tickets, before }
    }

    /// Takes the sockets of one listener out: those of its name, else those of its address.
    pub(crate) fn take(&mut self, binding: &ListenerBinding) -> Option<Taken> {
        let wanted = binding.address.to_string();
        let is_same = |one: &InheritedListener| {
            let entry = one.entry.as_ref();
            entry.is_some_and(|it| {
                it.listener.as_ref() == Some(&binding.name) && it.wanted == wanted
            })
        };
        let is_there = |one: &InheritedListener| one.socket.address() == binding.address;
        let taken = self.extract(binding.udp, is_same);
        taken.or_else(|| self.extract(binding.udp, is_there))
    }

    /// Takes the socket of the admin API out, with whether its file is ours to remove.
    pub(crate) fn take_admin(&mut self, wanted: &str) -> Option<OwnedFd> {
        let place = self.admin.iter().position(|(entry, _)| entry.wanted == wanted)?;
        Some(self.admin.swap_remove(place).1)
    }

    /// True where the process before listens at this port: it is about to stop.
    pub(crate) fn was_at(&self, port: u16, udp: bool) -> bool {
        let is_it = |(address, is_udp): &(ListenAddress, bool)| {
            *is_udp == udp && matches!(address, ListenAddress::Ip(ip) if ip.port() == port)
        };
        self.before.iter().any(is_it)
    }

    /// Closes what nobody took, and tells which of those are a manager's.
    pub(crate) fn close(self) -> Vec<ListenAddress> {
        let of_manager = self.listeners.iter().filter(|one| one.entry.is_none());
        of_manager.map(|one| one.socket.address()).collect()
    }

    fn extract(&mut self, udp: bool, is_it: impl Fn(&InheritedListener) -> bool) -> Option<Taken> {
        let is_it = |one: &mut InheritedListener| one.socket.is_udp() == udp && is_it(one);
        let all: Vec<_> = self.listeners.extract_if(.., is_it).collect();
        let file = all.iter().any(|one| one.entry.as_ref().is_some_and(|entry| entry.file));
        let sockets: Vec<_> = all.into_iter().map(|one| one.socket).collect();
        (!sockets.is_empty()).then_some(Taken { sockets, file })
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

#[cfg(test)]
mod tests;
