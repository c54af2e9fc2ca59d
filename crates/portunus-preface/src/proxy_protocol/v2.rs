//! Version 2: a signature, four bytes, addresses, TLVs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    Addresses, Limits, Parse, Parsed, ProxyHeader, Refused, Tlv, Tlvs, Transport, Version,
    canonical, same_family, tlv,
};

/// Reads one header. Each byte of the fixed part is judged when it is there.
pub(super) fn parse(buf: &[u8], limits: Limits) -> Result<Parse<'_>, Refused> {
    let seen = SIGNATURE.len().min(buf.len());
    if buf.get(..seen) != SIGNATURE.get(..seen) {
        return Err(Refused::Signature);
    }
    let Some(shape) = buf.get(SIGNATURE.len()..).and_then(|fixed| Shape::read(fixed).transpose())
    else {
        return Ok(Parse::Incomplete);
    };
    let shape = shape?;
    let len = FIXED + shape.len;
    if len > limits.bytes_max {
        return Err(Refused::TooLong);
    }
    let Some((whole, block)) = buf.get(..len).and_then(|whole| Some((whole, whole.get(FIXED..)?)))
    else {
        return Ok(Parse::Incomplete);
    };
    let (addresses, rest) = match shape.form {
        None => (Addresses::Own, &[][..]),
        Some(form) => form.addresses(block)?,
    };
    tlv::check(whole, rest)?;
    let header = ProxyHeader { version: Version::V2, addresses, tlvs: Tlvs::new(rest) };
    Ok(Parse::Complete(Parsed { header, len }))
}

