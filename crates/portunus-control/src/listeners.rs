//! The sockets of listeners: bound before a configuration is published, closed after.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use portunus_base::ListenerId;
use portunus_compile::ListenerBinding;
use portunus_net::{BindError, BoundSocket, ListenAddress, ListenSocket, UdpListenSocket};
use portunus_proxy::Service;
use socket2::{Domain, Socket, Type};

use crate::Console;
use crate::handover::SocketEntry;
use crate::inherited::Inherited;

/// A listener whose sockets the workers have.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) id: ListenerId,
    pub(crate) name: String,
    /// As the configuration says; its port may be 0.
    wanted: ListenAddress,
    /// As it is.
    pub(crate) address: ListenAddress,
    /// UDP, whose ports are others than those of TCP.
    udp: bool,
    /// The file of the socket, if it is a Unix one, is ours to remove.
    file: bool,
    /// Handles of its sockets, for a process that takes over. With them the sockets outlive the workers' handles.
    held: Arc<Vec<BoundSocket>>,
}

impl Bound {
    /// The same, of a listener that the workers are about to close.
    pub(crate) fn let_go(&self) -> Self {
        Self { held: Arc::default(), ..self.clone() }
    }

    /// The same, of a listener that another process has.
    pub(crate) fn handed_over(&self) -> Self {
        Self { file: false, ..self.let_go() }
    }

    /// Its sockets, for a process that takes over.
    pub(crate) fn gift(&self) -> io::Result<Vec<(SocketEntry, OwnedFd)>> {
        let (listener, wanted) = (Some(self.name.clone()), self.wanted.to_string());
        let entry = SocketEntry { listener, wanted, file: self.file };
        let give = |socket: &BoundSocket| Ok((entry.clone(), socket.as_fd().try_clone_to_owned()?));
        self.held.iter().map(give).collect()
    }

    fn is(&self, binding: &ListenerBinding) -> bool {
        self.id == binding.id && self.wanted == binding.address && self.udp == binding.udp
    }
}

/// The sockets of a listener, one a worker.
#[derive(Debug)]
enum Sockets {
    Stream(Vec<ListenSocket>),
    Udp(Vec<UdpListenSocket>),
}

impl Sockets {
    fn duplicate(&self) -> io::Result<Vec<BoundSocket>> {
        match self {
            Self::Stream(all) => {
                all.iter().map(|one| one.duplicate().map(BoundSocket::Stream)).collect()
            }
            Self::Udp(all) => all.iter().map(|one| one.duplicate().map(BoundSocket::Udp)).collect(),
        }
    }

    fn address(&self) -> Option<ListenAddress> {
        match self {
            Self::Stream(all) => all.first().map(|socket| socket.address().clone()),
            Self::Udp(all) => all.first().map(|socket| ListenAddress::Ip(socket.address())),
        }
    }
}

/// What a configuration changes about the sockets. Nothing has changed yet.
#[derive(Debug)]
pub(crate) struct Rebinding {
    kept: Vec<Bound>,
    opened: Vec<(Bound, Sockets)>,
    closed: Vec<Bound>,
}

impl Rebinding {
    /// Binds what is new. Each address that cannot be had gives a line.
    pub(crate) fn prepare(
        now: &[Bound],
        wanted: &[ListenerBinding],
        workers: usize,
    ) -> Result<Self, Vec<String>> {
        Self::prepare_with(now, wanted, workers, &mut Inherited::default())
    }

    /// The same, with sockets that are bound already.
    pub(crate) fn prepare_with(
        now: &[Bound],
        wanted: &[ListenerBinding],
        workers: usize,
        inherited: &mut Inherited,
    ) -> Result<Self, Vec<String>> {
        let (kept, closed): (Vec<_>, Vec<_>) =
            now.iter().cloned().partition(|bound| wanted.iter().any(|one| bound.is(one)));
        let (mut opened, mut errors) = (Vec::new(), Vec::new());
        for binding in wanted.iter().filter(|one| !now.iter().any(|bound| bound.is(one))) {
            match obtain(now, binding, workers, inherited) {
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
            match sockets {
                Sockets::Stream(sockets) => service.listen(bound.id, sockets).await,
                Sockets::Udp(sockets) => service.listen_udp(bound.id, sockets).await,
            }
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
    if let (true, ListenAddress::Unix(path)) = (bound.file, &bound.address) {
        let _ = std::fs::remove_file(path);
    }
}

/// The sockets of a listener: those that are there for it, or new ones.
fn obtain(
    now: &[Bound],
    binding: &ListenerBinding,
    workers: usize,
    inherited: &mut Inherited,
) -> Result<(Bound, Sockets), BindError> {
    let fault = |error| BindError { address: binding.address.clone(), error };
    let (sockets, file) = match inherited.take(binding) {
        Some(taken) => (adopt(binding, workers, taken.sockets).map_err(fault)?, taken.file),
        None => {
            is_free(now, binding, inherited)?;
            (open(binding, workers)?, true)
        }
    };
    let held = Arc::new(sockets.duplicate().map_err(fault)?);
    let (id, name, wanted) = (binding.id, binding.name.clone(), binding.address.clone());
    let address = sockets.address().unwrap_or_else(|| wanted.clone());
    Ok((Bound { id, name, wanted, address, udp: binding.udp, file, held }, sockets))
}

fn adopt(
    binding: &ListenerBinding,
    workers: usize,
    there: Vec<BoundSocket>,
) -> io::Result<Sockets> {
    let (mut streams, mut packets) = (Vec::new(), Vec::new());
    for socket in there {
        match socket {
            BoundSocket::Stream(socket) => streams.push(socket),
            BoundSocket::Udp(socket) => packets.push(socket),
        }
    }
    if binding.udp {
        return Ok(Sockets::Udp(packets));
    }
    ListenSocket::spread(streams, workers).map(Sockets::Stream)
}

/// Refuses an address that another process of this user listens on: the workers' sockets would
/// share it silently, and each process get a part of the connections.
fn is_free(
    now: &[Bound],
    binding: &ListenerBinding,
    inherited: &Inherited,
) -> Result<(), BindError> {
    let ListenAddress::Ip(at) = &binding.address else { return Ok(()) };
    let ours = |bound: &Bound| {
        let same_port = matches!(&bound.address, ListenAddress::Ip(one) if one.port() == at.port());
        same_port && bound.udp == binding.udp
    };
    let is_ours = || now.iter().any(ours) || inherited.was_at(at.port(), binding.udp);
    match probe(*at, binding.udp) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !is_ours() => {
            Err(BindError { address: binding.address.clone(), error })
        }
        _ => Ok(()),
    }
}

/// Binds without sharing and without listening, which disturbs nobody.
fn probe(address: SocketAddr, udp: bool) -> io::Result<()> {
    let kind = if udp { Type::DGRAM } else { Type::STREAM };
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // For UDP this would share the port.
    socket.set_reuse_address(!udp)?;
    socket.bind(&address.into())
}

fn open(binding: &ListenerBinding, workers: usize) -> Result<Sockets, BindError> {
    Ok(match &binding.address {
        ListenAddress::Ip(at) if binding.udp => Sockets::Udp(UdpListenSocket::bind(*at, workers)?),
        address => Sockets::Stream(ListenSocket::bind(address, workers)?),
    })
}
