//! Sans-IO HTTP/1 codec: parsing, encoding, body framing, strictness and limits.
//!
//! Bytes in, heads out, and back (RFC 9112). No sockets, no clock, no allocation with a recycled
//! head. The codec never guesses: what two parsers could read in two ways is refused with a
//! [`H1Error`], because request smuggling lives in the difference. A head that was accepted is
//! written again from its parts, so that the next hop sees one spelling only.

mod chunked;
mod encode;
mod error;
mod fields;
mod first_line;
mod framing;
mod limits;
mod name;
mod request;
mod response;
mod target;

pub use chunked::{ChunkEvent, Chunked};
pub use encode::{
    CHUNK_END, LAST_CHUNK, encode_chunk_size, encode_request, encode_response, encode_trailers,
    encode_upgrade_request, encode_upgrade_response,
};
pub use error::H1Error;
pub use framing::{
    expects_continue, framing_for, request_framing, response_framing, upgrade_of, wants_keep_alive,
};
pub use limits::Limits;
pub use request::parse_request;
pub use response::parse_response;

/// What a parser made of the bytes that there are so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parsed {
    /// The head goes on: read more and parse again from its start.
    Incomplete,
    /// The head is whole and took this many bytes, with the empty line at its end.
    Complete(usize),
}
