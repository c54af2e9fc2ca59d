use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;

/// What a ClientHello says, without its borrow.
#[derive(Debug, Default, Eq, PartialEq)]
struct Told {
    name: Option<String>,
    alpn: Vec<Vec<u8>>,
    versions: Vec<u16>,
}

fn told(bytes: &[u8]) -> Result<Option<Told>, Refused> {
    let mut joined = Vec::new();
    Ok(match peek(bytes, &mut joined)? {
        Peek::Incomplete => None,
        Peek::Complete(hello) => Some(Told {
            name: hello.server_name.map(str::to_owned),
            alpn: hello.alpn.map(<[u8]>::to_vec).collect(),
            versions: hello.versions.collect(),
        }),
    })
}

fn whole(bytes: &[u8]) -> Told {
    told(bytes).unwrap().unwrap()
}

/// The first bytes of a connection of rustls.
fn rustls(name: &str, alpn: &[&str]) -> Vec<u8> {
    let roots = RootCertStore::empty();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// Puts the message of `bytes`, which stands in one record, into records as long as `lens` say, and one for the rest.
fn fragmented(bytes: &[u8], lens: &[usize]) -> Vec<u8> {
    let mut message = &bytes[RECORD_HEADER..];
    let mut out = Vec::new();
    for len in lens.iter().copied().chain([usize::MAX]) {
        let (fragment, rest) = message.split_at(len.min(message.len()));
        message = rest;
        if !fragment.is_empty() {
            out.extend_from_slice(&[HANDSHAKE, 3, 1]);
            out.extend_from_slice(&u16::try_from(fragment.len()).unwrap().to_be_bytes());
            out.extend_from_slice(fragment);
        }
    }
    out
}

/// A message with these extensions, in one record.
fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let list: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, value)| [&kind.to_be_bytes()[..], &prefixed(value)].concat())
        .collect();
    let before = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0]].concat();
    record_of(&[&before[..], &prefixed(&list)].concat())
}

fn record_of(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[CLIENT_HELLO][..], &len[1..], body].concat();
    [&[HANDSHAKE, 3, 1][..], &prefixed(&message)].concat()
}

/// `bytes` behind their length.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn name_extension(name: &[u8]) -> Vec<u8> {
    prefixed(&[&[HOST_NAME][..], &prefixed(name)].concat())
}

