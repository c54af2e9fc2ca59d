//! What comes before a protocol: PROXY protocol v1 and v2, and telling protocols apart by their first bytes.
//!
//! Pure: bytes in, values out. Knows no sockets, no clock, and never decides whom to trust: whether a peer
//! may send a PROXY header at all is for the caller, before it calls.

pub mod client_hello;
pub mod proxy_protocol;
pub mod sniff;
