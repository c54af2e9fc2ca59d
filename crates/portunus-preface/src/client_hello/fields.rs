//! Fields of TLS one after the other: numbers, and vectors behind their length (RFC 8446 section 3).

/// Bytes that are read from the front. Each read gives None, and takes nothing, when too little is there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    /// A number of two bytes.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().copied().map(u16::from_be_bytes)
    }

    /// A vector whose length takes one byte.
    pub(super) fn list_u8(&mut self) -> Option<&'a [u8]> {
        let (&[len], rest) = self.0.split_first_chunk()?;
        self.take(rest, usize::from(len))
    }

    /// A vector whose length takes two bytes.
    pub(super) fn list_u16(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        self.take(rest, usize::from(u16::from_be_bytes(*len)))
    }

    fn take(&mut self, from: &'a [u8], len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = from.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}