#[test]
fn what_openssl_and_curl_send_is_read() {
    let openssl = whole(include_bytes!("../../../../fuzz/seeds/client_hello/openssl"));
    let expected = Told {
        name: Some("db.example.com".to_owned()),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        versions: vec![0x304, 0x303, 0x302, 0x301],
    };
    assert_eq!(openssl, expected);
    let three = whole(include_bytes!("../../../../fuzz/seeds/client_hello/three-records"));
    assert_eq!(three, expected);
    let older = whole(include_bytes!("../../../../fuzz/seeds/client_hello/openssl-tls12"));
    assert_eq!(older.name.as_deref(), Some("Old.Example.com"));
    assert_eq!(older.versions, [0x303]);
    let nameless = whole(include_bytes!("../../../../fuzz/seeds/client_hello/openssl-no-name"));
    assert_eq!((nameless.name, nameless.alpn.len()), (None, 0));
    let curl = whole(include_bytes!("../../../../fuzz/seeds/client_hello/curl"));
    assert_eq!(curl.name.as_deref(), Some("shop.example.com"));
    assert_eq!(curl.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
}

#[test]
fn what_rustls_sends_is_read() {
    let read = whole(&rustls("a-b.example.com", &["h2", "x"]));
    assert_eq!(read.name.as_deref(), Some("a-b.example.com"));
    assert_eq!(read.alpn, [b"h2".to_vec(), b"x".to_vec()]);
    assert!(read.versions.contains(&0x304));
    assert_eq!(whole(&rustls("127.0.0.1", &[])).name, None);
}

#[test]
fn a_client_hello_cut_anywhere_is_the_start_of_one() {
    let bytes = rustls("shop.example.com", &["h2"]);
    for records in [bytes.clone(), fragmented(&bytes, &[1, 3, 1, 60, 200])] {
        for end in 0..records.len() {
            assert_eq!(told(&records[..end]), Ok(None), "cut at {end}");
        }
        assert_eq!(whole(&records), whole(&bytes));
    }
}

#[test]
fn what_follows_is_not_looked_at() {
    let mut bytes = rustls("shop.example.com", &[]);
    bytes.extend_from_slice(b"\x00anything");
    assert_eq!(whole(&bytes).name.as_deref(), Some("shop.example.com"));
}

#[test]
fn a_name_is_a_host_name() {
    for name in ["a", "a.b", "xn--bcher-kva.example", "_dmarc.example", "A.EXAMPLE", "1a.2b"] {
        let bytes = hello(&[(SERVER_NAME, &name_extension(name.as_bytes()))]);
        assert_eq!(whole(&bytes).name.as_deref(), Some(name));
    }
    let long = "a".repeat(64);
    for name in ["", ".", "a.", ".a", "a..b", "a b", "a\0b", "ä.example", "*.a", "a:1", &long] {
        let bytes = hello(&[(SERVER_NAME, &name_extension(name.as_bytes()))]);
        assert_eq!(told(&bytes), Err(Refused::ServerName), "{name:?}");
    }
    for address in ["10.0.0.1", "::1"] {
        let bytes = hello(&[(SERVER_NAME, &name_extension(address.as_bytes()))]);
        assert_eq!(whole(&bytes).name, None);
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let name = name_extension(b"a.example");
    let twice = hello(&[(SERVER_NAME, &name), (21, &[0]), (SERVER_NAME, &name)]);
    assert_eq!(told(&twice), Err(Refused::Repeated));
    let two_names = [[HOST_NAME, 0, 1, b'a'], [HOST_NAME, 0, 1, b'b']].concat();
    let cases: [(u16, Vec<u8>); 8] = [
        (SERVER_NAME, Vec::new()),
        (SERVER_NAME, prefixed(&[])),
        (SERVER_NAME, prefixed(&two_names)),
        (SERVER_NAME, [&name[..], &[0]].concat()),
        (ALPN, prefixed(&[])),
        (ALPN, prefixed(&[0])),
        (ALPN, prefixed(&[2, b'h'])),
        (SUPPORTED_VERSIONS, vec![3, 3, 4, 3]),
    ];
    for (kind, value) in cases {
        let bytes = hello(&[(kind, &value)]);
        assert_eq!(told(&bytes), Err(Refused::Malformed), "{kind} {value:?}");
    }
    // Another type of name than a host name.
    let other = hello(&[(SERVER_NAME, &prefixed(&[1, 0, 1, b'a']))]);
    assert_eq!(told(&other), Err(Refused::ServerName));
}

#[test]
fn a_message_ends_where_its_fields_end() {
    let bytes = hello(&[]);
    let body = &bytes[RECORD_HEADER + MESSAGE_HEADER..];
    assert_eq!(whole(&bytes).versions, [0x303]);
    // Without any extensions, as old clients send it.
    assert_eq!(whole(&record_of(&body[..body.len() - 2])).name, None);
    for end in (0..body.len()).filter(|end| *end != body.len() - 2) {
        assert_eq!(told(&record_of(&body[..end])), Err(Refused::Malformed), "cut at {end}");
    }
    assert_eq!(told(&record_of(&[body, &[0]].concat())), Err(Refused::Malformed));
}

#[test]
fn other_bytes_are_refused_at_once() {
    for bytes in [&b"GET"[..], &[0x80, 0x2e], &[22, 2], &[22, 3, 1, 0, 0], &[22, 3, 1, 0x40, 1]] {
        assert_eq!(told(bytes), Err(Refused::Record), "{bytes:?}");
    }
    assert_eq!(told(&[22, 3, 1, 0, 9, 2]), Err(Refused::Message));
    // An alert in the middle of the message.
    let records = fragmented(&hello(&[]), &[10]);
    let cut = [&records[..RECORD_HEADER + 10], &[21, 3]].concat();
    assert_eq!(told(&cut), Err(Refused::Record));
}

#[test]
fn a_long_message_is_refused_before_it_has_come() {
    assert_eq!(told(&[22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xf8]), Err(Refused::TooLong));
    assert_eq!(told(&[22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xf7]), Ok(None));
    // One byte a record is five sixths waste: what counts is what must be held.
    let filler = vec![0; 4000];
    let records = fragmented(&hello(&[(21, &filler)]), &vec![1; 4100]);
    assert!(records.len() > BYTES_MAX);
    assert_eq!(told(&records), Err(Refused::TooLong));
    assert_eq!(told(&records[..BYTES_MAX - 1]), Ok(None));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..300)) {
        let _ = told(&bytes);
        let _ = told(&[&[22, 3, 1, 1, 0][..], &bytes].concat());
        let _ = told(&record_of(&bytes));
    }

    #[test]
    fn changed_bytes_are_answered_and_the_start_agrees_with_the_whole(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = include_bytes!("../../../../fuzz/seeds/client_hello/curl").to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let part = told(&bytes[..cut.index(bytes.len())]);
        prop_assert!(part == Ok(None) || part == told(&bytes));
    }

    #[test]
    fn records_do_not_matter(lens in vec(1usize..300, 0..12)) {
        let bytes = rustls("shop.example.com", &["h2", "http/1.1"]);
        prop_assert_eq!(told(&fragmented(&bytes, &lens)), told(&bytes));
    }

    #[test]
    fn names_and_protocols_come_out_as_they_went_in(
        name in "[a-z0-9]{1,20}(\\.[a-z0-9-]{1,20}){0,3}\\.[a-z]{2,5}",
        alpn in vec(vec(any::<u8>(), 1..20), 1..5),
    ) {
        let list: Vec<u8> = alpn.iter().flat_map(|one| [&[one.len() as u8][..], one].concat()).collect();
        let bytes = hello(&[(ALPN, &prefixed(&list)), (SERVER_NAME, &name_extension(name.as_bytes()))]);
        let read = whole(&bytes);
        prop_assert_eq!(read.name, Some(name));
        prop_assert_eq!(read.alpn, alpn);
    }
}
