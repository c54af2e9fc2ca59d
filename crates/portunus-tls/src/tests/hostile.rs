//! A peer that seals records by itself, and may do with them what no library does.

use std::io::{ErrorKind, IoSlice};
use std::pin::pin;
use std::task::{Context, Waker};

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use proptest::prelude::*;
use rustls::ConnectionTrafficSecrets;

use super::*;

/// One way of a session: a key, and the number of the next record.
struct Way {
    key: LessSafeKey,
    iv: [u8; 12],
    next: u64,
}

impl Way {
    fn new((next, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => panic!("a cipher that we do not know"),
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
        Self { key, iv: iv.as_ref().try_into().unwrap(), next }
    }

    /// RFC 8446 section 5.3.
    fn nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, of_number) in nonce[4..].iter_mut().zip(self.next.to_be_bytes()) {
            *byte ^= of_number;
        }
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// A TLS 1.3 client after its handshake.
struct Peer {
    socket: TcpStream,
    ours: Way,
    theirs: Way,
    read: Vec<u8>,
}

impl Peer {
    async fn connect(world: &World, tls: &Arc<ServerTls>) -> (Io, Self) {
        let mut config = world.client();
        config.enable_secret_extraction = true;
        let (accepted, client) = world.connect(tls, config, "a.test").await;
        let (socket, session) = client.unwrap().into_inner();
        let secrets = session.dangerous_extract_secrets().unwrap();
        let (ours, theirs) = (Way::new(secrets.tx), Way::new(secrets.rx));
        (accepted.unwrap().io, Self { socket, ours, theirs, read: Vec::new() })
    }

    /// A record (RFC 8446 section 5.2).
    fn seal(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut inner = [payload, &[kind]].concat();
        let [high, low] = u16::try_from(inner.len() + TAG_BYTES).unwrap().to_be_bytes();
        let head = [APPLICATION_DATA, 3, 3, high, low];
        let nonce = self.ours.nonce();
        self.ours.key.seal_in_place_append_tag(nonce, Aad::from(head), &mut inner).unwrap();
        [&head[..], &inner].concat()
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) {
        let record = self.seal(kind, payload);
        self.socket.write_all(&record).await.unwrap();
    }

    /// The next record but tickets: its kind and payload. None at the end of the stream.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            match self.next_of_any_kind().await {
                Some((HANDSHAKE, message)) if message[0] == NEW_SESSION_TICKET => {}
                other => return other,
            }
        }
    }

    async fn next_of_any_kind(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((head, rest)) = self.read.split_first_chunk::<5>() {
                let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
                if rest.len() >= length {
                    let head = *head;
                    let mut record: Vec<u8> = self.read.drain(..head.len() + length).collect();
                    let (nonce, sealed) = (self.theirs.nonce(), &mut record[head.len()..]);
                    let plain = self.theirs.key.open_in_place(nonce, Aad::from(head), sealed);
                    let (kind, payload) = plain.unwrap().split_last().unwrap();
                    return Some((*kind, payload.to_vec()));
                }
            }
            if self.socket.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}

async fn read(io: &Io) -> std::io::Result<Vec<u8>> {
    let mut buf = Vec::with_capacity(1000);
    io.read(&mut buf).await?;
    Ok(buf)
}

