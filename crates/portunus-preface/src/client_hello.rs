//! What a TLS client says first, read without ending TLS: the name that it asks for, and what it speaks.
//!
//! After RFC 8446 section 4.1.2 and RFC 5246 section 7.4.1.2. Reads in place, keeps nothing, and answers any bytes
//! without a panic. What two programs could read in two ways is refused: whoever ends TLS must see the same name
//! as we do.

mod fields;

use std::fmt;
use std::net::IpAddr;

use fields::Fields;

/// Reads the ClientHello at the start of `buf`. One that stands in several records is put together in `joined`.
///
/// # Errors
/// [`Refused`] when the bytes are none, as soon as no later byte can make them one.
pub fn peek<'a>(buf: &'a [u8], joined: &'a mut Vec<u8>) -> Result<Peek<'a>, Refused> {
    let looked_at = buf.get(..BYTES_MAX).unwrap_or(buf);
    match message(looked_at, joined)? {
        Some(message) => ClientHello::read(message).map(Peek::Complete),
        None if looked_at.len() == BYTES_MAX => Err(Refused::TooLong),
        None => Ok(Peek::Incomplete),
    }
}

/// What [`peek`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Peek<'a> {
    /// The whole ClientHello.
    Complete(ClientHello<'a>),
    /// The start of one; more bytes decide, at most [`BYTES_MAX`].
    Incomplete,
}

/// What a TLS client says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientHello<'a> {
    /// The host name that the client asks for (RFC 6066 section 3), as it wrote it. None without one, and for an
    /// address, which is no name.
    pub server_name: Option<&'a str>,
    /// The protocols that the client offers within TLS, best first (RFC 7301).
    pub alpn: Alpn<'a>,
    /// The versions of TLS that the client offers, best first, among them values that mean nothing (RFC 8701).
    pub versions: Versions<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the message: all of it, and nothing after it.
    fn read(message: &'a [u8]) -> Result<Self, Refused> {
        let mut fields = Fields::new(message);
        let version = fields.array::<2>().filter(|[major, _]| *major == 3);
        let version = version.ok_or(Refused::Malformed)?;
        let mut hello = Self {
            server_name: None,
            alpn: Alpn(Fields::default()),
            versions: Versions(std::slice::from_ref(version)),
        };
        let extensions = skip_to_extensions(&mut fields).ok_or(Refused::Malformed)?;
        hello.read_extensions(Fields::new(extensions))?;
        Ok(hello)
    }

    fn read_extensions(&mut self, mut extensions: Fields<'a>) -> Result<(), Refused> {
        let (mut name, mut alpn, mut versions) = (None, None, None);
        while !extensions.is_empty() {
            let kind = extensions.u16().ok_or(Refused::Malformed)?;
            let value = extensions.list_u16().ok_or(Refused::Malformed)?;
            let known = match kind {
                SERVER_NAME => &mut name,
                ALPN => &mut alpn,
                SUPPORTED_VERSIONS => &mut versions,
                _ => continue,
            };
            if known.replace(value).is_some() {
                return Err(Refused::Repeated);
            }
        }
        self.server_name = name.map(server_name).transpose()?.flatten();
        self.alpn = alpn.map(Alpn::read).transpose()?.unwrap_or_default();
        if let Some(versions) = versions {
            self.versions = Versions::read(versions)?;
        }
        Ok(())
    }
}

/// The names of protocols, best first. Never empty names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Alpn<'a>(Fields<'a>);

impl<'a> Alpn<'a> {
    fn read(value: &'a [u8]) -> Result<Self, Refused> {
        let mut fields = Fields::new(value);
        let list = fields.list_u16().filter(|list| fields.is_empty() && !list.is_empty());
        let list = Fields::new(list.ok_or(Refused::Malformed)?);
        let mut rest = list.clone();
        while !rest.is_empty() {
            let name = rest.list_u8().filter(|name| !name.is_empty());
            name.ok_or(Refused::Malformed)?;
        }
        Ok(Self(list))
    }
}

impl<'a> Iterator for Alpn<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.list_u8()
    }
}

/// Versions of TLS as two bytes on the wire, best first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Versions<'a>(&'a [[u8; 2]]);

impl<'a> Versions<'a> {
    fn read(value: &'a [u8]) -> Result<Self, Refused> {
        let mut fields = Fields::new(value);
        let list = fields.list_u8().filter(|_| fields.is_empty()).ok_or(Refused::Malformed)?;
        match list.as_chunks() {
            ([], _) => Err(Refused::Malformed),
            (versions, []) => Ok(Self(versions)),
            _ => Err(Refused::Malformed),
        }
    }
}

impl Iterator for Versions<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let (version, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*version))
    }
}

