//! Any bytes as a request head: no panic, no more taken than there is, and the end of the head is
//! its end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_h1::{
    Limits, Parsed, expects_continue, parse_request, request_framing, upgrade_of, wants_keep_alive,
};
use portunus_http::RequestHead;

fuzz_target!(|bytes: &[u8]| {
    let mut head = RequestHead::default();
    let limits = Limits { line_bytes_max: 200, headers_max: 10, header_bytes_max: 1000 };
    let whole = parse_request(bytes, &limits, &mut head);
    if let Ok(Parsed::Complete(len)) = whole {
        assert!(len <= bytes.len());
        let _ = (request_framing(&head), expects_continue(&head), upgrade_of(&head.headers));
        let _ = wants_keep_alive(head.version, &head.headers);
        assert_eq!(parse_request(&bytes[..len], &limits, &mut head), whole);
        assert_eq!(parse_request(&bytes[..len - 1], &limits, &mut head), Ok(Parsed::Incomplete));
    }
    let part = parse_request(&bytes[..bytes.len() / 2], &limits, &mut head);
    assert!(part == Ok(Parsed::Incomplete) || part == whole);
});
