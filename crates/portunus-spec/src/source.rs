//! Where things stand in what the user wrote: files, byte spans, lines and columns.

use std::ops::Deref;

/// The texts that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
}

impl Sources {
    /// Adds a text under the name that messages give it, usually the path of its file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = u32::try_from(self.files.len()).map_or(SourceId::NONE, SourceId);
        self.files.push((name.into(), text.into()));
        id
    }

    /// The name of a source.
    #[must_use]
    pub fn name(&self, source: SourceId) -> Option<&str> {
        self.file(source).map(|(name, _)| name.as_str())
    }

    /// The whole text of a source.
    #[must_use]
    pub fn text(&self, source: SourceId) -> Option<&str> {
        self.file(source).map(|(_, text)| text.as_str())
    }

    /// The text under a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> Option<&str> {
        self.text(span.source)?.get(span.start..span.end)
    }

    /// Name, line and column of the start of a span; `None` for a synthetic node.
    #[must_use]
    pub fn position(&self, span: Span) -> Option<Position<'_>> {
        let (name, text) = self.file(span.source)?;
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        Some(Position { file: name, line, column })
    }

    fn file(&self, source: SourceId) -> Option<&(String, String)> {
        self.files.get(usize::try_from(source.0).ok()?)
    }
}

/// Which source a span points into.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SourceId(u32);

impl SourceId {
    /// No source: the id of nodes that nobody wrote.
    pub const NONE: Self = Self(u32::MAX);
}

/// A range of bytes in a source.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// The text that the offsets belong to.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The span of what nobody wrote.
    pub const NONE: Self = Self { source: SourceId::NONE, start: 0, end: 0 };

    /// The bytes from `start` to before `end`.
    #[must_use]
    pub const fn new(source: SourceId, start: usize, end: usize) -> Self {
        Self { source, start, end }
    }

    /// Whether nobody wrote this.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.source == SourceId::NONE
    }

    /// From the start of this span to the end of a later one in the same source.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        if last.source == self.source { Self { end: last.end.max(self.end), ..self } } else { self }
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spanned<T> {
    /// Where.
    pub span: Span,
    /// What.
    pub value: T,
}

impl<T> Spanned<T> {
    /// A value that stands at `span`.
    #[must_use]
    pub const fn new(span: Span, value: T) -> Self {
        Self { span, value }
    }

    /// A value that nobody wrote, such as a default.
    #[must_use]
    pub const fn none(value: T) -> Self {
        Self { span: Span::NONE, value }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The place of a span as people count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position<'s> {
    /// Name of the source.
    pub file: &'s str,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

#[cfg(test)]
mod tests;
