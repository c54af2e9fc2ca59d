//! Types, as far as they are known when an expression is compiled.

/// A type. `Any` fits every other and is checked when the expression is evaluated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Any,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Time,
    Span,
    List(Box<Self>),
    Map(Box<Self>),
}

impl Kind {
    pub(crate) fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    pub(crate) fn map(value: Self) -> Self {
        Self::Map(Box::new(value))
    }

    /// The name that CEL has for it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Any => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Time => "timestamp",
            Self::Span => "duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether a value of this kind may turn out to be of the other.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.may_be(b),
            (a, b) => a == b,
        }
    }

    /// Whether the two may be equal: numbers of all types compare, and everything may be null.
    pub(crate) fn compares(&self, other: &Self) -> bool {
        let null = *self == Self::Null || *other == Self::Null;
        match (self, other) {
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.compares(b),
            (a, b) => null || a.is_number() && b.is_number() || a.may_be(b),
        }
    }

    /// What holds for both.
    pub(crate) fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}
