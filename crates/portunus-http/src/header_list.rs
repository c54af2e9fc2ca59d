//! Headers in order, with their case and bytes, in one recycled arena.

use std::ops::Range;

use crate::{HeaderId, HeaderIds};

/// A piece of text in the arena of a [`HeaderList`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Text {
    start: u32,
    len: u32,
}

impl Text {
    /// Bytes `start..start + len` of the arena.
    #[must_use]
    pub fn new(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Its first `len` bytes.
    #[must_use]
    pub fn prefix(self, len: usize) -> Self {
        Self { start: self.start, len: self.len.min(len as u32) }
    }

    /// True for no bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    fn of(self, arena: &[u8]) -> &[u8] {
        let start = self.start as usize;
        arena.get(start..start + self.len as usize).unwrap_or(&[])
    }
}

/// One header as seen by a reader.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The id of the name.
    pub id: HeaderId,
    /// The name as it was sent.
    pub name: &'a [u8],
    /// The value without surrounding white space.
    pub value: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: Text,
    value: Text,
    id: HeaderId,
}

/// Headers in the order of the message. Keeps case and bytes; names compare without regard to case.
///
/// An edit appends to the arena and never moves what is there, so a [`Text`] stays valid until [`HeaderList::clear`].
#[derive(Clone, Debug, Default)]
pub struct HeaderList {
    arena: Vec<u8>,
    fields: Vec<Field>,
    /// Every id that was ever added since the last clear: most look-ups are for what is not there.
    seen: HeaderIds,
}

