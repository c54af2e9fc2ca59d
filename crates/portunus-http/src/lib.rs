//! The neutral HTTP vocabulary: heads, header lists, methods, targets, body framing.
//!
//! Every protocol turns its bytes into these types and back; no other crate's HTTP types are seen inside
//! the proxy. Pure: no tokio, no sockets, no clock. A head and its headers live in one arena that is
//! recycled from exchange to exchange, so that a request in steady state allocates nothing.

mod fault;
mod form;
mod framing;
mod header_id;
mod header_ids;
mod header_list;
mod hop;
mod list;
mod method;
mod protected;
mod request;
mod response;
mod target;

pub use form::{
    form_decoded, form_encode_into, form_encode_pairs, is_form_plain, percent_encode_into,
};
pub use framing::{Framing, Version};
pub use header_id::HeaderId;
pub use header_ids::HeaderIds;
pub use header_list::{Header, HeaderList, Text};
pub use hop::{HOP_BY_HOP, connection_names, strip_hop_by_hop};
pub use list::{list_has, list_items};
pub use method::Method;
pub use protected::{is_lookalike, is_protected, names_are_alike};
pub use request::{RequestHead, TargetForm};
pub use response::{ResponseHead, reason_phrase};
pub use target::{
    HostPort, has_whole_escapes, is_unreserved, normalize_path, percent_decode_into, query_pairs,
    split_host_port, valid_authority, valid_path,
};

/// True for the bytes of a token (RFC 9110 section 5.6.2): header names, methods.
#[must_use]
pub const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// True for a value that may stand in a header: no control characters but tab (RFC 9110 section 5.5).
#[must_use]
pub fn is_field_value(value: &[u8]) -> bool {
    value.iter().fold(true, |fine, b| fine & ((*b >= 0x20 || *b == b'\t') & (*b != 0x7f)))
}
