//! Header fields: from `http`'s map into our list, checked, and back, without an allocation for each.

use std::cell::RefCell;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use portunus_http::{
    HeaderId, HeaderIds, HeaderList, is_field_value, is_lookalike, is_protected, is_token_byte,
};

use crate::H2Fault;

/// Adds the fields of a head to `list`, at most `fields_max` of them. Several `cookie` fields become one
/// (RFC 9113 section 8.2.3). `host` is left to the caller.
pub(crate) fn fields_into(
    fields: &HeaderMap,
    fields_max: usize,
    list: &mut HeaderList,
) -> Result<(), H2Fault> {
    let mut cookies = false;
    for (name, value) in fields {
        let bytes = name.as_str().as_bytes();
        let id = HeaderId::of(bytes);
        if id == HeaderId::Host {
            continue;
        }
        check_field(id, bytes, value.as_bytes())?;
        if id == HeaderId::Cookie {
            if !std::mem::replace(&mut cookies, true) {
                append_cookies(fields, list);
            }
            continue;
        }
        list.append(bytes, value.as_bytes());
        if list.len() > fields_max {
            return Err(H2Fault::TooManyHeaders);
        }
    }
    Ok(())
}

fn append_cookies(fields: &HeaderMap, list: &mut HeaderList) {
    let mut crumbs = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let first = crumbs.next().unwrap_or(&[]);
    let Some(second) = crumbs.next() else {
        return list.append(b"cookie", first);
    };
    let mut whole = first.to_vec();
    for crumb in std::iter::once(second).chain(crumbs) {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(crumb);
    }
    list.append(b"cookie", &whole);
}

/// Adds trailers to `list`.
pub(crate) fn trailers_into(fields: &HeaderMap, list: &mut HeaderList) -> Result<(), H2Fault> {
    for (name, value) in fields {
        let bytes = name.as_str().as_bytes();
        let id = HeaderId::of(bytes);
        check_field(id, bytes, value.as_bytes())?;
        if is_protected(id) {
            return Err(H2Fault::ForbiddenTrailer);
        }
        list.append(bytes, value.as_bytes());
    }
    Ok(())
}

/// What `h2` lets pass: the double quote in names, white space around values (RFC 9113 section 8.2.1), and names that
/// origins may take for others.
fn check_field(id: HeaderId, name: &[u8], value: &[u8]) -> Result<(), H2Fault> {
    if id == HeaderId::Other {
        if !name.iter().all(|byte| is_token_byte(*byte)) {
            return Err(H2Fault::BadFieldName);
        }
        if is_lookalike(name) {
            return Err(H2Fault::LookalikeHeader);
        }
    }
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if is_blank(value.first()) || is_blank(value.last()) || !is_field_value(value) {
        return Err(H2Fault::BadFieldValue);
    }
    Ok(())
}

/// The fields of `list` without those of `skip`. What cannot be sent is left out: whoever sets a header checks it.
pub(crate) fn map_of(list: &HeaderList, skip: HeaderIds) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(list.len());
    for header in list.iter().filter(|header| !skip.has(header.id)) {
        let name = name_of(header.id, header.name);
        let value = HeaderValue::from_maybe_shared(text(header.value));
        if let (Some(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    map
}

fn name_of(id: HeaderId, name: &[u8]) -> Option<HeaderName> {
    match id {
        HeaderId::Other => HeaderName::from_bytes(name).ok(),
        known => NAMES.get(known as usize).cloned(),
    }
}

/// The value of `Content-Length`.
pub(crate) fn length_value(bytes: u64) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(text(itoa::Buffer::new().format(bytes).as_bytes())).ok()
}

/// A copy of `bytes` in a shared chunk, so that most texts of a head cost no allocation. A peer's table of headers may
/// keep a chunk alive: long texts, of which there may be many, have memory of their own.
pub(crate) fn text(bytes: &[u8]) -> Bytes {
    if bytes.len() > SHARED_TEXT_MAX {
        return Bytes::copy_from_slice(bytes);
    }
    CHUNK.with_borrow_mut(|chunk| {
        if chunk.capacity() < bytes.len() {
            *chunk = BytesMut::with_capacity(CHUNK_BYTES);
        }
        chunk.extend_from_slice(bytes);
        chunk.split().freeze()
    })
}

thread_local! {
    static CHUNK: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// The names that we know, by id.
static NAMES: LazyLock<Vec<HeaderName>> = LazyLock::new(|| {
    let placeholder = HeaderName::from_static("x-unknown");
    let ids = HeaderId::all().map(|id| HeaderName::from_static(id.lower_name()));
    std::iter::once(placeholder).chain(ids).collect()
});

/// Fields that belong to a connection of HTTP/1 (RFC 9113 section 8.2.2), or that this crate writes itself.
pub(crate) const REWRITTEN: HeaderIds = HeaderIds::of(&[
    HeaderId::Connection,
    HeaderId::ContentLength,
    HeaderId::Host,
    HeaderId::Http2Settings,
    HeaderId::KeepAlive,
    HeaderId::ProxyConnection,
    HeaderId::Te,
    HeaderId::TransferEncoding,
    HeaderId::Upgrade,
]);

/// Longer texts have memory of their own.
const SHARED_TEXT_MAX: usize = 512;
const CHUNK_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
