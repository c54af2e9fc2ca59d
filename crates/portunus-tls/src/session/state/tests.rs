//! Sessions in memory, against the library's buffered API as the peer.

mod laws;

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::task::Context;

use portunus_base::Wall;
use portunus_net::Io;
use rustls::client::UnbufferedClientConnection;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::server::{ServerSessionMemoryCache, UnbufferedServerConnection};
use rustls::{
    ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
    SupportedProtocolVersion, version::TLS12, version::TLS13,
};
use tokio::net::UnixStream;

use super::*;
use crate::session::Session;
use crate::store::{Resolver, take_served};
use crate::verify::Anybody;
use crate::{CertStore, CertTable, LocalCa, TicketKeys};

/// What both sides are set up with.
#[derive(Clone)]
struct Setting {
    server: ServerConfig,
    client: ClientConfig,
}

impl Setting {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        Self::named(version, &["shop.test".to_owned()])
    }

    fn named(version: &'static SupportedProtocolVersion, names: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut table = CertTable::default();
        table.add(LocalCa::open(folder.path()).unwrap().issue(names).unwrap());
        let provider = Arc::new(default_provider());
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver::Store(Arc::new(CertStore::new(table)))));
        let keys = Arc::new(TicketKeys::random(Wall(0)).unwrap());
        server.ticketer = Arc::new(crate::ticket::BoundTickets::new(keys, [0; 32]));
        let anybody = Anybody(provider.signature_verification_algorithms);
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(anybody))
            .with_no_client_auth();
        Self { server, client }
    }

    /// Both sides write records of at most so many bytes.
    fn fragmented(mut self, bytes: usize) -> Self {
        (self.server.max_fragment_size, self.client.max_fragment_size) = (Some(bytes), Some(bytes));
        self
    }

    fn start(&self, we_serve: bool) -> Duo {
        let name = ServerName::try_from("shop.test").unwrap();
        let (server, client) = (Arc::new(self.server.clone()), Arc::new(self.client.clone()));
        let (side, mut peer) = if we_serve {
            let ours = UnbufferedServerConnection::new(server).unwrap();
            let peer = ClientConnection::new(client, name).unwrap();
            (Side::Server(Box::new(ours)), Connection::Client(peer))
        } else {
            let ours = UnbufferedClientConnection::new(client, name).unwrap();
            let peer = ServerConnection::new(server).unwrap();
            (Side::Client(Box::new(ours)), Connection::Server(peer))
        };
        let (ours, wire) = UnixStream::pair().unwrap();
        let wire = wire.into_std().unwrap();
        peer.set_buffer_limit(None);
        Duo { state: State::new(side), peer, socket: Io::Unix(ours), wire }
    }
}

/// Our session and its peer.
struct Duo {
    state: State,
    peer: Connection,
    socket: Io,
    wire: std::os::unix::net::UnixStream,
}

impl Duo {
    /// What the peer has to send.
    fn flight(&mut self) -> Vec<u8> {
        let mut flight = Vec::new();
        while self.peer.wants_write() {
            self.peer.write_tls(&mut flight).unwrap();
        }
        flight
    }

    /// Gives the peer what we have to send.
    fn answer(&mut self) -> Result<(), Error> {
        let unsent = std::mem::take(&mut self.state.unsent);
        self.feed_peer(&unsent)
    }