/// Reads what the peer has sent, which tells us nothing.
async fn read_nothing(io: &Io) {
    let Io::Layered(layer) = io else { panic!() };
    layer.socket().readable().await.unwrap();
    let error = io.try_read(&mut Vec::with_capacity(10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

fn server(world: &World) -> Arc<ServerTls> {
    world.server(&ServerOptions::default(), &[&["a.test"]])
}

#[test]
fn a_key_update_may_come_in_pieces_while_we_write() {
    run(async {
        let world = World::new();
        let (io, mut peer) = Peer::connect(&world, &server(&world)).await;
        peer.send(HANDSHAKE, &KEY_UPDATE[..2]).await;
        read_nothing(&io).await;
        io.write_all(b"one").await.unwrap();
        io.write_both(b"tw", b"o", |_| {}).await.unwrap();
        assert_eq!(peer.next().await.unwrap(), (APPLICATION_DATA, b"one".to_vec()));
        assert_eq!(peer.next().await.unwrap(), (APPLICATION_DATA, b"two".to_vec()));
        peer.send(HANDSHAKE, &KEY_UPDATE[2..]).await;
        read_nothing(&io).await;
        // Our answer goes under the old keys, before the data.
        io.write_all(b"three").await.unwrap();
        let answer = (HANDSHAKE, vec![KEY_UPDATE[0], 0, 0, 1, 0]);
        assert_eq!(peer.next().await.unwrap(), answer);
    });
}

#[test]
fn a_farewell_goes_out_whatever_the_peer_has_begun() {
    run(async {
        let world = World::new();
        let (io, mut peer) = Peer::connect(&world, &server(&world)).await;
        peer.send(HANDSHAKE, &KEY_UPDATE[..2]).await;
        read_nothing(&io).await;
        io.shutdown_write();
        assert_eq!(peer.next().await.unwrap(), (ALERT, CLOSE_NOTIFY.to_vec()));
        assert_eq!(peer.next().await, None);
    });
}

#[test]
fn after_the_peers_farewell_our_way_is_still_open() {
    run(async {
        let world = World::new();
        let (io, mut peer) = Peer::connect(&world, &server(&world)).await;
        let last = peer.seal(APPLICATION_DATA, b"last");
        let farewell = peer.seal(ALERT, &CLOSE_NOTIFY);
        // What follows is not looked at.
        peer.socket.write_all(&[last, farewell, vec![0; 100]].concat()).await.unwrap();
        assert_eq!(read(&io).await.unwrap(), b"last");
        assert_eq!(read(&io).await.unwrap(), b"");
        io.write_all(b"answer").await.unwrap();
        io.shutdown_write();
        assert_eq!(peer.next().await.unwrap(), (APPLICATION_DATA, b"answer".to_vec()));
        assert_eq!(peer.next().await.unwrap(), (ALERT, CLOSE_NOTIFY.to_vec()));
        assert_eq!(peer.next().await, None);
        assert!(io.write_all(b"x").await.is_err());
    });
}

#[test]
fn floods_of_records_that_mean_nothing_end() {
    run(async {
        let world = World::new();
        let tls = server(&world);
        let no_renegotiation = [1, 100];
        for (kind, payload) in
            [(HANDSHAKE, &KEY_UPDATE[..]), (APPLICATION_DATA, &[]), (ALERT, &no_renegotiation)]
        {
            let (io, mut peer) = Peer::connect(&world, &tls).await;
            let flood: Vec<u8> = (0..2000).flat_map(|_| peer.seal(kind, payload)).collect();
            let sending = async { drop(peer.socket.write_all(&flood).await) };
            let (error, ()) = tokio::join!(async { read(&io).await.unwrap_err() }, sending);
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{kind}");
        }
    });
}

#[test]
fn a_spoiled_record_is_told_to_the_peer() {
    run(async {
        let world = World::new();
        let (io, mut peer) = Peer::connect(&world, &server(&world)).await;
        let mut record = peer.seal(APPLICATION_DATA, b"ping");
        *record.last_mut().unwrap() ^= 1;
        peer.socket.write_all(&record).await.unwrap();
        assert_eq!(read(&io).await.unwrap_err().kind(), ErrorKind::InvalidData);
        let bad_record_mac = (ALERT, vec![2, 20]);
        assert_eq!(peer.next().await.unwrap(), bad_record_mac);
    });
}

#[test]
fn whoever_only_waits_still_ends_the_handshake() {
    run(async {
        let world = World::new();
        let tls = server(&world);
        let ca_pem = Some(world.ca.pem().as_bytes().to_vec());
        let options = ClientOptions { ca_pem, ..Default::default() };
        let client = Arc::new(ClientTls::new(&options).unwrap());
        let (theirs, ours) = pair().await;
        let serving = async {
            let accepted = accept(Io::Tcp(theirs), &[], &tls, &world.gate).await.unwrap();
            accepted.io.write_all(b"220 welcome").await.unwrap();
            accepted.io
        };
        let waiting = async {
            let (io, _) = connect(Io::Tcp(ours), &client, "a.test").await.unwrap();
            io.readable().await.unwrap();
            assert_eq!(read(&io).await.unwrap(), b"220 welcome");
            // Tickets came too: they make a connection in a pool no worse.
            assert!(!io.is_stale());
            io
        };
        let (theirs, ours) = tokio::join!(serving, waiting);
        theirs.shutdown_write();
        ours.readable().await.unwrap();
        assert!(ours.is_stale());
    });
}

proptest! {
    #[test]
    fn strange_records_never_panic(
        records in prop::collection::vec((20u8..25, prop::collection::vec(any::<u8>(), 0..30)), 1..10),
        cut in 0usize..5,
    ) {
        run(async {
            let world = World::new();
            let (io, mut peer) = Peer::connect(&world, &server(&world)).await;
            let cx = &mut Context::from_waker(Waker::noop());
            for (kind, payload) in records {
                // Begun key updates are the strangest.
                let payload = if kind == HANDSHAKE { KEY_UPDATE[..cut].to_vec() } else { payload };
                let record = peer.seal(kind, &payload);
                if peer.socket.write_all(&record).await.is_err() {
                    break;
                }
                let mut buf = Vec::with_capacity(7);
                let _ = pin!(io.read(&mut buf)).poll(cx);
                let _ = io.try_write(&[IoSlice::new(b"some bytes")]);
            }
            io.shutdown_write();
        });
    }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const NEW_SESSION_TICKET: u8 = 4;
/// One that asks for another in return (RFC 8446 section 4.6.3).
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 1];
const CLOSE_NOTIFY: [u8; 2] = [1, 0];
const TAG_BYTES: usize = 16;
