//! Heads, chunks and trailers as bytes. Never checks names and values: whoever sets a header does.

use portunus_http::{
    Framing, HeaderId, HeaderIds, HeaderList, Method, RequestHead, ResponseHead, TargetForm,
    Version,
};

/// Writes a request head to `out`, always as HTTP/1.1 and in origin form (authority form for
/// CONNECT).
///
/// `Content-Length` and `Transfer-Encoding` are written from `framing`; headers of the head that
/// would contradict it, and those that belong to the old connection (`Connection`, `Keep-Alive`,
/// `Proxy-Connection`, `Upgrade`), are left out. `Host` comes first, from the authority, when the
/// head has none. [`Framing::Close`] does not exist for requests and is written as chunked: a body
/// that is not in chunks is refused then, and never read as a second request.
pub fn encode_request(head: &RequestHead, framing: Framing, out: &mut Vec<u8>) {
    request_line_and_headers(head, framing, out);
    out.extend_from_slice(LINE_END);
}

/// As [`encode_request`], and asks for an upgrade to `protocol`.
pub fn encode_upgrade_request(
    head: &RequestHead,
    framing: Framing,
    protocol: &[u8],
    out: &mut Vec<u8>,
) {
    request_line_and_headers(head, framing, out);
    write_upgrade(protocol, out);
    out.extend_from_slice(LINE_END);
}

/// Writes the head of an answer to a client of that version to `out`; the status line always says
/// HTTP/1.1.
///
/// Headers about framing and connection are written anew, as in [`encode_request`]. With
/// [`Framing::None`] the `Content-Length` of the head stays, but not on 1xx and 204: it tells the
/// length that a GET would have had (HEAD, 304). An answer that merely has no content takes
/// `Framing::Length(0)`. To an HTTP/1.0 client [`Framing::Chunked`] is written as
/// [`Framing::Close`]; see [`crate::framing_for`]. A body that ends with the connection closes it
/// whatever `keep_alive` says. A 1xx has neither framing nor `Connection`.
pub fn encode_response(
    head: &ResponseHead,
    version: Version,
    framing: Framing,
    keep_alive: bool,
    out: &mut Vec<u8>,
) {
    status_line(head, out);
    write_headers(&head.headers, out);
    if head.status >= 200 {
        let framing = crate::framing_for(version, framing);
        write_response_framing(head, framing, out);
        write_connection(version, keep_alive && framing != Framing::Close, out);
    }
    out.extend_from_slice(LINE_END);
}

/// Writes the head of an answer that switches to `protocol`: no framing, `Connection: upgrade`.
pub fn encode_upgrade_response(head: &ResponseHead, protocol: &[u8], out: &mut Vec<u8>) {
    status_line(head, out);
    write_headers(&head.headers, out);
    write_upgrade(protocol, out);
    out.extend_from_slice(LINE_END);
}

/// Writes the line before a chunk of so many bytes. Zero would end the body: that is
/// [`LAST_CHUNK`].
pub fn encode_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - bytes.leading_zeros()).div_ceil(4).max(1);
    let nibbles = (0..digits).rev().map(|at| (bytes >> (at * 4)) as u8 & 0xf);
    out.extend(nibbles.map(|nibble| nibble + if nibble < 10 { b'0' } else { b'a' - 10 }));
    out.extend_from_slice(LINE_END);
}

/// Writes trailers and the empty line after them; they follow [`LAST_CHUNK`].
pub fn encode_trailers(trailers: &HeaderList, out: &mut Vec<u8>) {
    write_headers(trailers, out);
    out.extend_from_slice(LINE_END);
}

fn request_line_and_headers(head: &RequestHead, framing: Framing, out: &mut Vec<u8>) {
    out.extend_from_slice(head.method_text());
    out.extend_from_slice(b" ");
    write_target(head, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    if !head.headers.has(HeaderId::Host) {
        write_header(HeaderId::Host.name().as_bytes(), head.authority(), out);
    }
    write_headers(&head.headers, out);
    match framing {
        Framing::None if !may_need_length(head.method) => {}
        Framing::None => write_length(0, out),
        Framing::Length(bytes) => write_length(bytes, out),
        Framing::Chunked | Framing::Close => out.extend_from_slice(CHUNKED_HEADER),
    }
}

/// Methods whose missing body is said aloud (RFC 9110 section 8.6).
fn may_need_length(method: Method) -> bool {
    matches!(method, Method::Patch | Method::Post | Method::Put)
}

fn write_target(head: &RequestHead, out: &mut Vec<u8>) {
    if head.form == TargetForm::Authority {
        out.extend_from_slice(head.authority());
        return;
    }
    match head.path() {
        [] => out.extend_from_slice(b"/"),
        path => out.extend_from_slice(path),
    }
    if let Some(query) = head.query() {
        out.extend_from_slice(b"?");
        out.extend_from_slice(query);
    }
}

fn status_line(head: &ResponseHead, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    write_number(u64::from(head.status), out);
    out.extend_from_slice(b" ");
    out.extend_from_slice(head.reason());
    out.extend_from_slice(LINE_END);
}

fn write_response_framing(head: &ResponseHead, framing: Framing, out: &mut Vec<u8>) {
    match framing {
        _ if head.status == 204 => {}
        Framing::Length(bytes) => write_length(bytes, out),
        Framing::Chunked => out.extend_from_slice(CHUNKED_HEADER),
        Framing::Close => {}
        Framing::None => {
            let declared = head.headers.value_of(HeaderId::ContentLength);
            let name = HeaderId::ContentLength.name().as_bytes();
            declared.into_iter().for_each(|length| write_header(name, length, out));
        }
    }
}

fn write_connection(version: Version, keep_alive: bool, out: &mut Vec<u8>) {
    match (version, keep_alive) {
        (Version::H10, true) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (_, true) => {}
        (_, false) => out.extend_from_slice(b"Connection: close\r\n"),
    }
}

fn write_upgrade(protocol: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Connection: upgrade\r\n");
    write_header(HeaderId::Upgrade.name().as_bytes(), protocol, out);
}

fn write_headers(headers: &HeaderList, out: &mut Vec<u8>) {
    headers.write_lines(REWRITTEN, out);
}

fn write_header(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(LINE_END);
}

/// Headers that this module writes itself, or leaves out.
const REWRITTEN: HeaderIds = HeaderIds::of(&[
    HeaderId::Connection,
    HeaderId::ContentLength,
    HeaderId::KeepAlive,
    HeaderId::ProxyConnection,
    HeaderId::TransferEncoding,
    HeaderId::Upgrade,
]);

fn write_length(bytes: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    write_number(bytes, out);
    out.extend_from_slice(LINE_END);
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// What follows the bytes of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The chunk that ends a body; trailers or an empty line follow.
pub const LAST_CHUNK: &[u8] = b"0\r\n";

const LINE_END: &[u8] = b"\r\n";
const CHUNKED_HEADER: &[u8] = b"Transfer-Encoding: chunked\r\n";

#[cfg(test)]
mod tests;
