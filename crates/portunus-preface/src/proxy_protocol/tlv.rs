//! The typed values of version 2: iterated in place, checked once.

use super::Refused;
use super::crc32c::checksum;

/// One value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tlv<'a> {
    /// The protocol agreed by ALPN.
    Alpn(&'a [u8]),
    /// The host name that the client asked for.
    Authority(&'a str),
    /// The checksum of the header; [`super::parse`] has verified it.
    Crc32c(u32),
    /// Padding.
    Noop(&'a [u8]),
    /// The sender's id of the connection, at most 128 bytes.
    UniqueId(&'a [u8]),
    /// The client's TLS.
    Ssl(Ssl<'a>),
    /// The name of the network namespace.
    Netns(&'a str),
    /// Any other type.
    Other {
        /// The type's number.
        kind: u8,
        /// Its bytes.
        value: &'a [u8],
    },
}

impl<'a> Tlv<'a> {
    /// Reads one value of type `kind`; `None` when it has not that type's form.
    fn read(kind: u8, value: &'a [u8]) -> Option<Self> {
        Some(match kind {
            ALPN => Self::Alpn(value),
            AUTHORITY => Self::Authority(str::from_utf8(value).ok()?),
            CRC32C => Self::Crc32c(u32::from_be_bytes(value.try_into().ok()?)),
            NOOP => Self::Noop(value),
            UNIQUE_ID if value.len() > UNIQUE_ID_MAX => return None,
            UNIQUE_ID => Self::UniqueId(value),
            SSL => Self::Ssl(Ssl::read(value)?),
            NETNS => Self::Netns(str::from_utf8(value).ok()?),
            _ => Self::Other { kind, value },
        })
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Alpn(_) => ALPN,
            Self::Authority(_) => AUTHORITY,
            Self::Crc32c(_) => CRC32C,
            Self::Noop(_) => NOOP,
            Self::UniqueId(_) => UNIQUE_ID,
            Self::Ssl(_) => SSL,
            Self::Netns(_) => NETNS,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// Whether a header may hold the type once only: two of them would be read in two ways.
    fn is_single(&self) -> bool {
        !matches!(self, Self::Noop(_) | Self::Other { .. })
    }

    fn write_value(&self, out: &mut Vec<u8>) -> Result<(), Refused> {
        match self {
            Self::UniqueId(id) if id.len() > UNIQUE_ID_MAX => return Err(Refused::TooLong),
            Self::Alpn(bytes) | Self::Noop(bytes) | Self::UniqueId(bytes) => {
                out.extend_from_slice(bytes)
            }
            Self::Other { value, .. } => out.extend_from_slice(value),
            Self::Authority(text) | Self::Netns(text) => out.extend_from_slice(text.as_bytes()),
            Self::Crc32c(_) => out.extend_from_slice(&[0; 4]),
            Self::Ssl(ssl) => ssl.write(out)?,
        }
        Ok(())
    }
}

/// The client's TLS, as the sender of the header saw it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ssl<'a> {
    /// Bits: 1 the client used TLS, 2 it gave a certificate on this connection, 4 in this TLS session.
    pub client: u8,
    /// 0 when the client gave a certificate and it was verified.
    pub verify: u32,
    /// The TLS version, for instance `TLSv1.3`.
    pub version: Option<&'a str>,
    /// The common name of the client's certificate.
    pub common_name: Option<&'a str>,
    /// The cipher suite.
    pub cipher: Option<&'a str>,
    /// How the sender's certificate was signed.
    pub signature_algorithm: Option<&'a str>,
    /// The key of the sender's certificate.
    pub key_algorithm: Option<&'a str>,
}

impl<'a> Ssl<'a> {
    /// Whether the client gave a certificate that was verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.client & 0b110 != 0 && self.verify == 0
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let (&client, rest) = value.split_first()?;
        let (verify, mut rest) = rest.split_first_chunk()?;
        let mut ssl = Self { client, verify: u32::from_be_bytes(*verify), ..Self::default() };
        while !rest.is_empty() {
            let (kind, value, after) = split(rest)?;
            rest = after;
            let field = match kind {
                0x21 => &mut ssl.version,
                0x22 => &mut ssl.common_name,
                0x23 => &mut ssl.cipher,
                0x24 => &mut ssl.signature_algorithm,
                0x25 => &mut ssl.key_algorithm,
                _ => continue,
            };
            if field.replace(str::from_utf8(value).ok()?).is_some() {
                return None;
            }
        }
        Some(ssl)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Refused> {
        out.push(self.client);
        out.extend_from_slice(&self.verify.to_be_bytes());
        let fields = [
            self.version,
            self.common_name,
            self.cipher,
            self.signature_algorithm,
            self.key_algorithm,
        ];
        for (kind, field) in (0x21..).zip(fields) {
            if let Some(text) = field {
                let len = u16::try_from(text.len()).map_err(|_| Refused::TooLong)?;
                out.push(kind);
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        Ok(())
    }
}

/// Iterates over the values of a header.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// Over the bytes of a header's values, as [`Tlvs::bytes`] gave them; ends at the first that is malformed.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The values as they came, for whoever keeps them to pass them on.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (kind, value, rest) = split(self.rest)?;
        self.rest = rest;
        Tlv::read(kind, value)
    }
}

/// Checks all values in `tlvs`, the tail of the header `whole`.
pub(super) fn check(whole: &[u8], tlvs: &[u8]) -> Result<(), Refused> {
    let mut rest = tlvs;
    let mut seen = 0u64;
    while !rest.is_empty() {
        let (kind, value, after) = split(rest).ok_or(Refused::Tlv)?;
        let tlv = Tlv::read(kind, value).ok_or(Refused::Tlv)?;
        if tlv.is_single() {
            let bit = 1 << (kind & 63);
            if seen & bit != 0 {
                return Err(Refused::Tlv);
            }
            seen |= bit;
        }
        if let Tlv::Crc32c(told) = tlv {
            verify(whole, after.len(), told)?;
        }
        rest = after;
    }
    Ok(())
}

/// Verifies a checksum whose four bytes stand `after` bytes before the end of `whole`.
fn verify(whole: &[u8], after: usize, told: u32) -> Result<(), Refused> {
    let end = whole.len().saturating_sub(after);
    let (before, tail) = whole.split_at_checked(end.saturating_sub(4)).ok_or(Refused::Tlv)?;
    let tail = tail.get(4..).ok_or(Refused::Tlv)?;
    if checksum([before, &[0; 4], tail]) == told { Ok(()) } else { Err(Refused::Checksum) }
}

/// Writes values; answers where the checksum's four zero bytes stand, if there is one.
pub(super) fn write(tlvs: &[Tlv<'_>], out: &mut Vec<u8>) -> Result<Option<usize>, Refused> {
    let mut at = None;
    for tlv in tlvs {
        let start = out.len();
        out.extend_from_slice(&[tlv.kind(), 0, 0]);
        tlv.write_value(out)?;
        let len = u16::try_from(out.len() - start - 3).map_err(|_| Refused::TooLong)?;
        let places = out.iter_mut().skip(start + 1);
        places.zip(len.to_be_bytes()).for_each(|(to, byte)| *to = byte);
        if matches!(tlv, Tlv::Crc32c(_)) {
            at = Some(start + 3);
        }
    }
    Ok(at)
}

/// Puts the checksum of `out[start..]` into the four zero bytes at `at`.
pub(super) fn seal(out: &mut [u8], start: usize, at: usize) {
    let sum = checksum(out.get(start..));
    out.iter_mut().skip(at).zip(sum.to_be_bytes()).for_each(|(to, byte)| *to = byte);
}

/// Type, value and rest of the first value.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    Some((kind, value, rest))
}

const ALPN: u8 = 0x01;
const AUTHORITY: u8 = 0x02;
const CRC32C: u8 = 0x03;
const NOOP: u8 = 0x04;
const UNIQUE_ID: u8 = 0x05;
const UNIQUE_ID_MAX: usize = 128;
const SSL: u8 = 0x20;
const NETNS: u8 = 0x30;
