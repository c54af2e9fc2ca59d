//! What can be wrong with an expression: when it is compiled, and when it is evaluated.

use std::fmt;

/// Why a text is no expression.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Byte offset into the text.
    pub at: usize,
}

impl ExpressionError {
    pub(crate) fn new(at: u32, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, at: at as usize }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.help_if(Some(help.into()))
    }

    pub(crate) fn help_if(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for ExpressionError {}

/// Why an expression has no value for an exchange. Small and `Copy`; [`crate::Expression::tell`] says it in words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EvalError {
    /// What went wrong.
    pub fault: Fault,
    /// The part of the text that has no value.
    pub(crate) span: Span,
}

/// What can go wrong in an evaluation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The exchange has no such value: a key that is not in a map, an index beyond a list.
    Missing,
    /// The request has no identity.
    NoIdentity,
    /// A value of another type is needed.
    Kind,
    /// The result is out of the range of its type.
    Overflow,
    /// A division by zero.
    DivisionByZero,
    /// A text that is no value of the wanted type.
    Unreadable,
    /// The evaluation would take more steps than are allowed.
    Cost,
}

impl Fault {
    /// The fault in words, after the part of the expression.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::NoIdentity => "has no value: the request has no identity",
            Self::Kind => "has a value of another type than needed here",
            Self::Overflow => "is beyond the range of its type",
            Self::DivisionByZero => "divides by zero",
            Self::Unreadable => "cannot be converted",
            Self::Cost => "takes more steps than are allowed",
        }
    }

    pub(crate) fn at(self, span: Span) -> EvalError {
        EvalError { fault: self, span }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a part of the expression {}", self.fault.text())
    }
}

impl std::error::Error for EvalError {}

/// A part of an expression's text, in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// From the start of this part to the end of another.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}
