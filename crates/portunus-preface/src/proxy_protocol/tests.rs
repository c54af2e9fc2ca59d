use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::crc32c::checksum;
use super::*;

fn complete(buf: &[u8]) -> Parsed<'_> {
    match parse(buf, Limits::default()) {
        Ok(Parse::Complete(parsed)) => parsed,
        other => panic!("{other:?} for {buf:?}"),
    }
}

fn check_refused(buf: &[u8], expected: Refused) {
    assert_eq!(parse(buf, Limits::default()), Err(expected), "{:?}", String::from_utf8_lossy(buf));
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A version 2 header with a right length, from its command, family and block.
fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let len = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &len, block].concat()
}

#[test]
fn v1_reads_the_lines_of_the_specification() {
    let tcp4 = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n";
    let parsed = complete(tcp4);
    assert_eq!(parsed.len, 47);
    let expected = Addresses::tcp(addr("192.168.0.1:56324"), addr("192.168.0.11:443"));
    assert_eq!(parsed.header.addresses, expected);
    let parsed = complete(b"PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n");
    assert_eq!(
        parsed.header.addresses,
        Addresses::tcp(addr("[2001:db8::1]:0"), addr("[::1]:65535"))
    );
    let longest = b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
        ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert_eq!(longest.len(), 107);
    for line in
        [&longest[..], b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN \r\n", b"PROXY UNKNOWN what ever\r\n"]
    {
        let parsed = complete(line);
        assert_eq!((parsed.header.addresses, parsed.len), (Addresses::Own, line.len()));
    }
}

#[test]
fn v1_refuses_what_is_not_exact() {
    check_refused(b"PROXX", Refused::Signature);
    check_refused(b"proxy", Refused::Signature);
    check_refused(b"PROXY  TCP4", Refused::Protocol);
    check_refused(b"PROXY TCP5", Refused::Protocol);
    check_refused(b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", Refused::Protocol);
    check_refused(b"PROXY UNKNOWNX\r\n", Refused::Protocol);
    check_refused(b"PROXY \r\n", Refused::Protocol);
    check_refused(b"PROXY TCP4 01.1.1.1 ", Refused::Address);
    check_refused(b"PROXY TCP4 1.1.1.256 ", Refused::Address);
    check_refused(b"PROXY TCP4 1.1.1 ", Refused::Address);
    check_refused(b"PROXY TCP4 ::1 ", Refused::Address);
    check_refused(b"PROXY TCP4 :", Refused::Address);
    check_refused(b"PROXY TCP4 a.example 1.1.1.1 1 2\r\n", Refused::Address);
    check_refused(b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", Refused::Address);
    check_refused(b"PROXY TCP6 fe80::1%eth0 ", Refused::Address);
    check_refused(b"PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", Refused::Address);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 01", Refused::Port);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 65536", Refused::Port);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", Refused::Port);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2  2\r\n", Refused::Port);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 ", Refused::FieldCount);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", Refused::FieldCount);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", Refused::FieldCount);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r", Refused::FieldCount);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", Refused::LineForm);
    check_refused(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX", Refused::LineForm);
    check_refused(b"PROXY UNKNOWN a\nb\r\n", Refused::LineForm);
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 92]].concat();
    check_refused(&endless, Refused::LineTooLong);
    check_refused(&[&endless, &b"\r\n"[..]].concat(), Refused::LineTooLong);
}

#[test]
fn v2_reads_local_and_unspecified_as_own() {
    for header in [
        v2(0x20, 0, b""),
        v2(0x20, 0x11, &[1; 12]),
        v2(0x20, 0xff, b"anything"),
        v2(0x21, 0, b"\x01\x02"),
        v2(0x21, 0x10, &[1; 12]),
    ] {
        let parsed = complete(&header);
        assert_eq!((parsed.header.addresses, parsed.len), (Addresses::Own, header.len()));
        assert_eq!(parsed.header.tlvs.count(), 0);
    }
}

#[test]
fn v2_reads_addresses_and_tlvs() {
    let block =
        [&[10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80][..], b"\x02\0\x01a\xe0\0\x02xy"].concat();
    let header = v2(0x21, 0x12, &block);
    let parsed = complete(&header);
    let Addresses::Inet { transport, source, .. } = parsed.header.addresses else { panic!() };
    assert_eq!((transport, source), (Transport::Datagram, addr("10.0.0.1:4660")));
    assert_eq!(parsed.header.authority(), Some("a"));
    assert!(parsed.header.tlvs.eq([Tlv::Authority("a"), Tlv::Other { kind: 0xe0, value: b"xy" }]));
}

