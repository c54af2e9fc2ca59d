//! From what was written to what is evaluated: names are resolved, types checked where they can be seen, constants
//! folded.

mod calls;
mod names;

use portunus_base::Wall;
use portunus_exchange::Exchange;

use crate::ast::{Ast, Binary, Written};
use crate::error::{ExpressionError, Span};
use crate::eval::{self, Run};
use crate::fast;
use crate::kind::Kind;
use crate::tree::{Arithmetic, Node, Op, Order};
use crate::value::Value;

/// A node and what is known of its type.
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
}

pub(crate) type Compiled = Result<Typed, ExpressionError>;

/// Compiles one expression.
pub(crate) struct Compiler<'a> {
    /// Named parts of the route's path.
    params: &'a [&'a str],
    /// Whether common tests are made fast ones.
    fast: bool,
    /// Variables of the surrounding `all`, `map` and the like.
    locals: Vec<(Box<str>, Kind)>,
    nodes: usize,
    /// Something was read that only a request with an identity has.
    pub(crate) reads_identity: bool,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(params: &'a [&'a str], fast: bool) -> Self {
        Self { params, fast, locals: Vec::new(), nodes: 0, reads_identity: false }
    }

    pub(crate) fn compile(&mut self, ast: &Ast) -> Compiled {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("an expression has at most {NODES_MAX} parts");
            return Err(ExpressionError::new(ast.span.start, message).help("write several rules"));
        }
        let span = ast.span;
        match &ast.what {
            Written::Literal(value) => Ok(made(Op::Constant(value.clone()), span, value.kind())),
            Written::Name(_) | Written::Select(..) => self.read(ast),
            Written::Index(parts) => self.index(parts, span),
            Written::Call(call) => self.call(call, span),
            Written::Not(inner) => {
                let inner = self.condition(inner)?;
                Ok(made(Op::Not(Box::new(inner)), span, Kind::Bool))
            }
            Written::Negate(inner) => self.negate(inner, span),
            Written::Binary(sign, parts) => self.binary(*sign, parts, span),
            Written::All(parts) => Ok(made(Op::All(self.conditions(parts)?), span, Kind::Bool)),
            Written::Any(parts) => Ok(made(Op::Any(self.conditions(parts)?), span, Kind::Bool)),
            Written::If(parts) => self.choice(parts, span),
            Written::List(items) => self.list(items, span),
            Written::Map(entries) => self.map(entries, span),
        }
    }

    /// Something that must be true or false.
    pub(crate) fn condition(&mut self, ast: &Ast) -> Result<Node, ExpressionError> {
        let Typed { node, kind } = self.compile(ast)?;
        if !kind.may_be(&Kind::Bool) {
            let message = format!("this is of type {}, but a bool is needed", kind.name());
            let error = ExpressionError::new(ast.span.start, message);
            return Err(error.help("compare it with something, as in `request.method == \"GET\"`"));
        }
        Ok(node)
    }

    fn conditions(&mut self, parts: &[Ast]) -> Result<Box<[Node]>, ExpressionError> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn negate(&mut self, inner: &Ast, span: Span) -> Compiled {
        let inner = self.compile(inner)?;
        match inner.kind {
            Kind::Int | Kind::Double | Kind::Any => {
                self.folded(Op::Negate(Box::new(inner.node)), span, inner.kind)
            }
            other => {
                let message = format!("a {} has no negative", other.name());
                Err(ExpressionError::new(span.start, message))
            }
        }
    }

    fn choice(&mut self, parts: &[Ast; 3], span: Span) -> Compiled {
        let [condition, yes, no] = parts;
        let condition = self.condition(condition)?;
        let (yes, no) = (self.compile(yes)?, self.compile(no)?);
        let op = Op::If(Box::new([condition, yes.node, no.node]));
        Ok(made(op, span, yes.kind.join(no.kind)))
    }

    fn list(&mut self, items: &[Ast], span: Span) -> Compiled {
        let items = items.iter().map(|item| self.compile(item));
        let items: Vec<Typed> = items.collect::<Result<_, _>>()?;
        let kinds = items.iter().map(|item| item.kind.clone());
        let kind = Kind::list(kinds.reduce(Kind::join).unwrap_or(Kind::Any));
        self.folded(Op::List(items.into_iter().map(|item| item.node).collect()), span, kind)
    }

    fn map(&mut self, entries: &[[Ast; 2]], span: Span) -> Compiled {
        let (mut compiled, mut kinds) = (Vec::new(), None);
        let mut keys: Vec<Value<'static>> = Vec::new();
        for [key, value] in entries {
            let (at, key, value) = (key.span, self.compile(key)?, self.compile(value)?);
            self.check_key(&key, at, &mut keys)?;
            kinds = Some(match kinds.take() {
                Some(kind) => Kind::join(kind, value.kind),
                None => value.kind,
            });
            compiled.push([key.node, value.node]);
        }
        let kind = Kind::map(kinds.unwrap_or(Kind::Any));
        self.folded(Op::Map(compiled.into()), span, kind)
    }

    fn check_key(
        &self,
        key: &Typed,
        at: Span,
        known: &mut Vec<Value<'static>>,
    ) -> Result<(), ExpressionError> {
        if !matches!(key.kind, Kind::Text | Kind::Int | Kind::Uint | Kind::Bool | Kind::Any) {
            let message = format!("a {} cannot be a key of a map", key.kind.name());
            return Err(ExpressionError::new(at.start, message));
        }
        let Op::Constant(constant) = &key.node.op else { return Ok(()) };
        if known.iter().any(|other| crate::compare::equal(other, constant)) {
            return Err(ExpressionError::new(at.start, "this key is there twice"));
        }
        known.push(constant.clone());
        Ok(())
    }

    fn binary(&mut self, sign: Binary, parts: &[Ast; 2], span: Span) -> Compiled {
        if let Some(found) = self.presence(sign, parts, span) {
            return Ok(found);
        }
        let [left_at, right_at] = [parts[0].span, parts[1].span];
        let (left, right) = (self.compile(&parts[0])?, self.compile(&parts[1])?);
        let operator = operator(sign);
        let Some(kind) = operator.gives(&left.kind, &right.kind) else {
            return Err(mismatch(sign, (&left.kind, left_at), (&right.kind, right_at)));
        };
        let op = operator.op(Box::new([left.node, right.node]));
        self.folded(op, span, kind)
    }

    /// A node whose value is known already when its parts are constants.
    fn folded(&self, op: Op, span: Span, kind: Kind) -> Compiled {
        if !op.is_constant() {
            let op = if self.fast { fast::improve(op) } else { op };
            return Ok(made(op, span, kind));
        }
        let node = Node { op, span };
        let exchange = Exchange::default();
        let value = eval::value(&node, &mut Run::new(&exchange, Wall(0)));
        let value = value.map_err(|error| {
            let message = format!("this {}", error.fault.text());
            ExpressionError::new(error.span.start, message)
        })?;
        let value = value.into_static();
        let kind = if value.kind().may_be(&kind) { kind } else { value.kind() };
        Ok(made(Op::Constant(value), span, kind))
    }
}

