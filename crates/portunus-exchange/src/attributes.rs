//! Small facts that filters leave on an exchange for other filters, templates and the access log.

use std::ops::Range;

/// Named values of an exchange: `request_id`, `user`. Few, so found by a scan.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    bytes: Vec<u8>,
    entries: Vec<(&'static str, Range<u32>)>,
}

impl Attributes {
    /// Forgets all; keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Sets `name`; an older value is hidden.
    pub fn set(&mut self, name: &'static str, value: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        let range = start..self.bytes.len() as u32;
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = range,
            None => self.entries.push((name, range)),
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        let (_, range) = self.entries.iter().find(|(known, _)| *known == name)?;
        self.bytes.get(range.start as usize..range.end as usize)
    }
}
