//! Any bytes as a ClientHello: its start is the start of the same, and what is read of it is in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_preface::client_hello::{BYTES_MAX, Peek, peek};

fuzz_target!(|bytes: &[u8]| {
    let (mut joined, mut joined_part) = (Vec::new(), Vec::new());
    let whole = peek(bytes, &mut joined);
    let part = peek(&bytes[..bytes.len() / 2], &mut joined_part);
    assert!(part == Ok(Peek::Incomplete) || part == whole);
    if let Ok(Peek::Complete(hello)) = whole {
        let held: usize = hello.alpn.map(<[u8]>::len).sum();
        assert!(held + hello.server_name.map_or(0, str::len) < bytes.len().min(BYTES_MAX));
        assert!(hello.versions.count() > 0);
    }
});