impl HeaderList {
    /// Forgets everything; keeps the memory, but no more than `ARENA_KEPT_MAX` of it.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.fields.clear();
        self.seen = HeaderIds::NONE;
        if self.arena.capacity() > ARENA_KEPT_MAX {
            self.arena.shrink_to(ARENA_KEPT_MAX);
        }
    }

    /// Copies `bytes` into the arena.
    pub fn store(&mut self, bytes: &[u8]) -> Text {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Text::new(start, bytes.len())
    }

    /// Copies `bytes` into the arena in lower case.
    pub fn store_lower(&mut self, bytes: &[u8]) -> Text {
        let start = self.arena.len();
        self.arena.extend(bytes.iter().map(u8::to_ascii_lowercase));
        Text::new(start, bytes.len())
    }

    /// `text` in lower case: itself when it is so already, else a copy.
    pub fn lower(&mut self, text: Text) -> Text {
        if !self.text(text).iter().any(u8::is_ascii_uppercase) {
            return text;
        }
        let from = text.start as usize;
        let start = self.arena.len();
        self.arena.extend_from_within(from..from + text.len());
        self.arena.iter_mut().skip(start).for_each(|byte| byte.make_ascii_lowercase());
        Text::new(start, text.len())
    }

    /// The bytes behind `text`.
    #[must_use]
    pub fn text(&self, text: Text) -> &[u8] {
        text.of(&self.arena)
    }

    /// Adds a header whose name and value are in the arena already (see [`HeaderList::store`]).
    pub fn push_stored(&mut self, id: HeaderId, name: Text, value: Text) {
        self.seen = self.seen.with(id);
        self.fields.push(Field { name, value, id });
    }

    /// Adds a header at the end; others of that name stay.
    pub fn append(&mut self, name: &[u8], value: &[u8]) {
        self.append_line(HeaderId::of(name), name, value);
    }

    /// Adds a well-known header at the end, in its usual case.
    pub fn append_id(&mut self, id: HeaderId, value: &[u8]) {
        self.append_line(id, id.name().as_bytes(), value);
    }

    /// Stores a header in the form that it has on the wire, so that it is written in one copy with its neighbours.
    fn append_line(&mut self, id: HeaderId, name: &[u8], value: &[u8]) {
        self.arena.reserve(name.len() + value.len() + 4);
        let name = self.store(name);
        self.store(BETWEEN);
        let value = self.store(value);
        self.store(LINE_END);
        self.push_stored(id, name, value);
    }

    /// Writes the headers but those of `skip` as HTTP/1 lines. Neighbours that stand in the arena as they will on the
    /// wire, which is how most heads arrive, are copied at once.
    pub fn write_lines(&self, skip: HeaderIds, out: &mut Vec<u8>) {
        let mut run = 0..0;
        for field in self.fields.iter().filter(|field| !skip.has(field.id)) {
            let line = field.line();
            match line.filter(|line| self.is_line(field, line)) {
                Some(line) if line.start == run.end => run.end = line.end,
                Some(line) => {
                    out.extend_from_slice(self.arena.get(run).unwrap_or(&[]));
                    run = line;
                }
                None => {
                    out.extend_from_slice(self.arena.get(run).unwrap_or(&[]));
                    run = 0..0;
                    for part in
                        [field.name.of(&self.arena), BETWEEN, field.value.of(&self.arena), LINE_END]
                    {
                        out.extend_from_slice(part);
                    }
                }
            }
        }
        out.extend_from_slice(self.arena.get(run).unwrap_or(&[]));
    }

    /// True when the arena holds `: ` between name and value, and a line end behind them.
    fn is_line(&self, field: &Field, line: &Range<usize>) -> bool {
        let name_end = line.start + field.name.len();
        self.arena.get(name_end..name_end + 2) == Some(BETWEEN)
            && self.arena.get(line.end - 2..line.end) == Some(LINE_END)
    }

    /// Sets a header to one value: in the place of the first of that name, the others go.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let id = HeaderId::of(name);
        let value = self.store(value);
        let first = self.fields.iter().position(|field| field.is(id, name, &self.arena));
        match first {
            Some(at) => self.replace(at, id, name, value),
            None => {
                let name = self.store(name);
                self.push_stored(id, name, value);
            }
        }
    }

    /// As [`HeaderList::set`] for a well-known name.
    pub fn set_id(&mut self, id: HeaderId, value: &[u8]) {
        self.set(id.name().as_bytes(), value);
    }

    fn replace(&mut self, first: usize, id: HeaderId, name: &[u8], value: Text) {
        if let Some(field) = self.fields.get_mut(first) {
            field.value = value;
        }
        let arena = &self.arena;
        let mut at = 0;
        self.fields.retain(|field| {
            at += 1;
            at - 1 <= first || !field.is(id, name, arena)
        });
    }

    /// Removes all headers of that name; how many there were.
    pub fn remove(&mut self, name: &[u8]) -> usize {
        let (id, before) = (HeaderId::of(name), self.fields.len());
        let arena = &self.arena;
        self.fields.retain(|field| !field.is(id, name, arena));
        before - self.fields.len()
    }

    /// Removes all headers with that id; how many there were.
    pub fn remove_id(&mut self, id: HeaderId) -> usize {
        self.remove_ids(HeaderIds::of(&[id]))
    }

    /// Removes all headers with one of these ids; how many there were.
    pub fn remove_ids(&mut self, ids: HeaderIds) -> usize {
        if !self.seen.meets(ids) {
            return 0;
        }
        let before = self.fields.len();
        self.fields.retain(|field| !ids.has(field.id));
        before - self.fields.len()
    }

    /// Keeps the headers for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(Header<'_>) -> bool) {
        let arena = &self.arena;
        self.fields.retain(|field| keep(field.header(arena)));
    }

    /// The first value of a well-known header.
    #[must_use]
    pub fn value_of(&self, id: HeaderId) -> Option<&[u8]> {
        self.text_of(id).map(|value| value.of(&self.arena))
    }

    /// As [`HeaderList::value_of`], as a text of the arena.
    #[must_use]
    pub fn text_of(&self, id: HeaderId) -> Option<Text> {
        if !self.seen.has(id) {
            return None;
        }
        self.fields.iter().find(|field| field.id == id).map(|field| field.value)
    }

    /// The first value of a header by name.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let id = HeaderId::of(name);
        let field = self.fields.iter().find(|field| field.is(id, name, &self.arena))?;
        Some(field.value.of(&self.arena))
    }

    /// All values of a header by name.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let id = HeaderId::of(name);
        let named = self.fields.iter().filter(move |field| field.is(id, name, &self.arena));
        named.map(|field| field.value.of(&self.arena))
    }

    /// All values of a well-known header.
    pub fn values_of(&self, id: HeaderId) -> impl Iterator<Item = &[u8]> {
        let fields = if self.seen.has(id) { self.fields.as_slice() } else { &[] };
        let named = fields.iter().filter(move |field| field.id == id);
        named.map(|field| field.value.of(&self.arena))
    }

    /// True when a header with that id is there.
    #[must_use]
    pub fn has(&self, id: HeaderId) -> bool {
        self.text_of(id).is_some()
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'_>> {
        self.fields.iter().map(|field| field.header(&self.arena))
    }

    /// How many headers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True without headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes that the headers take on the wire in HTTP/1, with `: ` and line ends.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        self.fields.iter().map(|field| field.name.len() + field.value.len() + 4).sum()
    }
}

impl Field {
    /// Where its line would stand in the arena, if value follows name as on the wire.
    fn line(&self) -> Option<Range<usize>> {
        let start = self.name.start as usize;
        let value = start + self.name.len() + BETWEEN.len();
        let end = value + self.value.len() + LINE_END.len();
        (value == self.value.start as usize).then_some(start..end)
    }

    fn is(&self, id: HeaderId, name: &[u8], arena: &[u8]) -> bool {
        self.id == id && (id != HeaderId::Other || self.name.of(arena).eq_ignore_ascii_case(name))
    }

    fn header<'a>(&self, arena: &'a [u8]) -> Header<'a> {
        Header { id: self.id, name: self.name.of(arena), value: self.value.of(arena) }
    }
}

const BETWEEN: &[u8] = b": ";
const LINE_END: &[u8] = b"\r\n";
/// What a cleared list keeps of its arena, in bytes.
const ARENA_KEPT_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
