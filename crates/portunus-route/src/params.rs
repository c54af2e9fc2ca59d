//! What `{name}`, `**` and the named groups of a regex matched.

use smallvec::SmallVec;

/// Names and values of a match, raw as they stand in the path. Recycled: clearing keeps the memory.
///
/// It has copies, not ranges of the path, so that a rewrite of the path does not change them.
#[derive(Clone, Debug, Default)]
pub struct Params {
    text: Vec<u8>,
    entries: SmallVec<[Entry; 4]>,
}

/// Where name and value end in the text; they start where the entry before ends.
#[derive(Clone, Copy, Debug)]
struct Entry {
    name_end: u32,
    value_end: u32,
}

impl Params {
    /// Forgets all; keeps the memory, but no more than `TEXT_KEPT_MAX` of it.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        if self.text.capacity() > TEXT_KEPT_MAX {
            self.text.shrink_to(TEXT_KEPT_MAX);
        }
    }

    /// The value of a name. What `**` matched is called `rest`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    /// Names and values in the order of the pattern.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let (name_end, value_end) = (entry.name_end as usize, entry.value_end as usize);
            let name = self.text.get(start..name_end).unwrap_or(&[]);
            start = value_end;
            (name, self.text.get(name_end..value_end).unwrap_or(&[]))
        })
    }

    /// True when nothing was captured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        self.text.extend_from_slice(name.as_bytes());
        let name_end = self.text.len() as u32;
        self.text.extend_from_slice(value);
        self.entries.push(Entry { name_end, value_end: self.text.len() as u32 });
    }
}

/// What a cleared list keeps of its text, in bytes.
const TEXT_KEPT_MAX: usize = 1024;
