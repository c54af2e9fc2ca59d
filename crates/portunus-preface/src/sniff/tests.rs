use proptest::prelude::*;

use super::{BYTES_MAX, Sniff, Sniffed, protocol};

#[test]
fn first_bytes_tell() {
    let check = |buf: &[u8], expected| assert_eq!(protocol(buf), Sniff::Is(expected), "{buf:?}");
    check(b"GET / HTTP/1.1\r\n", Sniffed::Http1);
    check(b"PROPFIND /", Sniffed::Http1);
    check(b"P /", Sniffed::Http1);
    check(b"\r\nGET / HTTP/1.1", Sniffed::Http1);
    check(b"\nGET", Sniffed::Http1);
    check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Sniffed::Http2Preface);
    check(b"PRI * HTTP/1.1", Sniffed::Http1);
    check(&[0x16, 3, 1], Sniffed::Tls);
    check(&[0x16, 4, 1], Sniffed::Unknown);
    check(b"PROXY TCP4", Sniffed::ProxyV1);
    check(b"\r\n\r\n\0\r\nQUIT\n\x21", Sniffed::ProxyV2);
    check(b"\r\n\r\n\0\r\nQUIZ", Sniffed::Http1);
    check(b"SSH-2.0-x\r\n", Sniffed::Unknown);
    check(b" GET", Sniffed::Unknown);
    check(&[0; 1], Sniffed::Unknown);
    check(&[b'A'; BYTES_MAX], Sniffed::Unknown);
}

#[test]
fn starts_need_more() {
    for buf in
        [&b""[..], b"P", b"PR", b"PRI * HTTP/2", b"PROXY", b"GET", b"\r", b"\r\n\r\n", b"\x16"]
    {
        assert_eq!(protocol(buf), Sniff::NeedMore, "{buf:?}");
    }
}

proptest! {
    #[test]
    fn more_bytes_never_change_an_answer(buf: Vec<u8>, more: Vec<u8>) {
        let first = protocol(&buf);
        if first != Sniff::NeedMore {
            prop_assert_eq!(protocol(&[buf, more].concat()), first);
        }
    }

    #[test]
    fn the_bound_of_bytes_decides(buf in prop::collection::vec(any::<u8>(), BYTES_MAX..80)) {
        prop_assert_ne!(protocol(&buf), Sniff::NeedMore);
    }
}