#[test]
fn v2_refuses_what_is_not_exact() {
    check_refused(b"\r\n\r\n\0\r\nQUIZ", Refused::Signature);
    check_refused(&v2(0x11, 0x11, &[0; 12])[..13], Refused::Version);
    check_refused(&v2(0x22, 0x11, &[0; 12])[..13], Refused::Command);
    check_refused(&v2(0x21, 0x41, &[0; 12])[..14], Refused::Family);
    check_refused(&v2(0x21, 0x13, &[0; 12])[..14], Refused::Family);
    check_refused(&v2(0x21, 0x11, &[0; 11])[..16], Refused::TooShort);
    check_refused(&v2(0x21, 0x21, &[0; 35])[..16], Refused::TooShort);
    check_refused(&v2(0x21, 0x31, &[0; 215])[..16], Refused::TooShort);
    check_refused(&v2(0x21, 0x11, &[0; 5000])[..16], Refused::TooLong);
    let with = |tlvs: &[u8]| v2(0x21, 0x11, &[&[0; 12], tlvs].concat());
    check_refused(&with(b"\x01\0"), Refused::Tlv);
    check_refused(&with(b"\x01\0\x05abcd"), Refused::Tlv);
    check_refused(&with(b"\x02\0\x01a\x02\0\x01b"), Refused::Tlv);
    check_refused(&with(b"\x02\0\x01\xff"), Refused::Tlv);
    check_refused(&with(b"\x03\0\x03abc"), Refused::Tlv);
    check_refused(&with(b"\x03\0\x04abcd"), Refused::Checksum);
    check_refused(&with(b"\x20\0\x04abcd"), Refused::Tlv);
    check_refused(&with(&[&[5, 0, 129][..], &[7; 129]].concat()), Refused::Tlv);
}

#[test]
fn mapped_addresses_become_ipv4() {
    let line = b"PROXY TCP6 ::ffff:10.0.0.1 ::ffff:a00:2 1 2\r\n";
    let expected = Addresses::tcp(addr("10.0.0.1:1"), addr("10.0.0.2:2"));
    assert_eq!(complete(line).header.addresses, expected);
}

#[test]
fn checksum_has_the_known_value() {
    assert_eq!(checksum([&b"1234"[..], b"56789"]), 0xe306_9283);
}

#[test]
fn a_flipped_bit_breaks_the_checksum() {
    let addresses = Addresses::tcp(addr("10.0.0.1:1"), addr("10.0.0.2:2"));
    let mut buf = Vec::new();
    encode_v2(&addresses, &[Tlv::Crc32c(0), Tlv::Noop(b"12")], &mut buf).unwrap();
    assert_eq!(complete(&buf).header.addresses, addresses);
    buf[16] ^= 1;
    check_refused(&buf, Refused::Checksum);
}

#[test]
fn unix_names_keep_their_form() {
    for name in [&b""[..], b"/run/a.sock", b"\0abstract\0name", &[b'x'; 108]] {
        let addresses =
            Addresses::Unix { transport: Transport::Stream, source: name, destination: b"/to" };
        let mut buf = Vec::new();
        encode_v2(&addresses, &[], &mut buf).unwrap();
        assert_eq!(complete(&buf).header.addresses, addresses);
        buf.clear();
        encode_v1(&addresses, &mut buf);
        assert_eq!(buf, b"PROXY UNKNOWN\r\n");
    }
}

#[test]
fn encode_refuses_what_does_not_fit_and_leaves_the_buffer() {
    let addresses = Addresses::tcp(addr("10.0.0.1:1"), addr("10.0.0.2:2"));
    let long = vec![b'x'; 66_000];
    let mut buf = b"before".to_vec();
    for tlvs in
        [&[Tlv::Alpn(&long)][..], &[Tlv::Alpn(&long[..65_530])], &[Tlv::UniqueId(&long[..129])]]
    {
        assert_eq!(encode_v2(&addresses, tlvs, &mut buf), Err(Refused::TooLong));
        assert_eq!(buf, b"before");
    }
}

fn any_socket() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| canonical(SocketAddr::new(ip, port)))
}

fn any_transport() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Stream), Just(Transport::Datagram)]
}

