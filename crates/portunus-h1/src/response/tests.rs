use super::*;

#[test]
fn version_status_and_phrase_are_read() {
    let check = |line: &str, version, status, reason: &str| {
        let text = format!("{line}\r\nServer: s\r\n\r\n");
        let mut head = ResponseHead::default();
        let parsed = parse_response(text.as_bytes(), &Limits::default(), &mut head);
        assert_eq!(parsed, Ok(Parsed::Complete(text.len())), "{line}");
        assert_eq!((head.version, head.status), (version, status));
        assert_eq!(head.reason(), reason.as_bytes());
        assert_eq!(head.headers.value(b"server"), Some(&b"s"[..]));
    };
    check("HTTP/1.1 200 Fine", Version::H11, 200, "Fine");
    check("HTTP/1.0 404 ", Version::H10, 404, "Not Found");
    check("HTTP/1.1 404", Version::H11, 404, "Not Found");
    check("HTTP/1.1 599 ", Version::H11, 599, "");
    check("HTTP/1.1 100 a b", Version::H11, 100, "a b");
}

#[test]
fn garbage_is_refused_before_a_line_ends() {
    let mut head = ResponseHead::default();
    for (bytes, expected) in [
        (&b""[..], Ok(Parsed::Incomplete)),
        (b"HTTP", Ok(Parsed::Incomplete)),
        (b"HTTX", Err(H1Error::BadStatusLine)),
        (b"\x15\x03\x01", Err(H1Error::BadStatusLine)),
    ] {
        assert_eq!(parse_response(bytes, &Limits::default(), &mut head), expected, "{bytes:?}");
    }
}
