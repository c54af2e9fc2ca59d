//! Where in a written text a mistake stands.

use portunus_route::PatternError;
use portunus_spec::{Reader, Span, Spanned};

/// How much of a text a mistake is about, from where it starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// To the next slash.
    Segment,
    /// All the rest.
    Rest,
}

/// Reports what is wrong with a pattern at its place within `text`.
pub(crate) fn report_pattern(
    error: PatternError,
    text: &Spanned<String>,
    extent: Extent,
    reader: &mut Reader<'_>,
) {
    let span = within(text, error.at, extent);
    reader.error(span, error.message).help(error.help);
}

/// The part of a text's span that starts `at` bytes into the text.
///
/// The span of a text is that of its source, perhaps with quotes. Where the source is of another length, for it has
/// escapes or variables, the whole span is all that can be said.
pub(crate) fn within(text: &Spanned<String>, at: usize, extent: Extent) -> Span {
    let (span, len) = (text.span, text.value.len());
    let written = span.end.saturating_sub(span.start);
    let quote = match written.checked_sub(len) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return span,
    };
    let Some(rest) = text.value.get(at..).filter(|rest| !rest.is_empty()) else { return span };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let part = match extent {
        Extent::Segment => rest.get(first..).and_then(|more| more.find('/')).map(|to| first + to),
        Extent::Rest => None,
    };
    let start = span.start + quote + at;
    Span::new(span.source, start, start + part.unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests;
