//! YAML text to the value tree.
//!
//! Sits on the parser's events and not on a document model: so each key, scalar and container
//! keeps its span, equal keys both arrive in the tree, and aliases are paid from a budget.
//! It never guesses: one document, keys are scalars, no tags but `!!str`.

use std::collections::{BTreeMap, HashMap};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};
use portunus_spec::{Diagnostic, Diagnostics, Entry, Node, SourceId, Span, Spanned, Value};

use crate::variables;

/// The environment, as it was when the program started.
pub type Env = BTreeMap<String, String>;

/// Reads a text. With an environment, `${VAR}` in scalars is filled in. `None` if the text is no
/// YAML or goes beyond the limits; then an error was recorded.
pub(crate) fn parse(
    text: &str,
    source: SourceId,
    env: Option<&Env>,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    if text.len() > BYTES_MAX {
        let message = format!("the text is larger than {} MiB", BYTES_MAX >> 20);
        diagnostics.push(Diagnostic::error(Span::new(source, 0, 0), message));
        return None;
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let events = Parser::new_from_str_with_options(text, options);
    let anchors = HashMap::new();
    let mut tree = Tree { events, text, source, env, diagnostics, anchors, nodes_left: NODES_MAX };
    tree.document()
}

/// Builds nodes from events. `None` everywhere means: reported, and the rest cannot be read.
struct Tree<'t, 'd> {
    events: Parser<'t, StrInput<'t>>,
    text: &'t str,
    source: SourceId,
    env: Option<&'d Env>,
    diagnostics: &'d mut Diagnostics,
    /// Finished anchors with the number of nodes in each.
    anchors: HashMap<usize, (Node, usize)>,
    nodes_left: usize,
}

impl<'t> Tree<'t, '_> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Some(root.unwrap_or_default()),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span)?);
                }
                _ => {
                    self.error(span, "a file holds one document").help("remove the second `---`");
                    return None;
                }
            }
        }
    }

    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        match self.events.next_event()? {
            Ok((event, span)) => {
                let bytes = span.byte_range().unwrap_or(0..0);
                Some((event, Span::new(self.source, bytes.start, bytes.end)))
            }
            Err(error) => {
                self.syntax(&error);
                None
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Option<Node> {
        let before = self.nodes_left;
        self.pay(1, span)?;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse(tag.as_deref(), span)?;
                (self.seq(span)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse(tag.as_deref(), span)?;
                (self.map(span)?, anchor)
            }
            Event::Alias(id) => return self.alias(id, span),
            _ => {
                self.error(span, "expected a value");
                return None;
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), before - self.nodes_left));
        }
        Some(node)
    }

    fn seq(&mut self, start: Span) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let last = items.last().map(|item: &Node| item.span);
                return Some(Node::new(container(start, last, span), Value::Seq(items)));
            }
            items.push(self.node(event, span)?);
        }
    }

    fn map(&mut self, start: Span) -> Option<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let last = entries.last().map(|entry| entry.value.span);
                return Some(Node::new(container(start, last, span), Value::Map(entries)));
            }
            let key = self.map_key(event, span)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, span)?;
            if value.value == Value::Null && value.span.start == value.span.end {
                value.span = key.span;
            }
            entries.push(Entry { key, value });
        }
    }

    fn map_key(&mut self, event: Event<'t>, span: Span) -> Option<Spanned<String>> {
        let Event::Scalar(text, ..) = event else {
            let error = self.error(span, "a key must be a single word or text");
            error.help("put it in quotes if it contains any of { } [ ] * &");
            return None;
        };
        if text == "<<" {
            let error = self.error(span, "merge keys are not supported");
            error.help("repeat the keys, or name a chain in `filters`");
            return None;
        }
        self.pay(1, span)?;
        Some(Spanned::new(span, self.fill(&text, span).unwrap_or_else(|| text.into_owned())))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Option<Node> {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        if !is_text {
            self.refuse(tag, span)?;
        }
        let end = span.start + self.slice(span).trim_end().len();
        let span = Span { end: end.max(span.start), ..span };
        let plain = style == ScalarStyle::Plain && !is_text;
        let value = match self.fill(text, span) {
            Some(filled) if filled.is_empty() || !plain => Value::Text(filled),
            Some(filled) => Value::plain(&filled),
            None if plain => Value::plain(text),
            None => Value::Text(text.to_owned()),
        };
        Some(Node::new(span, value))
    }

    /// The text with its variables filled in; `None` if it has none.
    fn fill(&mut self, text: &str, span: Span) -> Option<String> {
        let filled = variables::fill(text, self.env?)?;
        for fault in filled.faults {
            let at = self.slice(span).find(&fault.text).unwrap_or(0);
            let start = span.start + at;
            let end = (start + fault.text.len()).min(span.end);
            self.error(Span { start, end, ..span }, fault.message).help(fault.help);
        }
        Some(filled.text)
    }

    fn alias(&mut self, id: usize, span: Span) -> Option<Node> {
        let Some((node, nodes)) = self.anchors.get(&id).cloned() else {
            self.error(span, "the alias stands inside of what it refers to");
            return None;
        };
        self.pay(nodes, span)?;
        Some(node)
    }

    fn pay(&mut self, nodes: usize, span: Span) -> Option<()> {
        let Some(left) = self.nodes_left.checked_sub(nodes) else {
            self.error(span, format!("more than {NODES_MAX} values, aliases included"));
            return None;
        };
        self.nodes_left = left;
        Some(())
    }

    fn refuse(&mut self, tag: Option<&Tag>, span: Span) -> Option<()> {
        let Some(tag) = tag else { return Some(()) };
        self.error(span, format!("the tag `{}` is not supported", tag.original()));
        None
    }

    fn syntax(&mut self, error: &ScanError) {
        let offset = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let rest = self.text.get(offset..).unwrap_or_default();
        let word = rest.split([' ', '\n', '\r']).next().unwrap_or_default();
        let span = Span::new(self.source, offset, offset + word.len());
        let star = word.starts_with(['*', '&', '!', '@', '`', '%']);
        let help = star.then(|| format!("put it in quotes: \"{}\"", word.trim_end_matches(':')));
        let help = help.or_else(|| {
            rest.starts_with('\t').then(|| "indent with spaces, not with tabs".to_owned())
        });
        self.error(span, format!("not YAML: {}", error.info())).help_if(help);
    }

    fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(span, message))
    }

    fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// From the first byte to the closing bracket, or without brackets to the end of the last child.
fn container(start: Span, last: Option<Span>, end: Span) -> Span {
    match last {
        _ if end.end > end.start => start.to(end),
        Some(last) => start.to(last),
        None => start,
    }
}

/// Largest text of one file.
const BYTES_MAX: usize = 16 << 20;
/// Most values in one file, those that aliases copy included.
const NODES_MAX: usize = 2_000_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 64;

#[cfg(test)]
mod tests;