fn made(op: Op, span: Span, kind: Kind) -> Typed {
    Typed { node: Node { op, span }, kind }
}

impl Op {
    /// True when all parts are constants, and the same parts always give the same value.
    fn is_constant(&self) -> bool {
        let constant = |node: &Node| matches!(node.op, Self::Constant(_));
        match self {
            Self::Negate(inner) => constant(inner),
            Self::Equal(parts)
            | Self::Unequal(parts)
            | Self::Order(_, parts)
            | Self::Arithmetic(_, parts)
            | Self::In(parts)
            | Self::Index(parts) => parts.iter().all(constant),
            Self::List(items) | Self::Call(_, items) => items.iter().all(constant),
            Self::Map(entries) => entries.iter().flatten().all(constant),
            _ => false,
        }
    }
}

/// What an operator between two values does.
#[derive(Clone, Copy)]
enum Operator {
    Equal,
    Unequal,
    Order(Order),
    In,
    Arithmetic(Arithmetic),
}

impl Operator {
    /// The kind of its result; None where it does not fit between the two.
    fn gives(self, left: &Kind, right: &Kind) -> Option<Kind> {
        match self {
            Self::Equal | Self::Unequal => left.compares(right).then_some(Kind::Bool),
            Self::Order(_) => ordered(left, right),
            Self::In => member(left, right),
            Self::Arithmetic(what) => calculated(what, left, right),
        }
    }

