use super::*;

#[test]
fn what_can_only_be_http_1_needs_no_more_bytes() {
    for bytes in ["G", "GET", "D", "X-CUSTOM", "\n", "\r\nGET / HTTP/1.1"] {
        assert_eq!(look(bytes.as_bytes()), Sniff::Is(Sniffed::Http1), "{bytes:?}");
    }
    for bytes in ["", "P", "PR", "PRI * HTTP/2.0\r\n\r\nSM", "\u{16}"] {
        assert_eq!(look(bytes.as_bytes()), Sniff::NeedMore, "{bytes:?}");
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(look(preface), Sniff::Is(Sniffed::Http2Preface));
    assert_eq!(look(b"\x16\x03\x01"), Sniff::Is(Sniffed::Tls));
}
