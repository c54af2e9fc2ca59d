//! What is wrong with a document that somebody else wrote, and where.

use std::fmt;

use portunus_spec::Severity;

/// One thing that is wrong with a document, or that is not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Whether the document is unusable.
    pub severity: Severity,
    /// The name of the document.
    pub file: String,
    /// Line and column, from 1; columns in characters.
    pub at: Option<(usize, usize)>,
    /// Where in the document, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, one line without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (&self.file, &self.message);
        match self.at {
            Some((line, column)) => write!(f, "{file}:{line}:{column}: {message}"),
            None => write!(f, "{file}: {message}"),
        }
    }
}

/// Collects faults of one document; each is placed when all are known.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Unplaced>,
}

/// A fault of which only the pointer is known.
#[derive(Debug)]
pub(crate) struct Unplaced {
    pub(crate) severity: Severity,
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Faults {
    /// An error at a pointer.
    pub(crate) fn error(&mut self, pointer: &str, message: impl Into<String>) -> &mut Unplaced {
        self.push(Severity::Error, pointer, message.into())
    }

    /// A warning at a pointer.
    pub(crate) fn warning(&mut self, pointer: &str, message: impl Into<String>) -> &mut Unplaced {
        self.push(Severity::Warning, pointer, message.into())
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(|fault| fault.severity == Severity::Error)
    }

    pub(crate) fn take(&mut self) -> Vec<Unplaced> {
        std::mem::take(&mut self.list)
    }

    fn push(&mut self, severity: Severity, pointer: &str, message: String) -> &mut Unplaced {
        let pointer = pointer.to_owned();
        self.list.push_mut(Unplaced { severity, pointer, message, help: None })
    }
}

impl Unplaced {
    /// Says what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}