    fn op(self, parts: Box<[Node; 2]>) -> Op {
        match self {
            Self::Equal => Op::Equal(parts),
            Self::Unequal => Op::Unequal(parts),
            Self::Order(order) => Op::Order(order, parts),
            Self::In => Op::In(parts),
            Self::Arithmetic(what) => Op::Arithmetic(what, parts),
        }
    }
}

fn operator(sign: Binary) -> Operator {
    match sign {
        Binary::Equal => Operator::Equal,
        Binary::Unequal => Operator::Unequal,
        Binary::Less => Operator::Order(Order::Less),
        Binary::LessOrEqual => Operator::Order(Order::LessOrEqual),
        Binary::Greater => Operator::Order(Order::Greater),
        Binary::GreaterOrEqual => Operator::Order(Order::GreaterOrEqual),
        Binary::In => Operator::In,
        Binary::Add => Operator::Arithmetic(Arithmetic::Add),
        Binary::Subtract => Operator::Arithmetic(Arithmetic::Subtract),
        Binary::Multiply => Operator::Arithmetic(Arithmetic::Multiply),
        Binary::Divide => Operator::Arithmetic(Arithmetic::Divide),
        Binary::Remainder => Operator::Arithmetic(Arithmetic::Remainder),
    }
}

fn ordered(left: &Kind, right: &Kind) -> Option<Kind> {
    let orderable = |kind: &Kind| !matches!(kind, Kind::Null | Kind::List(_) | Kind::Map(_));
    let fits = left.may_be(right) || left.is_number() && right.is_number();
    (fits && orderable(left) && orderable(right)).then_some(Kind::Bool)
}

fn member(left: &Kind, right: &Kind) -> Option<Kind> {
    let fits = match right {
        Kind::Any | Kind::Map(_) => true,
        Kind::List(item) => left.compares(item),
        _ => false,
    };
    fits.then_some(Kind::Bool)
}

fn calculated(what: Arithmetic, left: &Kind, right: &Kind) -> Option<Kind> {
    let (add, subtract) = (what == Arithmetic::Add, what == Arithmetic::Subtract);
    match (left, right) {
        (Kind::Double, Kind::Double) => (what != Arithmetic::Remainder).then_some(Kind::Double),
        (Kind::Int, Kind::Int) => Some(Kind::Int),
        (Kind::Uint, Kind::Uint) => Some(Kind::Uint),
        (Kind::Any, _) | (_, Kind::Any) => Some(Kind::Any),
        (Kind::Text, Kind::Text) => add.then_some(Kind::Text),
        (Kind::Bytes, Kind::Bytes) => add.then_some(Kind::Bytes),
        (Kind::List(a), Kind::List(b)) => {
            add.then(|| Kind::list((**a).clone().join((**b).clone())))
        }
        (Kind::Time, Kind::Span) => (add || subtract).then_some(Kind::Time),
        (Kind::Span, Kind::Time) => add.then_some(Kind::Time),
        (Kind::Span, Kind::Span) => (add || subtract).then_some(Kind::Span),
        (Kind::Time, Kind::Time) => subtract.then_some(Kind::Span),
        _ => None,
    }
}

fn mismatch(sign: Binary, left: (&Kind, Span), right: (&Kind, Span)) -> ExpressionError {
    let ((left, at), (right, right_at)) = (left, right);
    if sign == Binary::In && !matches!(right, Kind::List(_)) {
        let message = format!("`in` needs a list or a map after it, not a {}", right.name());
        let error = ExpressionError::new(right_at.start, message);
        return error.help("write `x in [\"a\", \"b\"]`, or `text.contains(part)`");
    }
    let message =
        format!("`{}` does not fit between {} and {}", sign.text(), left.name(), right.name());
    let numbers = left.is_number() && right.is_number();
    ExpressionError::new(at.start, message).help_if(match (left, right) {
        _ if numbers => Some("make both of one type with `int()` or `double()`".to_owned()),
        (Kind::Text, Kind::Int) | (Kind::Int, Kind::Text) => {
            Some("write the number in quotes, or `int(text)`".to_owned())
        }
        (Kind::Time, Kind::Text) | (Kind::Text, Kind::Time) => {
            Some("write `timestamp(\"2030-01-01T00:00:00Z\")`".to_owned())
        }
        _ => None,
    })
}

/// How many parts an expression has at most.
const NODES_MAX: usize = 1000;

#[cfg(test)]
mod tests;
