//! Sessions in memory, against the library's buffered API as the peer: every split, and hostile bytes.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use portunus_base::Wall;
use portunus_net::Io;
use proptest::prelude::*;
use rustls::client::UnbufferedClientConnection;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::server::{ServerSessionMemoryCache, UnbufferedServerConnection};
use rustls::{
    ClientConfig, ClientConnection, Connection, ConnectionTrafficSecrets, ServerConfig,
    ServerConnection, SupportedProtocolVersion, version::TLS12, version::TLS13,
};
use tokio::net::UnixStream;

use super::*;
use crate::store::Resolver;
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
        self.feed_peer(raw.get(..count).unwrap()).unwrap();
        let mut heard = Vec::new();
        let _ = self.peer.reader().read_to_end(&mut heard);
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

fn version() -> impl Strategy<Value = &'static SupportedProtocolVersion> {
    prop_oneof![Just(&TLS12), Just(&TLS13)]
}

/// A change of bytes on their way.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Drop(usize, usize),
    Twice(usize, usize),
    Insert(usize, Vec<u8>),
    Swap(usize, usize),
}

impl Harm {
    fn any() -> impl Strategy<Value = Self> {
        let at = 0..2000usize;
        prop_oneof![
            (at.clone(), 1..=255u8).prop_map(|(at, bits)| Self::Flip(at, bits)),
            (at.clone(), 1..300usize).prop_map(|(at, len)| Self::Drop(at, len)),
            (at.clone(), 1..300usize).prop_map(|(at, len)| Self::Twice(at, len)),
            (
                at.clone(),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 1..40),
                    Just(vec![21, 3, 3, 0, 2, 2, 40]),
                    Just(vec![21, 3, 3, 0, 2, 1, 0]),
                    Just(vec![20, 3, 3, 0, 1, 1]),
                    Just(vec![22, 3, 3, 0, 4, 24, 0, 0, 1]),
                    Just(vec![23, 3, 3, 0, 0]),
                ]
            )
                .prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (at.clone(), at).prop_map(|(a, b)| Self::Swap(a, b)),
        ]
    }

    /// Places count around, so that all of a flight is hit.
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match *self {
            Self::Flip(at, bits) => bytes[at % len] ^= bits,
            Self::Drop(at, count) => drop(bytes.drain(at % len..(at % len + count).min(len))),
            Self::Twice(at, count) => {
                let again = bytes[at % len..(at % len + count).min(len)].to_vec();
                bytes.splice(at % len..at % len, again);
            }
            Self::Insert(at, ref more) => drop(bytes.splice(at % len..at % len, more.clone())),
            Self::Swap(a, b) => bytes.swap(a % len, b % len),
        }
    }
}

/// A client that has the keys, and keeps to no rules.
struct Forger {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Forger {
    /// Takes over from a client after its handshake.
    fn of(peer: Connection) -> Self {
        let (sequence, secrets) = peer.dangerous_extract_secrets().unwrap().tx;
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            _ => panic!("not offered"),
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
        Self { key, iv: iv.as_ref().try_into().unwrap(), sequence }
    }

    /// A record of TLS 1.3 (RFC 8446 section 5.2).
    fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        let sequence = self.sequence.to_be_bytes();
        nonce[4..].iter_mut().zip(sequence).for_each(|(byte, bits)| *byte ^= bits);
        self.sequence += 1;
        let mut inner = [plain, &[kind]].concat();
        let length = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [23, 3, 3, length[0], length[1]];
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut inner).unwrap();
        [&header[..], &inner].concat()
    }
}

/// Records that a session may see after its handshake, and many that it may not.
fn record() -> impl Strategy<Value = (u8, Vec<u8>)> {
    prop_oneof![
        // A KeyUpdate, whole, in parts, and asking for an answer.
        Just((22, vec![24, 0, 0, 1, 0])),
        Just((22, vec![24, 0, 0, 1, 1])),
        (1..5usize).prop_map(|len| (22, vec![24, 0, 0, 1, 1][..len].to_vec())),
        (1..5usize).prop_map(|len| (22, vec![24, 0, 0, 1, 0][len..].to_vec())),
        // Two messages, and the beginning of one, in a record.
        Just((22, vec![24, 0, 0, 1, 0, 24, 0, 0, 1, 0])),
        Just((22, vec![24, 0, 0, 1, 1, 24, 0])),
        Just((22, vec![11, 0, 0xff, 0xff, 1, 2, 3])),
        Just((23, b"data".to_vec())),
        Just((23, Vec::new())),
        Just((21, vec![1, 0])),
        Just((21, vec![1, 90])),
        Just((21, vec![2, 40])),
        Just((20, vec![1])),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..60)),
    ]
}

