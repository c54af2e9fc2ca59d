//! Version 1: one line of text, at most 107 bytes with its CRLF.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{
    Addresses, Parse, Parsed, ProxyHeader, Refused, Tlvs, Transport, Version, canonical,
    same_family,
};

/// Reads one line. The fields are checked as they arrive, so a wrong line is refused early.
pub(super) fn parse(buf: &[u8]) -> Result<Parse<'_>, Refused> {
    let seen = SIGNATURE.len().min(buf.len());
    if buf.get(..seen) != SIGNATURE.get(..seen) {
        return Err(Refused::Signature);
    }
    let Some((_, line)) = buf.split_at_checked(SIGNATURE.len()) else {
        return Ok(Parse::Incomplete);
    };
    let line = line.get(..LINE_MAX - SIGNATURE.len()).unwrap_or(line);
    let Some(end) = line.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return unfinished(line);
    };
    let (fields, ending) = line.split_at(end);
    let len = SIGNATURE.len() + end + 2;
    match ending {
        [b'\r', b'\n', ..] => Ok(Parse::Complete(Parsed { header: header(fields)?, len })),
        [b'\r'] if len <= LINE_MAX => header(fields).map(|_| Parse::Incomplete),
        [b'\r'] => Err(Refused::LineTooLong),
        _ => Err(Refused::LineForm),
    }
}

/// Writes one line. What version 1 cannot say (datagrams, Unix sockets) becomes `UNKNOWN`.
pub fn encode(addresses: &Addresses<'_>, out: &mut Vec<u8>) {
    let Addresses::Inet { transport: Transport::Stream, source, destination } = addresses else {
        return out.extend_from_slice(b"PROXY UNKNOWN\r\n");
    };
    let (from, to) = same_family(source.ip(), destination.ip());
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from_port, to_port) = (source.port(), destination.port());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "PROXY {family} {from} {to} {from_port} {to_port}\r\n");
}

/// Checks a line that has no end yet: whole fields by their form, the last one by its bytes.
fn unfinished(line: &[u8]) -> Result<Parse<'_>, Refused> {
    if line.len() + SIGNATURE.len() + 2 > LINE_MAX {
        return Err(Refused::LineTooLong);
    }
    let mut fields = line.split(|&byte| byte == b' ');
    let last = fields.next_back().unwrap_or_default();
    let Some(name) = fields.next() else {
        let known = [TCP4, TCP6, UNKNOWN].iter().any(|name| name.starts_with(last));
        return if known { Ok(Parse::Incomplete) } else { Err(Refused::Protocol) };
    };
    let Some(family) = family(name)? else {
        return Ok(Parse::Incomplete);
    };
    let mut index = 0;
    for field in fields {
        match index {
            0 | 1 => family.address(field).map(drop)?,
            2 => port(field).map(drop)?,
            _ => return Err(Refused::FieldCount),
        }
        index += 1;
    }
    match index {
        0 | 1 if !family.may_start(last) => Err(Refused::Address),
        2 | 3 if !last.is_empty() => port(last).map(|_| Parse::Incomplete),
        0..=3 => Ok(Parse::Incomplete),
        _ => Err(Refused::FieldCount),
    }
}

/// Reads the fields of a whole line, after `PROXY ` and before the CRLF.
fn header(line: &[u8]) -> Result<ProxyHeader<'_>, Refused> {
    let mut fields = line.split(|&byte| byte == b' ');
    let addresses = match family(fields.next().unwrap_or_default())? {
        None => Addresses::Own,
        Some(family) => {
            let mut next = || fields.next().ok_or(Refused::FieldCount);
            let (from, to) = (family.address(next()?)?, family.address(next()?)?);
            let (from_port, to_port) = (port(next()?)?, port(next()?)?);
            if fields.next().is_some() {
                return Err(Refused::FieldCount);
            }
            Addresses::Inet {
                transport: Transport::Stream,
                source: canonical(SocketAddr::new(from, from_port)),
                destination: canonical(SocketAddr::new(to, to_port)),
            }
        }
    };
    Ok(ProxyHeader { version: Version::V1, addresses, tlvs: Tlvs::default() })
}

/// The family that a whole protocol field names; `None` for `UNKNOWN`.
fn family(field: &[u8]) -> Result<Option<Family>, Refused> {
    match field {
        TCP4 => Ok(Some(Family::V4)),
        TCP6 => Ok(Some(Family::V6)),
        UNKNOWN => Ok(None),
        _ => Err(Refused::Protocol),
    }
}

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// Reads a whole address. The standard library refuses leading zeros in IPv4.
    fn address(self, field: &[u8]) -> Result<IpAddr, Refused> {
        let text = str::from_utf8(field).map_err(|_| Refused::Address)?;
        let ip = match self {
            Self::V4 => Ipv4Addr::from_str(text).map(IpAddr::V4),
            Self::V6 => Ipv6Addr::from_str(text).map(IpAddr::V6),
        };
        ip.map_err(|_| Refused::Address)
    }

    /// Whether an address may start so.
    fn may_start(self, field: &[u8]) -> bool {
        let (len_max, colon) = match self {
            Self::V4 => (15, false),
            Self::V6 => (45, true),
        };
        let fits = |byte: &u8| match byte {
            b'0'..=b'9' | b'.' => true,
            b'a'..=b'f' | b'A'..=b'F' | b':' => colon,
            _ => false,
        };
        field.len() <= len_max && field.iter().all(fits)
    }
}

/// Reads a port: decimal, no sign, no leading zero.
fn port(field: &[u8]) -> Result<u16, Refused> {
    let plain = field.iter().all(u8::is_ascii_digit);
    if !plain || (field.len() > 1 && field.first() == Some(&b'0')) {
        return Err(Refused::Port);
    }
    str::from_utf8(field).ok().and_then(|text| text.parse().ok()).ok_or(Refused::Port)
}

const SIGNATURE: &[u8] = b"PROXY ";
const TCP4: &[u8] = b"TCP4";
const TCP6: &[u8] = b"TCP6";
const UNKNOWN: &[u8] = b"UNKNOWN";
/// The longest line with its CRLF.
const LINE_MAX: usize = 107;
