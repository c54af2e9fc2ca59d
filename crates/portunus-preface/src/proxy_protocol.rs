//! The PROXY protocol, versions 1 and 2, after HAProxy's `proxy-protocol.txt`.
//!
//! Parses from a borrowed buffer without allocating, and encodes into a caller's buffer. Any bytes are
//! answered, never with a panic. What is ambiguous is refused: a header that two programs could read in two
//! ways is how an address is forged.

mod crc32c;
mod tlv;
mod v1;
mod v2;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use tlv::{Ssl, Tlv, Tlvs};
pub use v1::encode as encode_v1;
pub use v2::encode as encode_v2;

/// Reads one header from the start of `buf`.
///
/// # Errors
/// [`Refused`] when the bytes are no valid header, as soon as no later byte can make them one. The
/// connection is to be closed: nothing that follows can be trusted.
pub fn parse(buf: &[u8], limits: Limits) -> Result<Parse<'_>, Refused> {
    match buf.first() {
        None => Ok(Parse::Incomplete),
        Some(b'P') => v1::parse(buf),
        Some(b'\r') => v2::parse(buf, limits),
        Some(_) => Err(Refused::Signature),
    }
}

/// Writes one header. Version 1 has no room for `tlvs`.
///
/// # Errors
/// As [`encode_v2`]; `out` is then as it was.
pub fn encode(
    version: Version,
    addresses: &Addresses<'_>,
    tlvs: &[Tlv<'_>],
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    match version {
        Version::V1 => {
            encode_v1(addresses, out);
            Ok(())
        }
        Version::V2 => encode_v2(addresses, tlvs, out),
    }
}

/// What [`parse`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parse<'a> {
    /// A whole header.
    Complete(Parsed<'a>),
    /// The start of a header; more bytes decide.
    Incomplete,
}

/// A whole header and its length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parsed<'a> {
    /// The header.
    pub header: ProxyHeader<'a>,
    /// Bytes of the buffer that the header takes; never more than were given.
    pub len: usize,
}

/// Bounds of what is accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of a whole version 2 header with its TLVs. Version 1 has its own bound of 107 bytes.
    pub bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 4096 }
    }
}

/// One PROXY header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProxyHeader<'a> {
    /// Which form it came in.
    pub version: Version,
    /// The connection that it speaks of.
    pub addresses: Addresses<'a>,
    /// Version 2's extra values; empty in version 1 and where the addresses are [`Addresses::Own`].
    pub tlvs: Tlvs<'a>,
}

impl<'a> ProxyHeader<'a> {
    /// The host name that the client asked for (in TLS: its SNI).
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        self.tlvs.clone().find_map(|tlv| match tlv {
            Tlv::Authority(name) => Some(name),
            _ => None,
        })
    }

    /// The sender's id of the connection, at most 128 bytes.
    #[must_use]
    pub fn unique_id(&self) -> Option<&'a [u8]> {
        self.tlvs.clone().find_map(|tlv| match tlv {
            Tlv::UniqueId(id) => Some(id),
            _ => None,
        })
    }

    /// What the sender says of the client's TLS.
    #[must_use]
    pub fn ssl(&self) -> Option<Ssl<'a>> {
        self.tlvs.clone().find_map(|tlv| match tlv {
            Tlv::Ssl(ssl) => Some(ssl),
            _ => None,
        })
    }
}

/// The version of a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// The text form.
    V1,
    /// The binary form.
    V2,
}

/// The two ends of the connection that a header speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Addresses<'a> {
    /// The real connection's own addresses hold: `LOCAL` (health checks of the sender), `UNKNOWN`, `UNSPEC`.
    Own,
    /// An IPv4 or IPv6 connection. IPv4-mapped IPv6 addresses are given as IPv4, so that no address list
    /// is bypassed by the other spelling.
    Inet {
        /// Stream or datagram.
        transport: Transport,
        /// The client.
        source: SocketAddr,
        /// What the client connected to.
        destination: SocketAddr,
    },
    /// A Unix socket. An abstract name starts with NUL; an empty name means unnamed.
    Unix {
        /// Stream or datagram.
        transport: Transport,
        /// The client's path.
        source: &'a [u8],
        /// The path that the client connected to.
        destination: &'a [u8],
    },
}

impl Addresses<'_> {
    /// The ends of a TCP connection; IPv4-mapped addresses become IPv4.
    #[must_use]
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        let (source, destination) = (canonical(source), canonical(destination));
        Addresses::Inet { transport: Transport::Stream, source, destination }
    }
}

/// The kind of transport that was proxied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP, or a Unix stream.
    Stream,
    /// UDP, or Unix datagrams.
    Datagram,
}

/// Why bytes are no PROXY header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// They start with neither version's signature.
    Signature,
    /// Version 1: no CRLF in the first 107 bytes.
    LineTooLong,
    /// Version 1: CR without LF, LF without CR, or a byte that the line may not hold.
    LineForm,
    /// Version 1: a protocol other than TCP4, TCP6, UNKNOWN.
    Protocol,
    /// Version 1: an address that is not in the form of its family.
    Address,
    /// Version 1: a port that is no decimal from 0 to 65535 without leading zeros.
    Port,
    /// Version 1: a field too few or too many.
    FieldCount,
    /// Version 2: another version than 2.
    Version,
    /// Version 2: a command other than LOCAL and PROXY.
    Command,
    /// Version 2: an address family or a transport that does not exist.
    Family,
    /// Version 2: longer than [`Limits::bytes_max`].
    TooLong,
    /// Version 2: too short for its addresses.
    TooShort,
    /// Version 2: a TLV that is cut, repeated, or not of its type's form.
    Tlv,
    /// Version 2: the CRC32C does not match.
    Checksum,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "no PROXY protocol signature",
            Self::LineTooLong => "no end of line in the first 107 bytes",
            Self::LineForm => "the line is not ended by CRLF, or holds a byte that it may not hold",
            Self::Protocol => "the protocol is not TCP4, TCP6 or UNKNOWN",
            Self::Address => "an address is not in the form of its family",
            Self::Port => "a port is not a decimal from 0 to 65535",
            Self::FieldCount => "a field is missing, or there is one too many",
            Self::Version => "the version is not 2",
            Self::Command => "the command is neither LOCAL nor PROXY",
            Self::Family => "the address family or the transport does not exist",
            Self::TooLong => "the header is longer than the limit",
            Self::TooShort => "the header is too short for its addresses",
            Self::Tlv => "a TLV is cut, repeated or malformed",
            Self::Checksum => "the CRC32C does not match",
        })
    }
}

impl std::error::Error for Refused {}

/// An IPv4-mapped IPv6 address as the IPv4 address that it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Both addresses in one family: IPv4 where both are, IPv6 (mapped where needed) otherwise.
fn same_family(source: IpAddr, destination: IpAddr) -> (IpAddr, IpAddr) {
    let mapped = |ip| match ip {
        IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
        v6 @ IpAddr::V6(_) => v6,
    };
    if source.is_ipv4() == destination.is_ipv4() {
        (source, destination)
    } else {
        (mapped(source), mapped(destination))
    }
}

#[cfg(test)]
mod tests;
