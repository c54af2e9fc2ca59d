//! Whatever is accepted and written again means the same, and is written the same once more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_fuzz::{fields, read_body, write_body};
use portunus_h1::{
    Limits, Parsed, encode_request, encode_response, parse_request, parse_response,
    request_framing, response_framing,
};
use portunus_http::{Framing, Method, RequestHead, ResponseHead, Version};

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// First line, headers, payload and trailers.
type Meaning = (Vec<u8>, Fields, Vec<u8>, Fields);

fn request_again(bytes: &[u8]) -> Option<(Meaning, Vec<u8>)> {
    let mut head = RequestHead::default();
    let Ok(Parsed::Complete(len)) = parse_request(bytes, &Limits::default(), &mut head) else {
        return None;
    };
    let framing = request_framing(&head).ok()?;
    let body = read_body(&bytes[len..], framing, &[]).ok()??;
    let query = head.query().unwrap_or(b"-");
    let line = [head.method_text(), head.path(), query, head.authority()].join(&b' ');
    let meaning = (line, fields(&head.headers), body.content.clone(), fields(&body.trailers));
    let mut out = Vec::new();
    encode_request(&head, framing, &mut out);
    write_body(&body, framing, &mut out);
    Some((meaning, out))
}

fn response_again(bytes: &[u8]) -> Option<(Meaning, Vec<u8>)> {
    let mut head = ResponseHead::default();
    let Ok(Parsed::Complete(len)) = parse_response(bytes, &Limits::default(), &mut head) else {
        return None;
    };
    let framing = response_framing(&head, Method::Get).ok()?;
    let body = read_body(&bytes[len..], framing, &[]).ok()??;
    let line = format!("{} {}", head.status, String::from_utf8_lossy(head.reason()));
    let headers = fields(&head.headers);
    let meaning = (line.into_bytes(), headers, body.content.clone(), fields(&body.trailers));
    let mut out = Vec::new();
    encode_response(&head, Version::H11, framing, framing != Framing::Close, &mut out);
    write_body(&body, framing, &mut out);
    Some((meaning, out))
}

fn check(bytes: &[u8], again: fn(&[u8]) -> Option<(Meaning, Vec<u8>)>) {
    let Some((meaning, written)) = again(bytes) else { return };
    // HTTP/1.0 without a host is written with an empty one, which nobody may send.
    if meaning.0.ends_with(b" ") || written.len() > 60_000 {
        return;
    }
    assert_eq!(again(&written), Some((meaning, written)));
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes, request_again);
    check(bytes, response_again);
});
