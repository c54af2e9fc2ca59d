//! The handshake of WebSocket (RFC 6455 section 4), where only one side has one: HTTP/2 does without (RFC 8441).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portunus_http::{HeaderId, RequestHead, ResponseHead};

pub(crate) mod frames;

/// True for an upgrade to WebSocket.
pub(crate) fn is_websocket(protocol: &[u8]) -> bool {
    protocol.eq_ignore_ascii_case(b"websocket")
}

/// Adds the key that an endpoint of HTTP/1 wants, where the client sent none.
pub(crate) fn add_key(request: &mut RequestHead, random: [u64; 2]) {
    if request.headers.value(KEY).is_none() {
        let [first, second] = random.map(u64::to_ne_bytes);
        let key = STANDARD.encode([first, second].concat());
        request.headers.append(KEY, key.as_bytes());
    }
}

/// Adds the proof that a client of HTTP/1 wants, where the endpoint sent none.
pub(crate) fn add_accept(request: &RequestHead, answer: &mut ResponseHead) {
    if answer.headers.has(HeaderId::SecWebsocketAccept) {
        return;
    }
    if let Some(key) = request.headers.value(KEY) {
        answer.headers.append_id(HeaderId::SecWebsocketAccept, accept_of(key).as_bytes());
    }
}

fn accept_of(key: &[u8]) -> String {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(GUID);
    STANDARD.encode(digest.finish())
}

const KEY: &[u8] = b"sec-websocket-key";
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
