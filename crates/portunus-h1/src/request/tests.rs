use super::*;

fn parse(text: &str) -> RequestHead {
    let mut head = RequestHead::default();
    let parsed = parse_request(text.as_bytes(), &Limits::default(), &mut head);
    assert_eq!(parsed, Ok(Parsed::Complete(text.len())), "{text:?}");
    head
}

fn parse_target(method: &str, target: &str) -> (TargetForm, String, Option<String>, String) {
    let head = parse(&format!("{method} {target} HTTP/1.1\r\nHost: Own.Example:80\r\n\r\n"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let host = text(head.headers.value_of(HeaderId::Host).unwrap());
    assert_eq!(host.as_bytes(), head.authority());
    (head.form, text(head.path()), head.query().map(text), host)
}

#[test]
fn targets_have_four_forms() {
    let check = |method, target, form, path: &str, query: Option<&str>, host: &str| {
        let expected = (form, path.to_owned(), query.map(str::to_owned), host.to_owned());
        assert_eq!(parse_target(method, target), expected);
    };
    use TargetForm::{Absolute, Asterisk, Authority, Origin};
    check("GET", "/a/b?c=d?e", Origin, "/a/b", Some("c=d?e"), "Own.Example:80");
    check("GET", "/?", Origin, "/", Some(""), "Own.Example:80");
    check("OPTIONS", "*", Asterisk, "*", None, "Own.Example:80");
    check("OPTIONS", "http://other", Absolute, "*", None, "other");
    check("OPTIONS", "http://other?q", Absolute, "/", Some("q"), "other");
    check("GET", "http://other", Absolute, "/", None, "other");
    check("GET", "HTTPS://Other:81/a?b", Absolute, "/a", Some("b"), "Other:81");
    check("CONNECT", "other:443", Authority, "", None, "other:443");
}

#[test]
fn the_path_is_normalised_and_the_query_is_not() {
    let (_, path, query, _) = parse_target("GET", "/a/./b/%2e%2e/%7Ec%2Fd?../%7E");
    assert_eq!((path.as_str(), query.as_deref()), ("/a/~c%2Fd", Some("../%7E")));
}

#[test]
fn the_host_is_lower_case_without_port_and_final_dot() {
    for (sent, host, port) in [
        ("a.example", "a.example", None),
        ("A.Example.:8080", "a.example", Some(8080)),
        ("[2001:DB8::1]:80", "[2001:db8::1]", Some(80)),
    ] {
        let head = parse(&format!("GET / HTTP/1.1\r\nHost: {sent}\r\n\r\n"));
        assert_eq!(head.authority(), sent.as_bytes());
        assert_eq!(head.host(), host.as_bytes());
        assert_eq!(head.port(), port);
    }
}

#[test]
fn a_head_used_again_has_nothing_of_the_former_one() {
    let mut head = parse("PURGE http://a/x?y HTTP/1.0\r\nX-A: b\r\n\r\n");
    assert_eq!((head.method_text(), head.version), (&b"PURGE"[..], Version::H10));
    let next = b"\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\nthe body";
    let parsed = parse_request(next, &Limits::default(), &mut head);
    assert_eq!(parsed, Ok(Parsed::Complete(next.len() - b"the body".len())));
    assert_eq!(
        (head.method, head.version, head.form),
        (Method::Get, Version::H11, TargetForm::Origin)
    );
    assert_eq!((head.path(), head.query(), head.authority()), (&b"/"[..], None, &b"b"[..]));
    assert_eq!(head.headers.len(), 1);
}

#[test]
fn limits_are_the_callers() {
    let limits = Limits { line_bytes_max: 30, headers_max: 2, header_bytes_max: 60 };
    let check = |text: &str, expected| {
        let parsed = parse_request(text.as_bytes(), &limits, &mut RequestHead::default());
        assert_eq!(parsed, expected, "{text:?}");
    };
    check("GET /3456789012345678 HTTP/1.1\r\n", Ok(Parsed::Incomplete));
    check("GET /34567890123456789 HTTP/1.1\r\n", Err(H1Error::LineTooLong));
    check("GET /3456789012345678901234567", Ok(Parsed::Incomplete));
    check("GET /34567890123456789012345678", Err(H1Error::LineTooLong));
    check("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n", Ok(Parsed::Complete(33)));
    check("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\n\r\n", Err(H1Error::TooManyHeaders));
    let long = "x".repeat(40);
    check(&format!("GET / HTTP/1.1\r\nA: {long}\r\n"), Err(H1Error::HeadersTooLarge));
    check(&format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", &long[..28]), Err(H1Error::HeaderTooLong));
}

#[test]
fn what_was_read_of_a_refused_request_is_there_for_the_log() {
    let mut head = RequestHead::default();
    let bytes = b"POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    let parsed = parse_request(bytes, &Limits::default(), &mut head);
    assert_eq!(parsed, Err(H1Error::DuplicateHost));
    assert_eq!((head.method, head.path()), (Method::Post, &b"/x"[..]));
}
