//! Mistakes in a configuration: collected, located, and rendered for people and machines.

mod render;

use crate::{Position, Sources, Span};

/// All that was found wrong, in the order of discovery.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    hidden: Vec<Span>,
}

impl Diagnostics {
    /// Adds one; label and help can be added to what it returns.
    pub fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.list.push_mut(diagnostic)
    }

    /// Adds all of another collection.
    pub fn append(&mut self, mut other: Self) {
        self.list.append(&mut other.list);
        self.hidden.append(&mut other.hidden);
    }

    /// Keeps the text under a span out of everything that is rendered.
    pub fn hide(&mut self, span: Span) {
        if !span.is_none() {
            self.hidden.push(span);
        }
    }

    /// Keeps out of everything that is rendered what another collection does.
    pub fn hide_as(&mut self, other: &Self) {
        self.hidden.extend_from_slice(&other.hidden);
    }

    /// Sorts by place: source, then offset. Keeps the order of those at the same place.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|diagnostic| diagnostic.span);
    }

    /// Whether any is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Whether any error is at this path itself.
    #[must_use]
    pub fn has_errors_at(&self, path: &str) -> bool {
        self.errors().any(|error| error.path == path)
    }

    /// Whether any error is at this path or below it.
    #[must_use]
    pub fn has_errors_in(&self, path: &str) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        self.errors().any(|error| error.path.strip_prefix(path).is_some_and(below))
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// For people: each with its place, the text underlined, and the help.
    #[must_use]
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        render::render(&self.list, &self.hidden, sources, colour)
    }

    /// For logs and editors: one line each, `file:line:column: error: message`.
    #[must_use]
    pub fn lines(&self, sources: &Sources) -> String {
        self.list.iter().map(|diagnostic| diagnostic.line(sources) + "\n").collect()
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = std::slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One mistake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// Whether the configuration is unusable.
    pub severity: Severity,
    /// Where in the tree: `hosts.shop.example.com.routes./a.to`.
    pub path: String,
    /// Where in the text; [`Span::NONE`] if nobody wrote it.
    pub span: Span,
    /// What is wrong, one line without a full stop.
    pub message: String,
    /// A few words beside the underlined text.
    pub label: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    /// Another place that belongs to the mistake, such as the first of two equal keys.
    pub related: Option<Related>,
}

impl Diagnostic {
    /// A mistake with neither path nor help.
    #[must_use]
    pub fn new(severity: Severity, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity,
            path: String::new(),
            span,
            message: message.into(),
            label: None,
            help: None,
            related: None,
        }
    }

    /// An error with neither path nor help.
    #[must_use]
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, span, message)
    }

    /// Adds a few words beside the underlined text.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what to write instead.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to write instead, if that is known.
    pub fn help_if(&mut self, help: Option<String>) -> &mut Self {
        self.help = help.or_else(|| self.help.take());
        self
    }

    /// Points at another place that belongs to the mistake.
    pub fn related(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related = Some(Related { span, label: label.into() });
        self
    }

    /// File, line and column of the mistake; `None` if nobody wrote it.
    #[must_use]
    pub fn position<'s>(&self, sources: &'s Sources) -> Option<Position<'s>> {
        sources.position(self.span)
    }

    /// `file:line:column: error: message`.
    #[must_use]
    pub fn line(&self, sources: &Sources) -> String {
        let (severity, message) = (self.severity.word(), &self.message);
        match self.position(sources) {
            Some(Position { file, line, column }) => {
                format!("{file}:{line}:{column}: {severity}: {message}")
            }
            None if self.path.is_empty() => format!("{severity}: {message}"),
            None => format!("{}: {severity}: {message}", self.path),
        }
    }
}

/// Another place that belongs to a mistake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there, in a few words.
    pub label: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The configuration is unusable.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}