/// More than a session may ever hold.
const HELD_MAX: usize = 256 * 1024;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_split_of_every_message_is_fine(
        version in version(),
        we_serve: bool,
        fragment in prop_oneof![Just(16384), 32..300usize],
        sizes in prop::collection::vec(prop_oneof![Just(1), 1..40usize, 1..5000usize], 1..8),
        body in prop::collection::vec(any::<u8>(), 1..40_000),
    ) {
        run(async {
            let mut duo = Setting::new(version).fragmented(fragment).start(we_serve);
            duo.shake(&mut |flight| split(&flight, &sizes)).unwrap();
            // Tickets or the end of the handshake go with it.
            assert_eq!(duo.say(b"first"), b"first");
            for round in 0..3 {
                duo.peer.writer().write_all(&body).unwrap();
                if *version == TLS13 && round > 0 {
                    duo.peer.refresh_traffic_keys().unwrap();
                    duo.peer.writer().write_all(b"new keys").unwrap();
                }
                let after: &[u8] = if *version == TLS13 && round > 0 { b"new keys" } else { b"" };
                let expected = [&body, after].concat();
                let mut wire = duo.wire.try_clone().unwrap();
                let flight = duo.flight();
                let sizes = sizes.iter().map(|size| size * 37).collect::<Vec<_>>();
                let sending = std::thread::spawn(move || {
                    wire.set_nonblocking(false).unwrap();
                    split(&flight, &sizes).iter().for_each(|chunk| wire.write_all(chunk).unwrap());
                });
                assert!(duo.read_exact(expected.len()).await == expected);
                sending.join().unwrap();
                assert_eq!(duo.say(b"more"), b"more");
            }
        });
    }

    #[test]
    fn a_peer_that_keeps_to_no_rules_breaks_only_its_own_session(
        records in prop::collection::vec((record(), 0..3u8), 1..12),
        size in prop_oneof![1..30usize, Just(100_000)],
    ) {
        run(async {
            let mut setting = Setting::new(&TLS13);
            setting.client.enable_secret_extraction = true;
            let mut duo = setting.start(true).up();
            let flight = duo.flight();
            duo.wire.write_all(&flight).unwrap();
            let Duo { mut state, peer, socket, mut wire } = duo;
            let mut forger = Forger::of(peer);
            let mut bytes = Vec::with_capacity(10_000);
            for ((kind, plain), act) in records {
                for chunk in forger.seal(kind, &plain).chunks(size) {
                    wire.write_all(chunk).unwrap();
                    if act > 0 {
                        let _ = socket.readable().await;
                        let _ = state.read(&socket, &mut bytes);
                    }
                    if act > 1 {
                        let _ = state.write(&socket, &[IoSlice::new(b"answer")]);
                    }
                }
                prop_assert!(state.held() < HELD_MAX);
            }
            wire.shutdown(std::net::Shutdown::Write).unwrap();
            for _ in 0..3 {
                let _ = socket.readable().await;
                let _ = state.read(&socket, &mut bytes);
                let _ = state.write(&socket, &[IoSlice::new(b"answer")]);
            }
            // The library's debug assertions take no errors of the peer after it.
            state.farewell();
            let _ = state.push(&socket);
            Ok(())
        })?;
    }

    #[test]
    fn whatever_comes_nothing_panics_and_memory_is_bounded(
        version in version(),
        we_serve: bool,
        fragment in prop_oneof![Just(16384), 32..300usize],
        sizes in prop::collection::vec(prop_oneof![1..40usize, 1..5000usize], 1..8),
        harms in prop::collection::vec((0..4usize, Harm::any()), 1..4),
    ) {
        run(async {
            let mut duo = Setting::new(version).fragmented(fragment).start(we_serve);
            let mut count = 0;
            let mut alter = |mut flight: Vec<u8>| {
                let now = harms.iter().filter(|(index, _)| *index == count);
                now.for_each(|(_, harm)| harm.apply(&mut flight));
                count += 1;
                split(&flight, &sizes)
            };
            if duo.shake(&mut alter).is_ok() {
                let _ = duo.answer();
                let _ = duo.peer.writer().write_all(&[7; 3000]);
                let _ = *version == TLS13 && duo.peer.refresh_traffic_keys().is_ok();
                let _ = duo.peer.writer().write_all(&[8; 3000]);
                let mut flight = duo.flight();
                harms.iter().for_each(|(_, harm)| harm.apply(&mut flight));
                duo.wire.write_all(&flight).unwrap();
                duo.wire.shutdown(std::net::Shutdown::Write).unwrap();
                for _ in 0..10 {
                    let _ = duo.read(1000).await;
                    let _ = duo.state.write(&duo.socket, &[IoSlice::new(b"answer")]);
                    prop_assert!(duo.state.held() < HELD_MAX);
                }
            }
            // Whoever ends it does not know what it is in the middle of.
            let _ = duo.state.write(&duo.socket, &[IoSlice::new(b"answer")]);
            duo.state.farewell();
            let _ = duo.state.push(&duo.socket);
            let _ = duo.read(1000).await;
            prop_assert!(duo.state.held() < HELD_MAX);
            Ok(())
        })?;
    }
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
fn a_message_in_tiny_records_is_refused_before_it_fills_memory() {
    let mut duo = run(async { Setting::new(&TLS13).start(true) });
    // A ClientHello of 60 KiB, a byte a record.
    assert_eq!(duo.state.shake(&[22, 3, 1, 0, 4, 1, 0, 0xf0, 0]).unwrap(), Progress::Blocked);
    let records = [22, 3, 3, 0, 1, 0].repeat(500);
    let refused = (0..100).find_map(|_| duo.state.shake(&records).err());
    assert_eq!(refused.unwrap().kind(), "protocol");
    assert!(duo.state.held() < HELD_MAX);
    assert!(duo.state.broken);
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