    fn feed_peer(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            self.peer.read_tls(&mut bytes).unwrap();
            self.peer.process_new_packets()?;
        }
        Ok(())
    }

    /// Does the handshake, with what the peer sends changed and split by `alter`.
    fn shake(&mut self, alter: &mut impl FnMut(Vec<u8>) -> Vec<Vec<u8>>) -> Result<(), TlsError> {
        let mut progress = self.state.shake(&[])?;
        for _ in 0..20 {
            let _ = self.answer();
            let flight = self.flight();
            let mut chunks = alter(flight).into_iter();
            while progress == Progress::Blocked {
                let Some(chunk) = chunks.next() else { break };
                progress = self.state.shake(&chunk)?;
            }
            if progress != Progress::Blocked {
                // What came after it waits in the socket.
                chunks.for_each(|chunk| self.wire.write_all(&chunk).unwrap());
                return Ok(());
            }
        }
        Err(TlsError::Closed)
    }

    /// Shakes hands without disturbance.
    fn up(mut self) -> Self {
        self.shake(&mut |flight| vec![flight]).unwrap();
        let _ = self.answer();
        self
    }

    /// What we can read now; the event of readiness is awaited.
    async fn read(&mut self, room: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(room);
        loop {
            match self.state.read(&self.socket, &mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.socket.readable().await?;
                }
                done => return done.map(|_| bytes),
            }
        }
    }

    async fn read_exact(&mut self, mut bytes: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while bytes > 0 {
            let read = self.read(bytes.min(5000)).await.unwrap();
            assert!(!read.is_empty());
            bytes -= read.len();
            all.extend(read);
        }
        all
    }

    /// Writes, and gives what the peer reads.
    fn say(&mut self, bytes: &[u8]) -> Vec<u8> {
        let written = self.state.write(&self.socket, &[IoSlice::new(bytes)]).unwrap();
        assert_eq!(written, bytes.len());
        self.heard()
    }

    /// What the peer reads of what we have sent.
    fn heard(&mut self) -> Vec<u8> {
        let mut raw = vec![0; 200_000];
        self.wire.set_nonblocking(true).unwrap();
        let count = self.wire.read(&mut raw).unwrap_or(0);
        let mut heard = Vec::new();
        // The peer has room for little more than a record.
        for part in raw[..count].chunks(4000) {
            self.feed_peer(part).unwrap();
            let _ = self.peer.reader().read_to_end(&mut heard);
        }
        heard
    }
}

/// Runs a test on a runtime like a worker's.
fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// In pieces of these sizes, over and over.
fn split(bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut left = bytes;
    let mut sizes = sizes.iter().cycle();
    let mut chunks = Vec::new();
    while !left.is_empty() {
        let (chunk, rest) = left.split_at((*sizes.next().unwrap()).min(left.len()));
        chunks.push(chunk.to_vec());
        left = rest;
    }
    chunks
}