fn encoded_v2(transport: Transport, from: SocketAddr, to: SocketAddr, tlvs: &[Tlv<'_>]) -> Vec<u8> {
    let mut buf = Vec::new();
    encode_v2(&Addresses::Inet { transport, source: from, destination: to }, tlvs, &mut buf)
        .unwrap();
    buf
}

proptest! {
    #[test]
    fn v1_round_trip_and_prefixes(from in any_socket(), to in any_socket(), tail: Vec<u8>) {
        let addresses = Addresses::tcp(from, to);
        let mut buf = Vec::new();
        encode_v1(&addresses, &mut buf);
        for end in 0..buf.len() {
            prop_assert_eq!(parse(&buf[..end], Limits::default()), Ok(Parse::Incomplete));
        }
        let len = buf.len();
        buf.extend(tail);
        let parsed = complete(&buf);
        prop_assert_eq!(parsed.len, len);
        prop_assert_eq!(parsed.header.version, Version::V1);
        prop_assert_eq!(parsed.header.addresses, addresses);
    }

    #[test]
    fn v2_round_trip_and_prefixes(
        from in any_socket(),
        to in any_socket(),
        transport in any_transport(),
        authority in "[a-z.]{0,40}",
        id in prop::collection::vec(any::<u8>(), 0..=128),
        client in 0u8..8,
        verify: u32,
        name in prop::option::of(".{0,20}"),
        other: Vec<u8>,
    ) {
        let ssl = Ssl { client, verify, common_name: name.as_deref(), version: Some("TLSv1.3"), ..Ssl::default() };
        let tlvs = [
            Tlv::Alpn(b"h2"),
            Tlv::Authority(&authority),
            Tlv::Crc32c(0),
            Tlv::UniqueId(&id),
            Tlv::Ssl(ssl),
            Tlv::Netns("blue"),
            Tlv::Other { kind: 0xe1, value: &other },
        ];
        let buf = encoded_v2(transport, from, to, &tlvs);
        for end in 0..buf.len() {
            prop_assert_eq!(parse(&buf[..end], Limits::default()), Ok(Parse::Incomplete));
        }
        let parsed = complete(&buf);
        prop_assert_eq!(parsed.len, buf.len());
        let expected = Addresses::Inet { transport, source: from, destination: to };
        prop_assert_eq!(parsed.header.addresses, expected);
        prop_assert_eq!(parsed.header.authority(), Some(authority.as_str()));
        prop_assert_eq!(parsed.header.unique_id(), Some(&id[..]));
        prop_assert_eq!(parsed.header.ssl(), Some(ssl));
        prop_assert_eq!(parsed.header.tlvs.count(), tlvs.len());
    }

    #[test]
    fn any_bytes_are_answered(start in 0usize..4, tail: Vec<u8>) {
        let starts: [&[u8]; 4] = [b"", b"PROXY ", b"PROXY TCP6 ", b"\r\n\r\n\0\r\nQUIT\n\x21"];
        let buf = [starts[start], &tail].concat();
        if let Ok(Parse::Complete(parsed)) = parse(&buf, Limits::default()) {
            prop_assert!(parsed.len <= buf.len());
            prop_assert_eq!(&complete(&buf[..parsed.len]), &parsed);
        }
    }

    #[test]
    fn a_changed_byte_is_answered(from in any_socket(), to in any_socket(), at: prop::sample::Index, byte: u8) {
        let tlvs = [Tlv::Authority("a.example"), Tlv::Ssl(Ssl { cipher: Some("x"), ..Ssl::default() })];
        let mut buf = encoded_v2(Transport::Stream, from, to, &tlvs);
        let at = at.index(buf.len());
        buf[at] = byte;
        if let Ok(Parse::Complete(parsed)) = parse(&buf, Limits::default()) {
            prop_assert!(parsed.len <= buf.len());
        }
    }
}

#[test]
fn kept_values_go_on_as_they_came() {
    let addresses = Addresses::tcp(addr("192.0.2.1:1000"), addr("192.0.2.2:443"));
    let tlvs = [
        Tlv::Authority("shop.example.com"),
        Tlv::Other { kind: 0xe0, value: b"own" },
        Tlv::UniqueId(b"7"),
        Tlv::Crc32c(0),
    ];
    let mut first = Vec::new();
    encode(Version::V2, &addresses, &tlvs, &mut first).unwrap();
    let kept = complete(&first).header.tlvs.bytes().to_vec();
    let mut second = Vec::new();
    let tlvs: Vec<_> = Tlvs::new(&kept).collect();
    encode(Version::V2, &addresses, &tlvs, &mut second).unwrap();
    assert_eq!(first, second);
    let mut line = Vec::new();
    encode(Version::V1, &addresses, &tlvs, &mut line).unwrap();
    assert_eq!(line, b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n");
}
