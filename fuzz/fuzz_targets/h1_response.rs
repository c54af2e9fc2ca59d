//! Any bytes as the head of an answer: as for requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_h1::{Limits, Parsed, parse_response, response_framing};
use portunus_http::{Method, ResponseHead};

fuzz_target!(|bytes: &[u8]| {
    let mut head = ResponseHead::default();
    let limits = Limits { line_bytes_max: 200, headers_max: 10, header_bytes_max: 1000 };
    let whole = parse_response(bytes, &limits, &mut head);
    if let Ok(Parsed::Complete(len)) = whole {
        assert!(len <= bytes.len() && (100..600).contains(&head.status));
        for method in [Method::Get, Method::Head, Method::Connect] {
            let _ = response_framing(&head, method);
        }
        assert_eq!(parse_response(&bytes[..len], &limits, &mut head), whole);
        assert_eq!(parse_response(&bytes[..len - 1], &limits, &mut head), Ok(Parsed::Incomplete));
    }
    let part = parse_response(&bytes[..bytes.len() / 2], &limits, &mut head);
    assert!(part == Ok(Parsed::Incomplete) || part == whole);
});
