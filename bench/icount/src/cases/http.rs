//! From the name of a header to its id.

use std::hint::black_box;

use anyhow::{Result, ensure};
use portunus_http::HeaderId;

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("http/header-id-usual-case", || header_id("User-Agent", HeaderId::UserAgent)),
        Case::new("http/header-id-lower-case", || header_id("user-agent", HeaderId::UserAgent)),
        Case::new("http/header-id-unknown", || header_id("X-Tenant-Id", HeaderId::Other)),
    ]
}

fn header_id(name: &'static str, id: HeaderId) -> Result<impl FnMut()> {
    ensure!(HeaderId::of(name.as_bytes()) == id, "{name} has another id");
    Ok(move || {
        black_box(HeaderId::of(black_box(name.as_bytes())));
    })
}