#[test]
fn an_end_in_the_middle_of_a_message_is_no_reason_to_panic() {
    run(async {
        let mut duo = Setting::new(&TLS13).fragmented(64).start(false);
        duo.shake(&mut |flight| vec![flight]).unwrap();
        duo.answer().unwrap();
        // The tickets, in many records; the first one comes whole, and the rest never.
        let flight = duo.flight();
        assert!(flight.len() > 200);
        duo.wire.write_all(&flight[..100]).unwrap();
        duo.wire.shutdown(std::net::Shutdown::Write).unwrap();
        for _ in 0..2 {
            assert_eq!(duo.read(100).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
        assert_eq!(duo.say(b"still open"), b"still open");
        duo.state.farewell();
        duo.state.push(&duo.socket).unwrap();
        assert_eq!(duo.heard(), b"");
    });
}

#[test]
fn a_client_may_ask_and_end_together_with_its_handshake() {
    run(async {
        for version in [&TLS12, &TLS13] {
            let mut duo = Setting::new(version).start(true);
            // In TLS 1.2 the client is done after our part only; what it sends then waits in the socket.
            while duo.peer.is_handshaking() {
                let flight = duo.flight();
                duo.state.shake(&flight).unwrap();
                duo.answer().unwrap();
            }
            duo.peer.writer().write_all(b"question").unwrap();
            duo.peer.send_close_notify();
            let last = duo.flight();
            if duo.state.side.common().is_handshaking() {
                duo.state.shake(&last).unwrap();
            } else {
                duo.wire.write_all(&last).unwrap();
            }
            assert!(*version == TLS12 || duo.state.is_readable());
            assert_eq!(duo.read(100).await.unwrap(), b"question");
            assert_eq!(duo.read(100).await.unwrap(), b"");
            // Its way to us is closed, ours to it is not.
            let _ = duo.answer();
            assert_eq!(duo.say(b"answer"), b"answer");
            duo.state.farewell();
            duo.state.push(&duo.socket).unwrap();
            let _ = duo.heard();
            assert_eq!(duo.peer.reader().read(&mut [0; 10]).unwrap(), 0, "a proper end");
            let late = duo.state.write(&duo.socket, &[IoSlice::new(b"late")]);
            assert_eq!(late.unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
    });
}

#[test]
fn what_came_before_the_garbage_is_given_and_the_peer_is_told() {
    run(async {
        let mut duo = Setting::new(&TLS13).start(true).up();
        duo.peer.writer().write_all(b"good").unwrap();
        let mut flight = duo.flight();
        flight.extend([23, 3, 3, 0, 30]);
        flight.extend([9; 30]);
        duo.wire.write_all(&flight).unwrap();
        assert_eq!(duo.read(100).await.unwrap(), b"good");
        assert!(duo.state.is_readable());
        for _ in 0..2 {
            assert_eq!(duo.read(100).await.unwrap_err().kind(), ErrorKind::InvalidData);
        }
        let mut raw = [0; 1000];
        let count = duo.wire.read(&mut raw).unwrap();
        let told = duo.feed_peer(&raw[..count]).unwrap_err();
        assert_eq!(told, Error::AlertReceived(rustls::AlertDescription::BadRecordMac));
    });
}

#[test]
fn what_there_is_no_room_for_is_kept_within_bounds() {
    run(async {
        let mut duo = Setting::new(&TLS13).start(true).up();
        let mut wire = duo.wire.try_clone().unwrap();
        let mut flight = Vec::new();
        for _ in 0..20 {
            duo.peer.writer().write_all(&[5; 60_000]).unwrap();
            flight.extend(duo.flight());
        }
        let sending = std::thread::spawn(move || {
            wire.set_nonblocking(false).unwrap();
            wire.write_all(&flight).unwrap();
        });
        let mut total = 0;
        while total < 1_200_000 {
            total += duo.read(if total % 7 == 0 { 1 } else { 3000 }).await.unwrap().len();
            assert!(duo.state.held() < 100_000, "{}", duo.state.held());
        }
        sending.join().unwrap();
        assert_eq!(duo.state.held(), 0);
    });
}

#[test]
fn a_dot_at_the_end_of_a_name_changes_nothing() {
    run(async {
        let setting = Setting::new(&TLS13);
        let mut duo = setting.start(true);
        let name = ServerName::try_from("shop.testx").unwrap();
        duo.peer = ClientConnection::new(Arc::new(setting.client.clone()), name).unwrap().into();
        let mut hello = duo.flight();
        let at = hello.windows(10).position(|window| window == b"shop.testx").unwrap();
        hello[at + 9] = b'.';
        duo.state.shake(&hello).unwrap();
        assert_eq!(take_served().unwrap().name.as_deref(), Some("shop.test"));
    });
}

#[test]
fn keys_change_while_bytes_wait_for_the_socket() {
    run(async {
        let mut duo = Setting::new(&TLS13).start(true).up();
        let body = vec![3; 60_000];
        let mut sent = 0;
        while duo.state.unsent.is_empty() {
            sent += duo.state.write(&duo.socket, &[IoSlice::new(&body)]).unwrap();
        }
        let refused = duo.state.write(&duo.socket, &[IoSlice::new(&body)]);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WouldBlock);
        // The peer asks for other keys on both ways.
        duo.peer.refresh_traffic_keys().unwrap();
        duo.peer.writer().write_all(b"under new keys").unwrap();
        let flight = duo.flight();
        duo.wire.write_all(&flight).unwrap();
        assert_eq!(duo.read(100).await.unwrap(), b"under new keys");
        let mut heard = Vec::new();
        while heard.len() < sent {
            heard.extend(duo.heard());
            let _ = duo.state.push(&duo.socket);
            tokio::task::yield_now().await;
        }
        assert_eq!((heard.len(), duo.state.held()), (sent, 0));
        assert_eq!(duo.say(b"under ours"), b"under ours");
    });
}

#[test]
fn tickets_make_no_idle_connection_stale_and_a_farewell_does() {
    run(async {
        let mut duo = Setting::new(&TLS13).start(false);
        duo.shake(&mut |flight| vec![flight]).unwrap();
        duo.answer().unwrap();
        let tickets = duo.flight();
        let Duo { state, mut peer, socket, mut wire } = duo;
        let idle = Io::Layered(Box::new(Session { socket, state: RefCell::new(state) }));
        assert!(!idle.is_stale());
        for part in tickets.chunks(100) {
            wire.write_all(part).unwrap();
            let Io::Layered(layer) = &idle else { unreachable!() };
            layer.socket().readable().await.unwrap();
            assert!(!idle.is_stale());
        }
        peer.send_close_notify();
        peer.write_tls(&mut wire).unwrap();
        idle.readable().await.unwrap();
        assert!(idle.is_stale());
    });
}

#[test]
fn what_is_held_back_goes_out_when_nobody_says_anything() {
    run(async {
        let mut duo = Setting::new(&TLS13).start(true);
        let mut last = duo.state.shake(&[]).unwrap();
        while last == Progress::Blocked {
            duo.answer().unwrap();
            let flight = duo.flight();
            last = duo.state.shake(&flight).unwrap();
        }
        assert_eq!(last, Progress::DoneButHeldBack);
        let Duo { state, mut peer, socket, mut wire } = duo;
        let io = Io::Layered(Box::new(Session { socket, state: RefCell::new(state) }));
        let wait = std::pin::pin!(io.readable());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(wait.poll(&mut cx).is_pending());
        assert!(peer.read_tls(&mut wire).unwrap() > 100, "the tickets");
        peer.process_new_packets().unwrap();
    });
}

#[test]
fn long_chains_and_a_second_hello_are_fine() {
    let names: Vec<_> = (0..900).map(|number| format!("host-{number}.shop.example.test")).collect();
    for version in [&TLS12, &TLS13] {
        for we_serve in [true, false] {
            run(async {
                let mut setting = Setting::named(version, &names);
                let mut provider = default_provider();
                // The first one, with which the client begins, the server does not know.
                provider.kx_groups = vec![kx_group::MLKEM768, kx_group::SECP384R1];
                let anybody = Anybody(provider.signature_verification_algorithms);
                setting.client = ClientConfig::builder_with_provider(Arc::new(provider))
                    .with_protocol_versions(&[version])
                    .unwrap()
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(anybody))
                    .with_no_client_auth();
                let mut duo = setting.start(we_serve).up();
                assert!(duo.peer.peer_certificates().is_none_or(|chain| chain[0].len() > 20_000));
                assert_eq!(duo.say(b"hello"), b"hello");
            });
        }
    }
}

#[test]
fn early_data_is_skipped() {
    run(async {
        let mut setting = Setting::new(&TLS13);
        setting.client.enable_early_data = true;
        // A server that offers it hands out a ticket.
        let mut generous = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&setting.server.cert_resolver));
        generous.session_storage = ServerSessionMemoryCache::new(10);
        generous.max_early_data_size = 5000;
        let client = Arc::new(setting.client);
        let name = ServerName::try_from("shop.test").unwrap();
        let mut first = ClientConnection::new(Arc::clone(&client), name.clone()).unwrap();
        let mut server = ServerConnection::new(Arc::new(generous)).unwrap();
        for _ in 0..4 {
            let mut bytes = Vec::new();
            while first.wants_write() {
                first.write_tls(&mut bytes).unwrap();
            }
            let _ = server.read_tls(&mut &bytes[..]);
            server.process_new_packets().unwrap();
            bytes.clear();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            let _ = first.read_tls(&mut &bytes[..]);
            first.process_new_packets().unwrap();
        }
        let setting = Setting { server: setting.server, client: Arc::unwrap_or_clone(client) };
        let mut duo = setting.start(true);
        let Connection::Client(second) = &mut duo.peer else { unreachable!() };
        second.early_data().expect("it has a ticket").write_all(&[1; 2000]).unwrap();
        let mut duo = duo.up();
        duo.peer.writer().write_all(b"late").unwrap();
        let flight = duo.flight();
        duo.wire.write_all(&flight).unwrap();
        assert_eq!(duo.read(100).await.unwrap(), b"late");
    });
}
