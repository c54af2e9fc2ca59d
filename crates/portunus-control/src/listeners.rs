//! The sockets of listeners: bound before a configuration is published, closed after.

use std::io;
use std::net::SocketAddr;

use portunus_base::ListenerId;
use portunus_compile::ListenerBinding;
use portunus_net::{BindError, ListenAddress, ListenSocket};
use portunus_proxy::Service;
use socket2::{Domain, Socket, Type};

use crate::Console;

/// A listener whose sockets the workers have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Bound {
    pub(crate) id: ListenerId,
    pub(crate) name: String,
    /// As the configuration says; its port may be 0.
    wanted: ListenAddress,
    /// As it is.
    pub(crate) address: ListenAddress,
}

impl Bound {
    fn is(&self, binding: &ListenerBinding) -> bool {
        self.id == binding.id && self.wanted == binding.address
    }
}

/// What a configuration changes about the sockets. Nothing has changed yet.
#[derive(Debug)]
pub(crate) struct Rebinding {
    kept: Vec<Bound>,
    opened: Vec<(Bound, Vec<ListenSocket>)>,
    closed: Vec<Bound>,
}

impl Rebinding {
    /// Binds what is new. Each address that cannot be had gives a line.
    pub(crate) fn prepare(
        now: &[Bound],
        wanted: &[ListenerBinding],
        workers: usize,
    ) -> Result<Self, Vec<String>> {
        let (kept, closed): (Vec<_>, Vec<_>) =
            now.iter().cloned().partition(|bound| wanted.iter().any(|one| bound.is(one)));
        let (mut opened, mut errors) = (Vec::new(), Vec::new());
        for binding in wanted.iter().filter(|one| !now.iter().any(|bound| bound.is(one))) {
            if binding.udp {
                errors.push(format!("listener `{}`: this version serves no UDP yet", binding.name));
                continue;
            }
            match is_free(now, &binding.address).and_then(|()| open(binding, workers)) {
                Ok(one) => opened.push(one),
                Err(error) => errors.push(format!("listener `{}`: {error}", binding.name)),
            }
        }
        if errors.is_empty() { Ok(Self { kept, opened, closed }) } else { Err(errors) }
    }

    /// Gives the new sockets to the workers and closes those that are gone. Answers all that there
    /// are now.
    pub(crate) async fn apply(self, service: &Service, console: Console) -> Vec<Bound> {
        for bound in self.closed {
            service.unlisten(bound.id).await;
            if !self.opened.iter().any(|(new, _)| new.address == bound.address) {
                remove_socket(&bound);
            }
            tracing::info!(listener = bound.name, address = %bound.address, "listener closed");
        }
        let mut all = self.kept;
        for (bound, sockets) in self.opened {
            service.listen(bound.id, sockets).await;
            console.line(format_args!("listening on {} ({})", bound.address, bound.name));
            all.push(bound);
        }
        all
    }
}

/// Removes the files of Unix sockets.
pub(crate) fn remove_sockets(all: &[Bound]) {
    all.iter().for_each(remove_socket);
}

fn remove_socket(bound: &Bound) {
    if let ListenAddress::Unix(path) = &bound.address {
        let _ = std::fs::remove_file(path);
    }
}

/// Refuses an address that another process of this user listens on: the workers' sockets would
/// share it silently, and each process get a part of the connections.
fn is_free(now: &[Bound], address: &ListenAddress) -> Result<(), BindError> {
    let ListenAddress::Ip(at) = address else { return Ok(()) };
    let ours =
        |bound: &Bound| matches!(&bound.address, ListenAddress::Ip(one) if one.port() == at.port());
    match probe(*at) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !now.iter().any(ours) => {
            Err(BindError { address: address.clone(), error })
        }
        _ => Ok(()),
    }
}

/// Binds without sharing and without listening, which disturbs nobody.
fn probe(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

fn open(
    binding: &ListenerBinding,
    workers: usize,
) -> Result<(Bound, Vec<ListenSocket>), BindError> {
    let sockets = ListenSocket::bind(&binding.address, workers)?;
    let address = sockets.first().map_or(&binding.address, ListenSocket::address).clone();
    let (id, name, wanted) = (binding.id, binding.name.clone(), binding.address.clone());
    Ok((Bound { id, name, wanted, address }, sockets))
}
