//! Any bytes before a protocol: PROXY headers and the sniffing of protocols.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_preface::{
    proxy_protocol::{Limits, Parse, parse},
    sniff,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = sniff::protocol(bytes);
    let whole = parse(bytes, Limits::default());
    if let Ok(Parse::Complete(found)) = &whole {
        assert!(found.len <= bytes.len());
        let _ = (found.header.authority(), found.header.unique_id(), found.header.ssl());
        assert_eq!(parse(&bytes[..found.len], Limits::default()), whole);
    }
    let part = parse(&bytes[..bytes.len() / 2], Limits::default());
    // The start of a wrong header may be wrong for another reason than the whole.
    assert!(part == Ok(Parse::Incomplete) || part == whole || (part.is_err() && whole.is_err()));
});
