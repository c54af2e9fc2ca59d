//! Laws: every split is fine, and whatever comes breaks the peer's own session at most.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use proptest::prelude::*;
use rustls::ConnectionTrafficSecrets;

use super::*;

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

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
        size in prop_oneof![7..30usize, Just(100_000)],
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
            wire.write_all(&forger.seal(23, b"fine")).unwrap();
            socket.readable().await.unwrap();
            prop_assert_eq!(state.read(&socket, &mut bytes).unwrap(), 4);
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
fn neither_is_one_within_a_session() {
    run(async {
        let mut setting = Setting::new(&TLS13);
        setting.client.enable_secret_extraction = true;
        let Duo { mut state, peer, socket, mut wire } = setting.start(true).up();
        let mut forger = Forger::of(peer);
        wire.write_all(&forger.seal(22, &[11, 0, 0xff, 0xff])).unwrap();
        let mut nothing = Vec::with_capacity(1);
        let refused = loop {
            let records: Vec<u8> = (0..100).flat_map(|_| forger.seal(22, &[0])).collect();
            wire.write_all(&records).unwrap();
            socket.readable().await.unwrap();
            let error = state.read(&socket, &mut nothing).unwrap_err();
            assert!(state.held() < HELD_MAX);
            if error.kind() != ErrorKind::WouldBlock {
                break error;
            }
        };
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    });
}

/// More than a session may ever hold.
const HELD_MAX: usize = 256 * 1024;
