//! The wire format of Protocol Buffers, as far as one service needs it: varints, and fields with a length.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

/// Writes fields of one message; a field with its default value is left out.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// The message.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3 | VARINT);
            self.varint(value);
        }
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.varint(u64::from(field) << 3 | LENGTH);
            self.varint(value.len() as u64);
            self.0.extend_from_slice(value);
        }
    }

    /// Text; what is not UTF-8 has the replacement character in its place.
    pub(crate) fn text(&mut self, field: u32, value: &[u8]) {
        self.bytes(field, String::from_utf8_lossy(value).as_bytes());
    }

    /// A message within this one, which is there even when it is empty.
    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.varint(u64::from(field) << 3 | LENGTH);
        self.varint(inner.0.len() as u64);
        self.0.extend_from_slice(&inner.0);
    }
}

/// One field of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
    /// A fixed number, which nothing here reads.
    Other,
}

impl<'m> Value<'m> {
    /// The bytes; none for a value of another type.
    pub(crate) fn bytes(self) -> &'m [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) | Self::Other => &[],
        }
    }

    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::Bytes(_) | Self::Other => 0,
        }
    }
}

/// The fields of a message, in order; None when it is none.
pub(crate) fn fields(message: &[u8]) -> Option<Vec<(u32, Value<'_>)>> {
    let mut rest = message;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = take_varint(&mut rest)?;
        let value = match key & 7 {
            VARINT => Value::Number(take_varint(&mut rest)?),
            LENGTH => {
                let length = usize::try_from(take_varint(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            FIXED_64 => take(&mut rest, 8).map(|_| Value::Other)?,
            FIXED_32 => take(&mut rest, 4).map(|_| Value::Other)?,
            _ => return None,
        };
        fields.push((u32::try_from(key >> 3).ok().filter(|field| *field > 0)?, value));
    }
    Some(fields)
}

fn take<'m>(rest: &mut &'m [u8], length: usize) -> Option<&'m [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

#[cfg(test)]
mod tests;
