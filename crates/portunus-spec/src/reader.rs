//! Reading a typed spec from nodes: the trait, and the reader that collects every mistake.

use std::fmt::Write as _;

use crate::{Diagnostic, Diagnostics, Node, Severity, Shape, Span, Spanned};

/// A type that users write in a configuration.
pub trait Spec: Sized {
    /// Reads a node. Records every mistake in the reader and goes on; `None` means unusable, and
    /// then at least one error was recorded. A [lenient](Reader::lenient) reader also gives values
    /// with errors.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;

    /// The normal form: what `read` takes back to the same value.
    fn write(&self) -> Node;

    /// What can be written, for the schema and the reference.
    fn shape() -> Shape;

    /// The value of a missing key; `None` where the key is required.
    fn absent() -> Option<Self> {
        None
    }
}

/// Collects mistakes while specs are read, and knows the path of what is being read.
pub struct Reader<'a> {
    lookup: &'a dyn Lookup,
    diagnostics: Diagnostics,
    path: String,
    lenient: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the root.
    #[must_use]
    pub fn new(lookup: &'a dyn Lookup) -> Self {
        Self::at(lookup, String::new())
    }

    /// A reader that starts below the root, at a path such as `hosts.a.use[0].jwt`.
    #[must_use]
    pub fn at(lookup: &'a dyn Lookup, path: impl Into<String>) -> Self {
        let (path, diagnostics) = (path.into(), Diagnostics::default());
        Self { lookup, diagnostics, path, lenient: false }
    }

    /// Makes it go on beside mistakes: what is unusable is left out of its list or map, a field has
    /// its absent value instead, and a misspelt key is read as the one that was most likely meant.
    /// What is read so is only good for finding more mistakes.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Whether it goes on beside mistakes.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Records an error; label and help can be added to what it returns.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report(Severity::Error, span, message.into())
    }

    /// Records a warning.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report(Severity::Warning, span, message.into())
    }

    /// Records `expected {expected}, found {kind of the node}`.
    pub fn wrong_kind(&mut self, node: &Node, expected: &str) -> &mut Diagnostic {
        let message = format!("expected {expected}, found {}", node.kind());
        self.error(node.span, message)
    }

    /// Does something one key further down.
    pub fn key<R>(&mut self, key: &str, inside: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        let result = inside(self);
        self.path.truncate(length);
        result
    }

    /// Does something inside one item of a list.
    pub fn index<R>(&mut self, index: usize, inside: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        let _ = write!(self.path, "[{index}]");
        let result = inside(self);
        self.path.truncate(length);
        result
    }

    /// The path of what is being read.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where secrets come from.
    #[must_use]
    pub fn lookup(&self) -> &'a dyn Lookup {
        self.lookup
    }

    /// All that was recorded so far.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Keeps the text under a span out of everything that is rendered.
    pub fn hide(&mut self, span: Span) {
        self.diagnostics.hide(span);
    }

    /// Adds what another reader found.
    pub fn append(&mut self, diagnostics: Diagnostics) {
        self.diagnostics.append(diagnostics);
    }

    /// Ends the reading.
    #[must_use]
    pub fn finish(self) -> Diagnostics {
        self.diagnostics
    }

    fn report(&mut self, severity: Severity, span: Span, message: String) -> &mut Diagnostic {
        let path = self.path.clone();
        self.diagnostics.push(Diagnostic { path, ..Diagnostic::new(severity, span, message) })
    }
}

/// Environment and files, as far as secrets need them. The loader gives it; this crate has none.
pub trait Lookup {
    /// The value of an environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    /// Why the file cannot be read, as one line for the user.
    fn file(&self, path: &str) -> Result<String, String>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// Why the file cannot be read, as one line for the user.
    fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        self.file(path).map(String::into_bytes)
    }

    /// Whether every user of the machine may read the file.
    fn is_open_to_all(&self, _path: &str) -> bool {
        false
    }
}

/// A world without environment and files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLookup;

impl Lookup for NoLookup {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("cannot read {path}: no files here"))
    }
}

/// What a rule has against a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    message: String,
    help: Option<String>,
}

impl Problem {
    /// A problem in one line, without a full stop.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<&str> for Problem {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// Reports at a value's span what `rule` has against it. Answers whether the value is fine.
pub fn check<T>(
    value: &Spanned<T>,
    reader: &mut Reader<'_>,
    rule: impl FnOnce(&T) -> Result<(), Problem>,
) -> bool {
    let Err(problem) = rule(&value.value) else { return true };
    reader.error(value.span, problem.message).help_if(problem.help);
    false
}