/// Why bytes are no ClientHello.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// A record that is none of a TLS handshake, or has a length that none may have.
    Record,
    /// A handshake that begins with another message.
    Message,
    /// Longer than [`BYTES_MAX`].
    TooLong,
    /// A field that is cut, empty where it may not be, or does not end where it must.
    Malformed,
    /// An extension that stands there twice.
    Repeated,
    /// A server name that is no host name.
    ServerName,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "no record of a TLS handshake",
            Self::Message => "the handshake does not begin with a ClientHello",
            Self::TooLong => "the ClientHello is longer than 16 KiB",
            Self::Malformed => "a field of the ClientHello is malformed",
            Self::Repeated => "an extension of the ClientHello is repeated",
            Self::ServerName => "the server name is no host name",
        })
    }
}

impl std::error::Error for Refused {}

/// The handshake message out of its records; None while it is not all there.
fn message<'a>(buf: &'a [u8], joined: &'a mut Vec<u8>) -> Result<Option<&'a [u8]>, Refused> {
    let (first, rest) = record(buf)?;
    let len = message_len(first)?;
    if let Some(whole) = len.and_then(|len| first.get(MESSAGE_HEADER..MESSAGE_HEADER + len)) {
        return Ok(Some(whole));
    }
    joined.clear();
    joined.extend_from_slice(first);
    let mut rest = rest;
    while !rest.is_empty() {
        let (fragment, after) = record(rest)?;
        joined.extend_from_slice(fragment);
        // A message that is whole ends the search: what follows is not ours to judge.
        let len = message_len(joined)?;
        if len.is_some_and(|len| joined.len() >= MESSAGE_HEADER + len) {
            break;
        }
        rest = after;
    }
    let len = message_len(joined)?;
    Ok(len.and_then(|len| joined.get(MESSAGE_HEADER..MESSAGE_HEADER + len)))
}

/// The fragment of the first record, as far as it is there, and what follows the record.
fn record(buf: &[u8]) -> Result<(&[u8], &[u8]), Refused> {
    let is_handshake = match buf {
        [] => true,
        [kind] => *kind == HANDSHAKE,
        [kind, major, ..] => (*kind, *major) == (HANDSHAKE, 3),
    };
    if !is_handshake {
        return Err(Refused::Record);
    }
    let Some((&[_, _, _, high, low], rest)) = buf.split_first_chunk() else {
        return Ok((&[], &[]));
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !(1..=FRAGMENT_MAX).contains(&len) {
        return Err(Refused::Record);
    }
    Ok(rest.split_at_checked(len).unwrap_or((rest, &[])))
}

/// The length that the message says it has; None while that is not there.
fn message_len(bytes: &[u8]) -> Result<Option<usize>, Refused> {
    if bytes.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err(Refused::Message);
    }
    let Some(&[_, high, middle, low]) = bytes.first_chunk() else { return Ok(None) };
    let len = u32::from_be_bytes([0, high, middle, low]) as usize;
    if len + MESSAGE_HEADER + RECORD_HEADER > BYTES_MAX {
        return Err(Refused::TooLong);
    }
    Ok(Some(len))
}

/// Past all that comes before the extensions, which are the last field. TLS 1.2 may have none.
fn skip_to_extensions<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let _random = fields.array::<32>()?;
    let _session = fields.list_u8().filter(|id| id.len() <= 32)?;
    let _ciphers = fields.list_u16().filter(|all| !all.is_empty() && all.len() % 2 == 0)?;
    let _compressions = fields.list_u8().filter(|all| !all.is_empty())?;
    if fields.is_empty() {
        return Some(&[]);
    }
    fields.list_u16().filter(|_| fields.is_empty())
}

/// Reads the list of names, which holds one host name. Other kinds of names were never defined.
fn server_name(value: &[u8]) -> Result<Option<&str>, Refused> {
    let mut fields = Fields::new(value);
    let list = fields.list_u16().filter(|_| fields.is_empty()).ok_or(Refused::Malformed)?;
    let mut list = Fields::new(list);
    let kind = list.array::<1>().ok_or(Refused::Malformed)?;
    let name = list.list_u16().filter(|_| list.is_empty()).ok_or(Refused::Malformed)?;
    let name = str::from_utf8(name).map_err(|_| Refused::ServerName)?;
    match kind {
        [HOST_NAME] if name.parse::<IpAddr>().is_ok() => Ok(None),
        [HOST_NAME] if is_host_name(name) => Ok(Some(name)),
        _ => Err(Refused::ServerName),
    }
}

/// Letters, digits, hyphens and underscores between single dots, without one at the end (RFC 6066 section 3).
fn is_host_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fits);
    name.len() <= 253 && name.split('.').all(is_label)
}

/// The most bytes of a connection that [`peek`] looks at.
pub const BYTES_MAX: usize = 16 * 1024;

/// The type of a handshake record.
const HANDSHAKE: u8 = 22;
/// The type of the message.
const CLIENT_HELLO: u8 = 1;
/// Bytes of a record before its fragment: type, version, length.
const RECORD_HEADER: usize = 5;
/// Bytes of a message before its body: type, length.
const MESSAGE_HEADER: usize = 4;
/// The longest fragment of a record (RFC 8446 section 5.1).
const FRAGMENT_MAX: usize = 1 << 14;
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
/// The one kind of server name.
const HOST_NAME: u8 = 0;

#[cfg(test)]
mod tests;
