//! Sockets of UDP: bound by control, received on by workers; and connected ones to upstreams.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::net::sockopt;
use socket2::{Domain, MsgHdr, Protocol, SockAddr, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::listen::{is_any_v6, on_any};
use crate::{BindError, ListenAddress};

/// One bound socket; each worker has its own of a listener, and the kernel gives all packets of a client's address
/// and port to the same one.
#[derive(Debug)]
pub struct UdpListenSocket {
    socket: std::net::UdpSocket,
    address: SocketAddr,
}

impl UdpListenSocket {
    /// Binds `count` sockets to one address, by SO_REUSEPORT. Port 0 takes a free port, the same for all.
    ///
    /// # Errors
    /// In use, no permission, no such address.
    pub fn bind(address: SocketAddr, count: usize) -> Result<Vec<Self>, BindError> {
        let fault = |error| BindError { address: ListenAddress::Ip(address), error };
        let first = on_any(address, bind).map_err(fault)?;
        let bound = first.address;
        let mut all = vec![first];
        while all.len() < count.max(1) {
            all.push(bind(bound).map_err(fault)?);
        }
        Ok(all)
    }

    /// A socket that is bound to `address`.
    pub(crate) fn new(socket: std::net::UdpSocket, address: SocketAddr) -> Self {
        Self { socket, address }
    }

    /// The address that it is bound to, with its real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another handle of the same socket: each packet comes to one of both.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn duplicate(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, address: self.address })
    }
}

impl AsFd for UdpListenSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpListenSocket> {
    let kind = Type::DGRAM.nonblocking();
    let socket = socket2::Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!is_any_v6(address))?;
    }
    socket.set_reuse_port(true)?;
    // A burst must find room while its worker serves others. The system may give less.
    let _ = socket.set_recv_buffer_size(RECEIVE_BYTES);
    socket.bind(&address.into())?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(UdpListenSocket { socket: socket.into(), address: bound })
}

/// The two ends of a client's packets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct UdpPath {
    /// The client, as the socket writes it.
    peer: SocketAddr,
    /// Our address that it sent to. Answers come from there.
    own: Option<IpAddr>,
}

impl UdpPath {
    /// The client.
    #[must_use]
    pub fn client(&self) -> SocketAddr {
        SocketAddr::new(self.peer.ip().to_canonical(), self.peer.port())
    }

    /// Our address that it sent to, where the system tells.
    #[must_use]
    pub fn own_ip(&self) -> Option<IpAddr> {
        self.own.map(|own| own.to_canonical())
    }
}

/// A bound socket of this worker.
pub struct UdpListener {
    socket: UdpSocket,
    state: UdpSocketState,
    address: SocketAddr,
}

impl UdpListener {
    /// Registers a bound socket with the calling worker's runtime.
    ///
    /// # Errors
    /// The runtime cannot watch one more socket, or the system cannot tell where packets were sent to.
    pub fn adopt(socket: UdpListenSocket) -> io::Result<Self> {
        let UdpListenSocket { socket, address } = socket;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // It was made for QUIC, which finds out about path MTUs by itself. What others send may be in fragments.
        sockopt::set_ip_mtu_discover(&socket, sockopt::Ipv4PathMtuDiscovery::WANT)?;
        if address.is_ipv6() {
            sockopt::set_ipv6_mtu_discover(&socket, sockopt::Ipv6PathMtuDiscovery::WANT)?;
        }
        Ok(Self { socket: UdpSocket::from_std(socket)?, state, address })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for packets of one client.
    ///
    /// # Errors
    /// What the system says; the socket stays good.
    pub async fn receive<'b>(&self, buffer: &'b mut UdpBuffer) -> io::Result<Packets<'b>> {
        // A socket that is always ready must not keep its worker from all others.
        tokio::task::coop::consume_budget().await;
        let mut meta = [RecvMeta::default()];
        loop {
            let mut slices = [IoSliceMut::new(&mut buffer.bytes)];
            let receive =
                || self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut meta);
            match self.socket.try_io(Interest::READABLE, receive) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.readable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        let [RecvMeta { addr, len, stride, dst_ip, .. }] = meta;
        let bytes = buffer.bytes.get(..len).unwrap_or(&[]);
        Ok(Packets { path: UdpPath { peer: addr, own: dst_ip }, bytes, stride })
    }

    /// Sends a packet to a client; what the system cannot take now is lost, as packets may be.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&self, bytes: &[u8], to: UdpPath) -> io::Result<()> {
        let transmit = Transmit {
            destination: to.peer,
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: to.own,
        };
        // Whether the socket was writable before does not matter: nobody waits until it is.
        match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
            Err(error) if is_too_large(&error) => self.send_in_fragments(bytes, to),
            sent => sent,
        }
    }

    /// Sends a packet that is larger than the way to its client takes at once.
    fn send_in_fragments(&self, bytes: &[u8], to: UdpPath) -> io::Result<()> {
        let mut control = Vec::new();
        message(IPV6_DONTFRAG, &0i32.to_ne_bytes(), &mut control);
        if let Some(IpAddr::V6(own)) = to.own {
            message(IPV6_PKTINFO, &[&Ipv6Addr::octets(&own)[..], &[0; 4]].concat(), &mut control);
        }
        let (peer, slices) = (SockAddr::from(to.peer), [IoSlice::new(bytes)]);
        let packet = MsgHdr::new().with_addr(&peer).with_buffers(&slices).with_control(&control);
        SockRef::from(&self.socket).sendmsg(&packet, 0).map(|_| ())
    }
}

