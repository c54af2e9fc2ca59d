//! A chunked body cut anywhere is the same body, with the same trailers, or the same fault.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_fuzz::{fields, read_body};
use portunus_http::Framing;

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (cuts, bytes) = input;
    let [whole, cut] = [&[][..], &cuts].map(|cuts| {
        let body = read_body(bytes, Framing::Chunked, cuts)?;
        Ok::<_, portunus_h1::H1Error>(body.map(|body| (body.content, fields(&body.trailers))))
    });
    assert_eq!(whole, cut);
});
