//! An expression as it was written.

use crate::error::Span;
use crate::value::Value;

/// One node of the tree that the parser makes.
#[derive(Clone, Debug)]
pub(crate) struct Ast {
    pub(crate) what: Written,
    pub(crate) span: Span,
    /// How many levels there are below this node and with it.
    pub(crate) depth: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    Literal(Value<'static>),
    Name(Box<str>),
    Select(Box<Ast>, Box<str>),
    Index(Box<[Ast; 2]>),
    Call(Box<Call>),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Binary, Box<[Ast; 2]>),
    /// `a && b && c`
    All(Vec<Ast>),
    /// `a || b || c`
    Any(Vec<Ast>),
    /// `a ? b : c`
    If(Box<[Ast; 3]>),
    List(Vec<Ast>),
    Map(Vec<[Ast; 2]>),
}

/// `name(args)`, or `target.name(args)`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) target: Option<Ast>,
    pub(crate) name: Box<str>,
    pub(crate) name_at: Span,
    pub(crate) args: Vec<Ast>,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Binary {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// How it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
