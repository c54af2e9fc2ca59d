use super::*;

fn request(content_type: &[u8], timeout: &[u8]) -> RequestHead {
    let mut head = RequestHead::default();
    head.headers.append_id(HeaderId::ContentType, content_type);
    head.headers.append(TIMEOUT, timeout);
    head
}

#[test]
fn grpc_is_told_from_what_is_only_called_like_it() {
    for (content_type, expected) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("Application/gRPC; charset=utf-8", true),
        ("application/grpc-web", false),
        ("application/grpc-web+proto", false),
        ("application/json", false),
        ("", false),
    ] {
        assert_eq!(is_grpc(&request(content_type.as_bytes(), b"")), expected, "{content_type}");
    }
}

#[test]
fn deadlines_are_read_in_all_units() {
    for (text, expected) in [
        ("2H", Some(Duration::from_secs(7200))),
        ("3M", Some(Duration::from_secs(180))),
        ("99999999S", Some(Duration::from_secs(99_999_999))),
        ("100m", Some(Duration::from_millis(100))),
        ("5u", Some(Duration::from_micros(5))),
        ("0n", Some(Duration::ZERO)),
        ("S", None),
        ("999999999S", None),
        ("1x", None),
        ("-1S", None),
        ("", None),
    ] {
        let found = timeout(&request(b"application/grpc", text.as_bytes()));
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(timeout(&request(b"text/plain", b"1S")), None);
}

#[test]
fn the_time_left_is_told_in_the_finest_unit_that_fits() {
    for (left, expected) in [
        (Duration::ZERO, "1u"),
        (Duration::from_millis(250), "250000u"),
        (Duration::from_secs(100), "100000m"),
        (Duration::from_secs(200_000), "200000S"),
        (Duration::from_secs(3_600 * 100_000), "100000H"),
    ] {
        let mut headers = HeaderList::default();
        headers.append(TIMEOUT, b"9H");
        set_timeout(left, &mut headers);
        assert_eq!(headers.value(TIMEOUT), Some(expected.as_bytes()), "{left:?}");
        let told = timeout(&request(b"application/grpc", expected.as_bytes())).unwrap();
        assert!(told <= left.max(Duration::from_micros(1)), "{left:?}");
    }
}

#[test]
fn messages_are_escaped() {
    let mut headers = HeaderList::default();
    describe(14, "50% of \u{fc}\n", &mut headers);
    assert_eq!(headers.value(MESSAGE), Some(&b"50%25 of %C3%BC%0A"[..]));
    assert_eq!(headers.value(STATUS), Some(&b"14"[..]));
}