/// Writes one header. The value of a [`Tlv::Crc32c`] is computed, whatever it says.
/// [`Addresses::Own`] is written as `LOCAL` and takes no TLVs: its receiver must discard them.
///
/// # Errors
/// [`Refused::TooLong`] for more than 65535 bytes after the fixed part, or a Unix path of more than
/// 108 bytes; `out` is then as it was.
pub fn encode(
    addresses: &Addresses<'_>,
    tlvs: &[Tlv<'_>],
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let start = out.len();
    let result = write_header(addresses, tlvs, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn write_header(
    addresses: &Addresses<'_>,
    tlvs: &[Tlv<'_>],
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let start = out.len();
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0x20, 0, 0, 0]);
    let family = match addresses {
        Addresses::Own => return Ok(()),
        Addresses::Inet { transport, source, destination } => {
            write_inet(*source, *destination, out) | transport_bits(*transport)
        }
        Addresses::Unix { transport, source, destination } => {
            write_path(source, out)?;
            write_path(destination, out)?;
            0x30 | transport_bits(*transport)
        }
    };
    let checksum = tlv::write(tlvs, out)?;
    let len = u16::try_from(out.len() - start - FIXED).map_err(|_| Refused::TooLong)?;
    let [high, low] = len.to_be_bytes();
    let fixed = out.iter_mut().skip(start + SIGNATURE.len());
    fixed.zip([0x21, family, high, low]).for_each(|(to, byte)| *to = byte);
    if let Some(at) = checksum {
        tlv::seal(out, start, at);
    }
    Ok(())
}

/// The fixed part after the signature.
struct Shape {
    /// How to read the addresses; `None` where they are to be ignored.
    form: Option<Form>,
    /// Bytes after the fixed part.
    len: usize,
}

impl Shape {
    /// Reads the four bytes; `None` while they are not all there.
    fn read(fixed: &[u8]) -> Result<Option<Self>, Refused> {
        let Some(&command) = fixed.first() else {
            return Ok(None);
        };
        if command >> 4 != 2 {
            return Err(Refused::Version);
        }
        let proxied = match command & 0xf {
            0 => false,
            1 => true,
            _ => return Err(Refused::Command),
        };
        // The family of a LOCAL header is to be ignored, whatever it is.
        let form = match fixed.get(1) {
            Some(&family) if proxied => Form::read(family)?,
            _ => None,
        };
        let Some(&[_, _, high, low]) = fixed.first_chunk() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        match form {
            Some(form) if len < form.addresses_len() => Err(Refused::TooShort),
            _ => Ok(Some(Self { form, len })),
        }
    }
}

/// The form of a header's address block.
#[derive(Clone, Copy)]
enum Form {
    Inet(Transport),
    Inet6(Transport),
    Unix(Transport),
}

impl Form {
    /// Reads the family byte; `None` where family or transport is unspecified.
    fn read(byte: u8) -> Result<Option<Self>, Refused> {
        let transport = match byte & 0xf {
            0 => None,
            1 => Some(Transport::Stream),
            2 => Some(Transport::Datagram),
            _ => return Err(Refused::Family),
        };
        match byte >> 4 {
            0 => Ok(None),
            1 => Ok(transport.map(Self::Inet)),
            2 => Ok(transport.map(Self::Inet6)),
            3 => Ok(transport.map(Self::Unix)),
            _ => Err(Refused::Family),
        }
    }

    fn addresses_len(self) -> usize {
        match self {
            Self::Inet(_) => 12,
            Self::Inet6(_) => 36,
            Self::Unix(_) => 2 * PATH_LEN,
        }
    }

    /// The addresses at the start of `block`, and what follows them.
    fn addresses(self, block: &[u8]) -> Result<(Addresses<'_>, &[u8]), Refused> {
        let read = match self {
            Self::Inet(transport) => inet::<4>(transport, block),
            Self::Inet6(transport) => inet::<16>(transport, block),
            Self::Unix(transport) => unix(transport, block),
        };
        read.ok_or(Refused::TooShort)
    }
}

fn inet<const N: usize>(transport: Transport, block: &[u8]) -> Option<(Addresses<'_>, &[u8])>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = block.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (source_port, rest) = rest.split_first_chunk()?;
    let (destination_port, rest) = rest.split_first_chunk()?;
    let end = |ip: &[u8; N], port: &[u8; 2]| {
        canonical(SocketAddr::new(IpAddr::from(*ip), u16::from_be_bytes(*port)))
    };
    let (source, destination) = (end(source, source_port), end(destination, destination_port));
    Some((Addresses::Inet { transport, source, destination }, rest))
}

fn unix(transport: Transport, block: &[u8]) -> Option<(Addresses<'_>, &[u8])> {
    let (source, rest) = block.split_at_checked(PATH_LEN)?;
    let (destination, rest) = rest.split_at_checked(PATH_LEN)?;
    Some((
        Addresses::Unix { transport, source: path(source), destination: path(destination) },
        rest,
    ))
}

/// The name in a padded field: up to the first NUL, or without trailing NULs where it is abstract.
fn path(field: &[u8]) -> &[u8] {
    let len = match field.first() {
        Some(0) => field.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1),
        _ => field.iter().position(|&byte| byte == 0).unwrap_or(field.len()),
    };
    field.get(..len).unwrap_or(field)
}

fn write_path(path: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
    let padding = PATH_LEN.checked_sub(path.len()).ok_or(Refused::TooLong)?;
    out.extend_from_slice(path);
    out.resize(out.len() + padding, 0);
    Ok(())
}

/// Writes both ends; answers the family's bits.
fn write_inet(source: SocketAddr, destination: SocketAddr, out: &mut Vec<u8>) -> u8 {
    let mut write = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => out.extend_from_slice(&Ipv4Addr::octets(&v4)),
        IpAddr::V6(v6) => out.extend_from_slice(&Ipv6Addr::octets(&v6)),
    };
    let (from, to) = same_family(source.ip(), destination.ip());
    write(from);
    write(to);
    out.extend_from_slice(&source.port().to_be_bytes());
    out.extend_from_slice(&destination.port().to_be_bytes());
    if from.is_ipv4() { 0x10 } else { 0x20 }
}

fn transport_bits(transport: Transport) -> u8 {
    match transport {
        Transport::Stream => 1,
        Transport::Datagram => 2,
    }
}

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses.
const FIXED: usize = 16;
/// Bytes of a Unix address.
const PATH_LEN: usize = 108;
