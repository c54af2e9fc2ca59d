//! Common tests of a text, without making a value of it: `request.method == "GET"`,
//! `request.path.startsWith("/api/")`, `claims.tier in ["gold", "silver"]`, `"staff" in identity.groups`.

use std::borrow::Cow;

use crate::error::{EvalError, Fault, Span};
use crate::eval::Run;
use crate::functions::Function;
use crate::kind::Kind;
use crate::tree::{Node, Op};
use crate::value::{BYTES_PER_STEP, List, Value};
use crate::variables::{Read, Variable};

/// A text of the exchange, and what must hold for it.
#[derive(Debug)]
pub(crate) struct TextTest {
    source: Source,
    /// The part of the expression that reads the text.
    span: Span,
    test: Test,
}

/// A list of texts of the exchange, and one that must be in it.
#[derive(Debug)]
pub(crate) struct ListTest {
    list: &'static Variable,
    /// The part of the expression that reads the list.
    span: Span,
    text: Box<str>,
}

#[derive(Debug)]
enum Source {
    Variable(&'static Variable),
    /// A key of a map.
    Key(&'static Variable, Box<str>),
}

#[derive(Debug)]
enum Test {
    Equals(Box<str>),
    /// Sorted.
    OneOf(Box<[Box<str>]>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
}

/// The same operation, as a fast test where there is one.
pub(crate) fn improve(op: Op) -> Op {
    match &op {
        Op::Equal(parts) => equality(parts).map_or(op, text_op),
        Op::Unequal(parts) => match equality(parts) {
            Some(test) => Op::Not(Box::new(Node { span: test.span, op: text_op(test) })),
            None => op,
        },
        Op::In(parts) => match (membership(parts), listed(parts)) {
            (Some(test), _) => text_op(test),
            (None, Some(test)) => Op::ListHas(Box::new(test)),
            (None, None) => op,
        },
        Op::Call(function, args) => affix(*function, args).map_or(op, text_op),
        _ => op,
    }
}

fn text_op(test: TextTest) -> Op {
    Op::Text(Box::new(test))
}

fn equality(parts: &[Node; 2]) -> Option<TextTest> {
    let [left, right] = parts;
    match constant(right) {
        Some(text) => test(left, Test::Equals(text)),
        None => test(right, Test::Equals(constant(left)?)),
    }
}

fn membership(parts: &[Node; 2]) -> Option<TextTest> {
    let [item, whole] = parts;
    let Op::Constant(Value::List(List::Made(items))) = &whole.op else { return None };
    let texts: Option<Vec<Box<str>>> = items.iter().map(exact).collect();
    let mut texts = texts?;
    texts.sort_unstable();
    test(item, Test::OneOf(texts.into()))
}

fn listed(parts: &[Node; 2]) -> Option<ListTest> {
    let [item, whole] = parts;
    match whole.op {
        Op::Read(list) if (list.kind)() == Kind::list(Kind::Text) => {
            Some(ListTest { list, span: whole.span, text: constant(item)? })
        }
        _ => None,
    }
}

fn affix(function: Function, args: &[Node]) -> Option<TextTest> {
    let [text, part] = args else { return None };
    let make = match function {
        Function::StartsWith => Test::StartsWith,
        Function::EndsWith => Test::EndsWith,
        _ => return None,
    };
    test(text, make(constant(part)?))
}

fn test(node: &Node, test: Test) -> Option<TextTest> {
    Some(TextTest { source: source(node)?, span: node.span, test })
}

fn constant(node: &Node) -> Option<Box<str>> {
    match &node.op {
        Op::Constant(value) => exact(value),
        _ => None,
    }
}

/// A text that equals its bytes alone: the replacement character stands for all that is not UTF-8.
fn exact(value: &Value<'_>) -> Option<Box<str>> {
    match value {
        Value::Text(text) if !text.contains('\u{fffd}') => Some((&**text).into()),
        _ => None,
    }
}

fn source(node: &Node) -> Option<Source> {
    match &node.op {
        Op::Read(variable) if matches!(variable.read, Read::Text(_)) => {
            Some(Source::Variable(variable))
        }
        Op::Key(base, name) => match &base.op {
            Op::Read(variable) => Some(Source::Key(variable, name.clone())),
            _ => None,
        },
        _ => None,
    }
}

impl TextTest {
    pub(crate) fn holds(&self, run: &mut Run<'_>) -> Result<bool, EvalError> {
        self.tested(run).map_err(|fault| fault.at(self.span))
    }

    fn tested(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        match self.source.text(run)? {
            Some(text) => {
                run.charge(text.len() / BYTES_PER_STEP)?;
                Ok(self.test.holds(&text))
            }
            // What is no text equals none, and has no beginning.
            None => match self.test {
                Test::Equals(_) | Test::OneOf(_) => Ok(false),
                Test::StartsWith(_) | Test::EndsWith(_) => Err(Fault::Kind),
            },
        }
    }
}

impl ListTest {
    pub(crate) fn holds(&self, run: &mut Run<'_>) -> Result<bool, EvalError> {
        self.tested(run).map_err(|fault| fault.at(self.span))
    }

    fn tested(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let Value::List(List::Texts(items)) = self.list.read(run.exchange, run.now)? else {
            return Err(Fault::Kind);
        };
        run.charge(items.len() / 2)?;
        Ok(items.contains(&self.text))
    }
}

impl Source {
    /// The text; None when the value is of another type.
    fn text<'e>(&self, run: &mut Run<'e>) -> Result<Option<Cow<'e, [u8]>>, Fault> {
        let (variable, key) = match self {
            Self::Variable(variable) => (variable, None),
            Self::Key(variable, key) => (variable, Some(key)),
        };
        let value = match (variable.read, key) {
            (Read::Text(read), None) => return read(run.exchange).map(|text| Some(text.into())),
            (_, None) => variable.read(run.exchange, run.now)?,
            // Reading a map of the exchange looks at nothing but where it is.
            (_, Some(key)) => match variable.read(run.exchange, run.now)? {
                Value::Map(map) => {
                    run.charge(map.lookup())?;
                    map.named(key).ok_or(Fault::Missing)?
                }
                _ => return Err(Fault::Kind),
            },
        };
        Ok(match value {
            Value::Text(Cow::Borrowed(text)) => Some(text.as_bytes().into()),
            Value::Text(Cow::Owned(text)) => Some(text.into_bytes().into()),
            _ => None,
        })
    }
}

impl Test {
    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Equals(wanted) => text == wanted.as_bytes(),
            Self::OneOf(wanted) => {
                wanted.binary_search_by(|known| known.as_bytes().cmp(text)).is_ok()
            }
            Self::StartsWith(part) => text.starts_with(part.as_bytes()),
            Self::EndsWith(part) => text.ends_with(part.as_bytes()),
        }
    }
}