impl fmt::Debug for UdpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UdpListener({})", self.address)
    }
}

fn is_too_large(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error())
}

/// Appends a control message of IPv6: its length with its own head, level, kind, value, and padding.
fn message(kind: i32, value: &[u8], control: &mut Vec<u8>) {
    let word = size_of::<usize>();
    let len = (word + 8).next_multiple_of(word) + value.len();
    let end = control.len() + len.next_multiple_of(word);
    control.extend_from_slice(&len.to_ne_bytes());
    control.extend_from_slice(&IPPROTO_IPV6.to_ne_bytes());
    control.extend_from_slice(&kind.to_ne_bytes());
    control.extend_from_slice(value);
    control.resize(end, 0);
}

/// Where packets are received to: one worker's, for all of its sockets.
#[derive(Debug)]
pub struct UdpBuffer {
    bytes: Box<[u8]>,
}

impl Default for UdpBuffer {
    fn default() -> Self {
        Self { bytes: vec![0; PACKET_BYTES_MAX].into() }
    }
}

/// Packets of one client that came together.
#[derive(Clone, Debug)]
pub struct Packets<'b> {
    /// Whose they are.
    pub path: UdpPath,
    bytes: &'b [u8],
    stride: usize,
}

impl<'b> Packets<'b> {
    /// Each packet; the only one may be empty.
    pub fn iter(&self) -> impl Iterator<Item = &'b [u8]> {
        let only = self.bytes.is_empty().then_some(self.bytes);
        only.into_iter().chain(self.bytes.chunks(self.stride.max(1)))
    }
}

/// A socket of this worker that is connected to an endpoint: takes packets from there alone, and hears its refusals.
#[derive(Debug)]
pub struct UdpLink {
    socket: UdpSocket,
}

impl UdpLink {
    /// A new socket with a port of its own.
    ///
    /// # Errors
    /// No way there, or no file descriptors left.
    pub fn connect(to: SocketAddr) -> io::Result<Self> {
        let kind = Type::DGRAM.nonblocking();
        let socket = socket2::Socket::new(Domain::for_address(to), kind, Some(Protocol::UDP))?;
        socket.connect(&to.into())?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())? })
    }

    /// Waits until a packet is there.
    ///
    /// # Errors
    /// `ConnectionRefused` when nobody listens at the endpoint.
    pub async fn readable(&self) -> io::Result<()> {
        // A socket that is always ready must not keep its worker from all others.
        tokio::task::coop::consume_budget().await;
        let ready = self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
        if ready.is_error() {
            // The next error makes a new event.
            let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = self.socket.try_io(Interest::ERROR, nothing);
            self.socket.take_error()?.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// A packet that is there.
    ///
    /// # Errors
    /// `WouldBlock` when none is there; as [`UdpLink::readable`] otherwise.
    pub fn try_receive<'b>(&self, buffer: &'b mut UdpBuffer) -> io::Result<&'b [u8]> {
        let len = self.socket.try_recv(&mut buffer.bytes)?;
        Ok(buffer.bytes.get(..len).unwrap_or(&[]))
    }

    /// Sends a packet; what the system cannot take now is lost, as packets may be.
    ///
    /// # Errors
    /// `WouldBlock` when it is lost; `ConnectionRefused` when nobody listened before.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        SockRef::from(&self.socket).send(bytes).map(|_| ())
    }
}

/// The largest packet, or several of one client that came together.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// What the kernel keeps of packets that nobody received yet.
const RECEIVE_BYTES: usize = 1024 * 1024;
// Of the kernel's interface, the same on all architectures of Linux.
const IPPROTO_IPV6: i32 = 41;
const IPV6_PKTINFO: i32 = 50;
const IPV6_DONTFRAG: i32 = 62;

#[cfg(test)]
mod tests;
