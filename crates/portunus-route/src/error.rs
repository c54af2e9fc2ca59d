//! What is wrong with a pattern, as a plain value.

use std::fmt;

/// Why a pattern could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Where it is, in bytes from the start of the text.
    pub at: usize,
}

impl PatternError {
    pub(crate) fn new(at: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), at }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.help)
    }
}

impl std::error::Error for PatternError {}
