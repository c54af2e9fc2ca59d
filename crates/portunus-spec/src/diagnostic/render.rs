//! The look of rustc: place, offending text underlined, help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{Diagnostic, Severity, SourceId, Sources, Span};

/// All diagnostics, one blank line between them. Bytes under `hidden` spans become stars.
pub(super) fn render(
    list: &[Diagnostic],
    hidden: &[Span],
    sources: &Sources,
    colour: bool,
) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let blocks: Vec<String> =
        list.iter().map(|one| block(one, hidden, sources, &renderer)).collect();
    let mut text = blocks.join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn block(one: &Diagnostic, hidden: &[Span], sources: &Sources, renderer: &Renderer) -> String {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&one.message));
    if let Some(place) = excerpt(one.span, hidden, sources) {
        let mark = AnnotationKind::Primary.span(place.mark.clone()).label(one.label.as_deref());
        let mut snippet = place.snippet().annotation(mark);
        let other = one.related.as_ref().and_then(|related| {
            let near = excerpt(related.span, hidden, sources)?;
            Some((related, near))
        });
        if let Some((related, near)) = &other
            && related.span.source == one.span.source
        {
            let mark = AnnotationKind::Context.span(near.mark.clone());
            snippet = snippet.annotation(mark.label(related.label.as_str()));
        }
        group = group.element(snippet);
        if let Some((related, near)) = other
            && related.span.source != one.span.source
        {
            let mark = AnnotationKind::Context.span(near.mark.clone());
            group = group.element(near.snippet().annotation(mark.label(related.label.as_str())));
        }
    } else if !one.path.is_empty() {
        group = group.element(Level::NOTE.message(format!("at `{}`", one.path)));
    }
    if let Some(help) = &one.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// What of a source is shown for one span: all of it, with the mark kept to one line.
struct Excerpt<'s> {
    name: &'s str,
    text: String,
    mark: Range<usize>,
}

impl<'s> Excerpt<'s> {
    fn snippet(&self) -> Snippet<'s, annotate_snippets::Annotation<'s>> {
        Snippet::source(self.text.clone()).path(self.name)
    }
}

fn excerpt<'s>(span: Span, hidden: &[Span], sources: &'s Sources) -> Option<Excerpt<'s>> {
    let (name, text) = (sources.name(span.source)?, sources.text(span.source)?);
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.clamp(start, text.len()));
    let first_line = text.get(start..end)?.lines().next().unwrap_or_default().trim_end();
    Some(Excerpt {
        name,
        text: mask(text, span.source, hidden),
        mark: start..start + first_line.len(),
    })
}

/// The text with secrets replaced byte for byte, so that offsets stay.
fn mask(text: &str, source: SourceId, hidden: &[Span]) -> String {
    let covered = |at: usize| {
        hidden.iter().any(|span| span.source == source && (span.start..span.end).contains(&at))
    };
    if !hidden.iter().any(|span| span.source == source) {
        return text.to_owned();
    }
    let mut masked = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if covered(at) && character != '\n' {
            masked.extend(std::iter::repeat_n('*', character.len_utf8()));
        } else {
            masked.push(character);
        }
    }
    masked
}
