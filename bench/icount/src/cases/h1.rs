//! Heads and chunked bodies, as bytes and back.

use std::hint::black_box;

use anyhow::{Result, ensure};
use portunus_h1::{
    Chunked, Limits, Parsed, encode_request, encode_response, parse_request, parse_response,
};
use portunus_http::{Framing, RequestHead, ResponseHead, Version};

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("h1/parse-get-2-headers", || parse_get(SHORT_GET, 2)),
        Case::new("h1/parse-get-10-headers", || parse_get(GET, 10)),
        Case::new("h1/parse-answer-8-headers", parse_answer),
        Case::new("h1/encode-get-10-headers", encode_get),
        Case::new("h1/encode-answer-8-headers", encode_answer),
        Case::new("h1/decode-1-kb-in-4-chunks", decode_chunks),
    ]
}

fn parse_get(text: &'static str, headers: usize) -> Result<impl FnMut()> {
    let mut head = request(text)?;
    ensure!(head.headers.len() == headers, "the request has other headers");
    let limits = Limits::default();
    Ok(move || {
        let parsed = parse_request(black_box(text.as_bytes()), &limits, black_box(&mut head));
        let _ = black_box(parsed);
    })
}

fn parse_answer() -> Result<impl FnMut()> {
    let mut head = response()?;
    ensure!(head.headers.len() == 8, "the answer has other headers");
    let limits = Limits::default();
    Ok(move || {
        let parsed = parse_response(black_box(ANSWER.as_bytes()), &limits, black_box(&mut head));
        let _ = black_box(parsed);
    })
}

fn encode_get() -> Result<impl FnMut()> {
    let (head, mut out) = (request(GET)?, Vec::new());
    Ok(move || {
        out.clear();
        encode_request(black_box(&head), black_box(Framing::None), &mut out);
        black_box(&mut out);
    })
}

fn encode_answer() -> Result<impl FnMut()> {
    let (head, mut out) = (response()?, Vec::new());
    Ok(move || {
        out.clear();
        let (version, framing) = black_box((Version::H11, Framing::Length(1024)));
        encode_response(black_box(&head), version, framing, true, &mut out);
        black_box(&mut out);
    })
}

fn decode_chunks() -> Result<impl FnMut()> {
    let body = format!("100\r\n{}\r\n", "x".repeat(256)).repeat(4) + "0\r\n\r\n";
    let limits = Limits::default();
    ensure!(payload_bytes(body.as_bytes(), &limits) == 1024, "the body has another length");
    Ok(move || {
        black_box(payload_bytes(black_box(body.as_bytes()), &limits));
    })
}

/// How much payload a whole body in chunks has.
fn payload_bytes(body: &[u8], limits: &Limits) -> usize {
    let mut decoder = Chunked::new(limits);
    let (mut rest, mut payload) = (body, 0);
    while let Ok(event) = decoder.decode(rest) {
        payload += event.data.len();
        rest = rest.get(event.consumed..).unwrap_or(&[]);
        if event.end || event.consumed == 0 {
            break;
        }
    }
    payload
}

fn request(text: &str) -> Result<RequestHead> {
    let mut head = RequestHead::default();
    let parsed = parse_request(text.as_bytes(), &Limits::default(), &mut head);
    ensure!(parsed == Ok(Parsed::Complete(text.len())), "the request is not parsed: {parsed:?}");
    Ok(head)
}

fn response() -> Result<ResponseHead> {
    let mut head = ResponseHead::default();
    let parsed = parse_response(ANSWER.as_bytes(), &Limits::default(), &mut head);
    ensure!(parsed == Ok(Parsed::Complete(ANSWER.len())), "the answer is not parsed: {parsed:?}");
    Ok(head)
}

/// What load generators send.
const SHORT_GET: &str = "\
GET /api/products HTTP/1.1\r\n\
Host: shop.example.com\r\n\
Accept: */*\r\n\
\r\n";

/// What a browser sends.
const GET: &str = "\
GET /api/products?category=books&page=2 HTTP/1.1\r\n\
Host: shop.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Connection: keep-alive\r\n\
Referer: https://shop.example.com/\r\n\
Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\
If-None-Match: \"5f3e-61a2b3c4d5e6f\"\r\n\
Cache-Control: max-age=0\r\n\
\r\n";

const ANSWER: &str = "\
HTTP/1.1 200 OK\r\n\
Server: nginx\r\n\
Date: Tue, 24 Nov 2026 08:00:00 GMT\r\n\
Content-Type: application/json; charset=utf-8\r\n\
Content-Length: 1024\r\n\
Connection: keep-alive\r\n\
Last-Modified: Mon, 23 Nov 2026 16:30:00 GMT\r\n\
ETag: \"5f3e-61a2b3c4d5e6f\"\r\n\
Cache-Control: public, max-age=60\r\n\
\r\n";
