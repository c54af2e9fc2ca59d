//! A compiled expression: names are resolved, types checked, constants folded.

use ipnet::IpNet;
use jiff::tz::TimeZone;
use regex::Regex;

use crate::error::Span;
use crate::fast::{ListTest, TextTest};
use crate::functions::Function;
use crate::time::TimePart;
use crate::value::Value;
use crate::variables::{Group, Variable};

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    /// The part of the text that it stands for.
    pub(crate) span: Span,
}

/// What a node does.
#[derive(Debug)]
pub(crate) enum Op {
    Constant(Value<'static>),
    Read(&'static Variable),
    /// The variable of a surrounding `all`, `exists`, `map` or the like.
    Local(usize),
    Key(Box<Node>, Box<str>),
    Index(Box<[Node; 2]>),
    HasVariable(&'static Variable),
    HasGroup(&'static Group),
    HasKey(Box<Node>, Box<str>),
    Not(Box<Node>),
    Negate(Box<Node>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    If(Box<[Node; 3]>),
    Equal(Box<[Node; 2]>),
    Unequal(Box<[Node; 2]>),
    Order(Order, Box<[Node; 2]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    List(Box<[Node]>),
    Map(Box<[[Node; 2]]>),
    Call(Function, Box<[Node]>),
    Matches(Box<Node>, Regex),
    /// Whether an address in text is in one of the networks.
    IpIn(Box<Node>, Box<[IpNet]>),
    /// Whether the client's address is.
    ClientIn(Box<[IpNet]>),
    Time(TimePart, Box<Node>, TimeZone),
    Each(Box<Each>),
    /// A common test of a text, without making a value of it.
    Text(Box<TextTest>),
    /// Whether a text is in a list of the exchange, in the same way.
    ListHas(Box<ListTest>),
}

/// How two values must stand to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is done with two values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// `range.all(x, body)` and its kin.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) what: EachKind,
    pub(crate) range: Node,
    /// Where the variable lives while the body is evaluated.
    pub(crate) local: usize,
    /// Of `map` with three arguments: which items are taken.
    pub(crate) filter: Option<Node>,
    pub(crate) body: Node,
}

/// What is made of the items.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EachKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl EachKind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }
}
