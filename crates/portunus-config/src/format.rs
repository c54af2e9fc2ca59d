//! `portunus fmt`: the same text in one look.
//!
//! Indents by two, drops trailing spaces, keeps at most one blank line, ends with a line break.
//! Comments, quotes and the form of each value stay as they are. The result is read again, and
//! nothing is changed if it would say something else.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use portunus_spec::{Diagnostic, Diagnostics, Sources, Span};

use crate::parse::parse;

/// Formats a text.
///
/// # Errors
/// The text is no YAML, or it cannot be formatted without a change of meaning. The spans of the
/// diagnostics point into a source of the given text (the first of its [`Sources`]).
pub fn format(text: &str) -> Result<String, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let source = Sources::default().add("", text);
    let Some(before) = parse(text, source, None, &mut diagnostics) else { return Err(diagnostics) };
    let formatted = Layout::new(text).write();
    match parse(&formatted, source, None, &mut Diagnostics::default()) {
        Some(after) if after.same(&before) => Ok(formatted),
        _ => {
            let mut diagnostics = Diagnostics::default();
            let message = "the text cannot be formatted without changing its meaning";
            diagnostics
                .push(Diagnostic::error(Span::new(source, 0, 0), message))
                .help("indent it by hand; a multi-line value is the usual reason");
            Err(diagnostics)
        }
    }
}

/// The lines of a text and what they belong to.
struct Layout<'t> {
    lines: Vec<&'t str>,
    kinds: Vec<Kind>,
}

/// What a line is to its layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Keys and items in block style: the line has an indent of its own.
    Block,
    /// The rest of a value that began on a line before: it moves with that line.
    Rest,
    /// The rest of a text where every space counts.
    Verbatim,
}

impl<'t> Layout<'t> {
    fn new(text: &'t str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut kinds = vec![Kind::Block; lines.len()];
        let mut flows = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let (first, last) = (span.start.line(), span.end.line());
            match event {
                Event::Scalar(_, style, ..) => {
                    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                        let ends = span.end.col();
                        mark(&mut kinds, block_lines(&lines, first, last, ends), Kind::Verbatim);
                    } else {
                        mark(&mut kinds, first..last, Kind::Rest);
                    }
                }
                Event::SequenceStart(StructureStyle::Flow, ..)
                | Event::MappingStart(StructureStyle::Flow, ..) => flows.push(Some(first)),
                Event::SequenceStart(..) | Event::MappingStart(..) => flows.push(None),
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(Some(first)) = flows.pop() {
                        mark(&mut kinds, first..last, Kind::Rest);
                    }
                }
                _ => {}
            }
        }
        Self { lines, kinds }
    }

    fn write(&self) -> String {
        let mut out = String::new();
        let mut levels = Levels::default();
        let (mut shift, mut blanks) = (0, 0);
        for (index, line) in self.lines.iter().enumerate() {
            let kind = self.kinds.get(index).copied().unwrap_or(Kind::Block);
            let content = line.trim();
            if content.is_empty() && kind != Kind::Verbatim {
                blanks += 1;
                continue;
            }
            if blanks > 0 && !out.is_empty() {
                out.push('\n');
            }
            blanks = 0;
            let indent = indent_of(line);
            if kind != Kind::Block {
                let body =
                    if kind == Kind::Verbatim { line.trim_start_matches(' ') } else { content };
                let moved = indent.saturating_add_signed(shift);
                push_line(&mut out, if body.is_empty() { 0 } else { moved }, body);
                continue;
            }
            if content.starts_with('#') {
                let depth = levels.of_comment(indent, self.next_indent(index));
                push_line(&mut out, depth * STEP, content);
                continue;
            }
            let (depth, content) = levels.enter(indent, content);
            shift = (depth * STEP).cast_signed() - indent.cast_signed();
            push_line(&mut out, depth * STEP, &content);
        }
        out
    }

    /// The indent of the next line with something in block style.
    fn next_indent(&self, after: usize) -> Option<usize> {
        let lines = self.lines.iter().zip(&self.kinds).skip(after + 1);
        lines
            .filter(|(line, kind)| {
                let content = line.trim();
                **kind == Kind::Block && !content.is_empty() && !content.starts_with('#')
            })
            .map(|(line, _)| indent_of(line))
            .next()
    }
}

/// The open block containers around a line, by the column where each started.
#[derive(Default)]
struct Levels {
    open: Vec<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    column: usize,
    /// A list may start in the column of the key above it, and is then one level deeper.
    list: bool,
}

impl Levels {
    /// The depth of a line that starts at `indent`, and its text with one space after each dash.
    fn enter(&mut self, indent: usize, content: &str) -> (usize, String) {
        let (mut rest, mut column, mut dashes) = (content, indent, String::new());
        let depth = self.open_at(column, is_item(rest));
        while let Some(item) = rest.strip_prefix('-').filter(|_| is_item(rest)) {
            let inner = item.trim_start_matches(' ');
            dashes.push_str("- ");
            column += rest.len() - inner.len();
            rest = inner;
            if !rest.is_empty() {
                self.open_at(column, is_item(rest));
            }
        }
        (depth, (dashes + rest).trim_end().to_owned())
    }

    /// Closes what ends before `column`, opens what starts there; answers the depth.
    fn open_at(&mut self, column: usize, list: bool) -> usize {
        self.open.retain(|level| {
            level.column < column || (level.column == column && (list || !level.list))
        });
        let same = self.open.iter().any(|level| level.column == column && level.list == list);
        if !same {
            self.open.push(Level { column, list });
        }
        self.open.len().saturating_sub(1)
    }

    /// The depth of a comment: that of the line below it in the same column, or the level that it
    /// stands in.
    fn of_comment(&self, indent: usize, next: Option<usize>) -> usize {
        let around = |column: usize| {
            let inside = self.open.iter().filter(|level| level.column <= column).count();
            inside.saturating_sub(1)
        };
        match next {
            Some(next) if next >= indent => {
                // The line below may open a level of its own.
                let deeper = self.open.last().is_some_and(|level| next > level.column);
                around(next) + usize::from(deeper)
            }
            _ => around(indent),
        }
    }
}

/// The lines of a block scalar below its header. The parser's span starts at the first text and
/// ends where the next thing begins; both are lines from 1.
fn block_lines(lines: &[&str], first: usize, last: usize, end_column: usize) -> Range<usize> {
    let blank = |index: usize| lines.get(index).is_none_or(|line| line.trim().is_empty());
    let mut start = first.saturating_sub(1);
    while start > 0 && blank(start - 1) {
        start -= 1;
    }
    let last_line = lines.get(last.saturating_sub(1)).copied().unwrap_or_default();
    let outside = indent_of(last_line) >= end_column;
    start..if outside { last.saturating_sub(1) } else { last }
}

fn mark(kinds: &mut [Kind], lines: Range<usize>, kind: Kind) {
    // Lines of the parser count from 1, and the first line of a value keeps its own kind.
    for slot in kinds.iter_mut().take(lines.end).skip(lines.start) {
        if *slot == Kind::Block {
            *slot = kind;
        }
    }
}

/// Whether a line starts an item of a list.
fn is_item(content: &str) -> bool {
    content == "-" || content.starts_with("- ")
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn push_line(out: &mut String, indent: usize, content: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(content);
    out.push('\n');
}

const STEP: usize = 2;

#[cfg(test)]
mod tests;
