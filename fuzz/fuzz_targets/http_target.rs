//! Paths have one normal form without dot segments; authorities split into host and port and
//! nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_http::{
    normalize_path, percent_decode_into, query_pairs, split_host_port, valid_authority, valid_path,
};

fuzz_target!(|bytes: &[u8]| {
    normal_form(bytes);
    authority(bytes);
    let pairs: usize = query_pairs(bytes).map(|(name, value)| name.len() + value.len()).sum();
    assert!(pairs <= bytes.len());
    let mut decoded = Vec::new();
    percent_decode_into(bytes, &mut decoded);
    assert!(decoded.len() <= bytes.len());
});

/// Broken escapes are refused before a path is normalised.
fn normal_form(bytes: &[u8]) {
    let whole = |at| bytes.get(at + 1..at + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
    let escapes_whole = (0..bytes.len()).filter(|at| bytes[*at] == b'%').all(whole);
    if !bytes.starts_with(b"/") || !valid_path(bytes) || !escapes_whole {
        return;
    }
    let mut normal = Vec::new();
    if !normalize_path(bytes, &mut normal) {
        normal = bytes.to_vec();
    }
    assert!(normal.starts_with(b"/") && normal.len() <= bytes.len());
    assert!(normal.split(|b| *b == b'/').all(|segment| segment != b"." && segment != b".."));
    assert!(!normalize_path(&normal, &mut Vec::new()), "a normal path stays as it is");
}

fn authority(bytes: &[u8]) {
    let parts = split_host_port(bytes);
    if let Some(parts) = parts {
        assert!(bytes.starts_with(parts.host));
    }
    if valid_authority(bytes) {
        let host = parts.map_or(&b""[..], |parts| parts.host);
        assert!(
            !host.is_empty()
                && !bytes.iter().any(|b| matches!(b, b'@' | b'/' | b'?' | b'#' | b' '))
        );
    }
}
