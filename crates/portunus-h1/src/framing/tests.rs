use super::*;

fn headers(fields: &[(&str, &str)]) -> HeaderList {
    let mut list = HeaderList::default();
    fields.iter().for_each(|(name, value)| list.append(name.as_bytes(), value.as_bytes()));
    list
}

#[test]
fn a_request_has_a_length_or_chunks_or_no_body() {
    let check = |fields: &[(&str, &str)], expected| {
        let mut head = RequestHead::default();
        head.headers = headers(fields);
        assert_eq!(request_framing(&head), expected, "{fields:?}");
    };
    check(&[], Ok(Framing::None));
    check(&[("content-length", "0")], Ok(Framing::Length(0)));
    check(
        &[("Content-Length", "999999999999999999")],
        Ok(Framing::Length(999_999_999_999_999_999)),
    );
    check(&[("Content-Length", "1000000000000000000")], Err(H1Error::BadLength));
    check(&[("Transfer-Encoding", "Chunked")], Ok(Framing::Chunked));
    check(&[("Transfer-Encoding", "gzip, deflate, chunked")], Err(H1Error::UnknownTransferCoding));
    check(&[("Transfer-Encoding", "gzip,, chunked")], Err(H1Error::BadTransferEncoding));
}

#[test]
fn the_request_decides_whether_an_answer_has_a_body() {
    let check = |method, status, fields: &[(&str, &str)], expected| {
        let mut head = ResponseHead::default();
        (head.status, head.headers) = (status, headers(fields));
        assert_eq!(response_framing(&head, method), expected, "{method:?} {status} {fields:?}");
    };
    let length: &[_] = &[("Content-Length", "5")];
    let chunked: &[_] = &[("Transfer-Encoding", "chunked")];
    check(Method::Get, 200, length, Ok(Framing::Length(5)));
    check(Method::Get, 200, chunked, Ok(Framing::Chunked));
    check(Method::Get, 200, &[], Ok(Framing::Close));
    for status in [100, 101, 103, 204, 304] {
        check(Method::Get, status, length, Ok(Framing::None));
        check(Method::Get, status, chunked, Ok(Framing::None));
    }
    check(Method::Head, 200, length, Ok(Framing::None));
    check(Method::Head, 500, &[], Ok(Framing::None));
    check(Method::Connect, 200, length, Ok(Framing::None));
    check(Method::Connect, 407, length, Ok(Framing::Length(5)));
    check(Method::Head, 200, &[length, length].concat(), Ok(Framing::None));
    check(Method::Head, 200, &[length, chunked].concat(), Err(H1Error::LengthWithTransferEncoding));
    let differing: &[_] =
        &[("Content-Length", "5"), ("Content-Length", "05"), ("Content-Length", "6")];
    check(Method::Get, 200, differing, Err(H1Error::ConflictingLength));
}

#[test]
fn http10_has_no_chunks() {
    for (version, framing, expected) in [
        (Version::H10, Framing::Chunked, Framing::Close),
        (Version::H10, Framing::Length(1), Framing::Length(1)),
        (Version::H11, Framing::Chunked, Framing::Chunked),
    ] {
        assert_eq!(framing_for(version, framing), expected);
    }
}

#[test]
fn connections_are_kept_as_version_and_header_say() {
    let check = |version, values: &[&str], expected| {
        let fields: Vec<_> = values.iter().map(|value| ("Connection", *value)).collect();
        assert_eq!(
            wants_keep_alive(version, &headers(&fields)),
            expected,
            "{version:?} {values:?}"
        );
    };
    check(Version::H11, &[], true);
    check(Version::H11, &["close"], false);
    check(Version::H11, &["upgrade, Close"], false);
    check(Version::H11, &["keep-alive", "close"], false);
    check(Version::H11, &["closed"], true);
    check(Version::H10, &[], false);
    check(Version::H10, &["Keep-Alive"], true);
    check(Version::H10, &["x", "keep-alive, y"], true);
    check(Version::H10, &["keep-alive, close"], false);
}

#[test]
fn an_upgrade_is_named_by_connection_and_stands_once() {
    let check = |fields: &[(&str, &str)], expected: Option<&str>| {
        assert_eq!(upgrade_of(&headers(fields)), expected.map(str::as_bytes), "{fields:?}");
    };
    check(&[("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")], Some("websocket"));
    check(&[("Upgrade", "websocket")], None);
    check(&[("Connection", "upgrade")], None);
    check(&[("Connection", "upgrade"), ("Upgrade", "")], None);
    check(&[("Connection", "upgrade"), ("Upgrade", "a"), ("Upgrade", "b")], None);
}

#[test]
fn only_http11_expects_a_continue() {
    let check = |version, value: &str, expected| {
        let mut head = RequestHead::default();
        (head.version, head.headers) = (version, headers(&[("Expect", value)]));
        assert_eq!(expects_continue(&head), expected, "{version:?} {value}");
    };
    check(Version::H11, "100-Continue", true);
    check(Version::H10, "100-continue", false);
    check(Version::H11, "101-continue", false);
    assert!(!expects_continue(&RequestHead::default()));
}
