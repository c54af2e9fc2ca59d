//! Laws that hold for all messages, and for all bytes.

use portunus_h1::{Chunked, Limits};
use portunus_http::Method;
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::message::{Outcome, decode_chunks, read_request, read_response};

proptest! {
    #[test]
    fn a_request_encoded_again_means_the_same(bytes in request()) {
        let (first, again) = whole(read_request(&bytes));
        let (second, third) = whole(read_request(&again));
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(again, third);
    }

    #[test]
    fn an_answer_encoded_again_means_the_same(bytes in response()) {
        let (first, again) = whole(read_response(&bytes, Method::Get));
        let (second, third) = whole(read_response(&again, Method::Get));
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(again, third);
    }

    #[test]
    fn a_request_read_in_two_parts_is_the_same_request(bytes in mostly_request(), cut: Index) {
        let part = read_request(&bytes[..cut.index(bytes.len() + 1)]);
        let all = read_request(&bytes);
        prop_assert!(part == Outcome::Incomplete || part == all, "{:?}\n{:?}", part, all);
    }

    #[test]
    fn an_answer_read_in_two_parts_is_the_same_answer(bytes in mostly_response(), cut: Index) {
        let part = read_response(&bytes[..cut.index(bytes.len() + 1)], Method::Get);
        let all = read_response(&bytes, Method::Get);
        let until_close = matches!(
            part,
            Outcome::Whole { framing: portunus_http::Framing::Close, .. }
        );
        let fine = part == Outcome::Incomplete || until_close || part == all;
        prop_assert!(fine, "{:?}\n{:?}", part, all);
    }

    #[test]
    fn chunks_cut_anywhere_are_the_same_body(
        body in mostly_chunked(),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        ends.push(body.len());
        ends.sort_unstable();
        prop_assert_eq!(decoded(&ends, &body), decoded(&[body.len()], &body));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..300)) {
        for outcome in [read_request(&bytes).text(), read_response(&bytes, Method::Get).text()] {
            prop_assert!(!outcome.is_empty());
        }
        let taken = decoded(&[bytes.len()], &bytes).map_or(0, |(_, _, len)| len);
        prop_assert!(taken <= bytes.len());
    }

    #[test]
    fn a_request_never_takes_more_than_its_bytes(bytes in mostly_request()) {
        if let Outcome::Whole { len, .. } = read_request(&bytes) {
            prop_assert!(len <= bytes.len());
            prop_assert_eq!(read_request(&bytes[..len]), read_request(&bytes));
        }
    }
}

type Decoded = (Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>, usize);

fn decoded(ends: &[usize], body: &[u8]) -> Result<Decoded, portunus_h1::H1Error> {
    let mut decoder = Chunked::new(&Limits::default());
    let (content, len) = decode_chunks(&mut decoder, ends, body)?;
    let trailers = decoder.trailers().iter();
    Ok((content, trailers.map(|field| (field.name.to_vec(), field.value.to_vec())).collect(), len))
}

fn whole<T: std::fmt::Debug>(outcome: Outcome<T>) -> (T, Vec<u8>) {
    match outcome {
        Outcome::Whole { message, again, .. } => (message, again),
        other => panic!("a whole message: {other:?}"),
    }
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!#$%&'*+.^`|~-]{1,12}".prop_map(|name| format!("X-{name}"))
}

fn field() -> impl Strategy<Value = String> {
    (token(), "[ \t]{0,2}", "([!-~]([ -~\t]{0,20}[!-~])?)?", "[ \t]{0,2}")
        .prop_map(|(name, before, value, after)| format!("{name}:{before}{value}{after}\r\n"))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"\r\n".to_vec()),
        vec(any::<u8>(), 0..40).prop_map(|content| {
            let head = format!("Content-Length: {}\r\n\r\n", content.len());
            [head.as_bytes(), &content].concat()
        }),
        chunked().prop_map(|body| [b"Transfer-Encoding: chunked\r\n\r\n", &body[..]].concat()),
    ]
}

fn chunked() -> impl Strategy<Value = Vec<u8>> {
    let chunk = (vec(any::<u8>(), 1..30), "0{0,3}", "(;[a-z=\"]{0,8})?");
    (vec(chunk, 0..5), vec(field(), 0..3)).prop_map(|(chunks, trailers)| {
        let mut body = Vec::new();
        for (content, zeros, extension) in chunks {
            body.extend(format!("{zeros}{:X}{extension}\r\n", content.len()).bytes());
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n");
        body.extend(trailers.concat().bytes());
        body.extend(b"\r\n");
        body
    })
}

pub(crate) fn request() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("HEAD"), Just("PURGE"), Just("PUT")];
    let start = prop_oneof![Just(""), Just("http://other.example"), Just("HTTPS://[::1]:8443")];
    let target = "/([a-z./~-]|%2[0-9e]){0,20}(\\?[a-z%=&?/.]{0,12})?";
    let host = prop_oneof![Just("shop.example"), Just("192.0.2.1:80"), Just("[2001:db8::1]")];
    (method, start, target, host, vec(field(), 0..8), body()).prop_map(
        |(method, start, target, host, fields, body)| {
            let line = format!("{method} {start}{target} HTTP/1.1\r\nHost: {host}\r\n");
            [line.as_bytes(), fields.concat().as_bytes(), &body].concat()
        },
    )
}

pub(crate) fn response() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![200u16..204, 205u16..304, 305u16..600];
    (status, "[A-Za-z ]{0,12}[A-Za-z]", vec(field(), 0..8), body()).prop_map(
        |(status, phrase, fields, body)| {
            let line = format!("HTTP/1.1 {status} {phrase}\r\n");
            [line.as_bytes(), fields.concat().as_bytes(), &body].concat()
        },
    )
}

pub(crate) fn mostly_request() -> impl Strategy<Value = Vec<u8>> {
    (request(), damage()).prop_map(|(bytes, damage)| damaged(bytes, &damage))
}

pub(crate) fn mostly_response() -> impl Strategy<Value = Vec<u8>> {
    (response(), damage()).prop_map(|(bytes, damage)| damaged(bytes, &damage))
}

fn mostly_chunked() -> impl Strategy<Value = Vec<u8>> {
    (chunked(), damage()).prop_map(|(bytes, damage)| damaged(bytes, &damage))
}

/// Up to two bytes that are replaced by ones that matter.
fn damage() -> impl Strategy<Value = Vec<(Index, u8)>> {
    let byte =
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b':'), Just(b'0'), any::<u8>()];
    vec((any::<Index>(), byte), 0..3)
}

fn damaged(mut bytes: Vec<u8>, damage: &[(Index, u8)]) -> Vec<u8> {
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    bytes
}
