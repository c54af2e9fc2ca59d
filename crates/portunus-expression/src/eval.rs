//! Evaluation. Every node costs a step, and so does every item and piece of text that is looked at: what a client
//! sends cannot make an expression run long.

mod arithmetic;
mod each;

use portunus_base::Wall;
use portunus_exchange::Exchange;

use crate::compare;
use crate::error::{EvalError, Fault};
use crate::tree::{Node, Op, Order};
use crate::value::{List, Map, Value};

/// One evaluation.
pub(crate) struct Run<'e> {
    pub(crate) exchange: &'e Exchange,
    pub(crate) now: Wall,
    steps_left: usize,
    /// Variables of the surrounding `all`, `map` and the like.
    locals: Vec<Value<'e>>,
}

pub(crate) type Evaluated<'e> = Result<Value<'e>, EvalError>;

impl<'e> Run<'e> {
    pub(crate) fn new(exchange: &'e Exchange, now: Wall) -> Self {
        Self { exchange, now, steps_left: STEPS_MAX, locals: Vec::new() }
    }

    /// Pays for some steps.
    pub(crate) fn charge(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(Fault::Cost)?;
        Ok(())
    }
}

/// The value of a node.
pub(crate) fn value<'e>(node: &'e Node, run: &mut Run<'e>) -> Evaluated<'e> {
    let at = |fault: Fault| fault.at(node.span);
    run.charge(1).map_err(at)?;
    match &node.op {
        Op::Constant(constant) => Ok(constant.borrow()),
        Op::Read(variable) => variable.read(run.exchange, run.now).map_err(at),
        Op::Local(slot) => run.locals.get(*slot).cloned().ok_or_else(|| at(Fault::Missing)),
        Op::Key(base, name) => {
            let base = value(base, run)?;
            key(&base, &Value::Text((&**name).into()), run).map_err(at)
        }
        Op::Index(parts) => {
            let [base, index] = both(parts, run)?;
            key(&base, &index, run).map_err(at)
        }
        Op::Negate(inner) => arithmetic::negative(&value(inner, run)?).map_err(at),
        Op::If(parts) => {
            let [condition, yes, no] = &**parts;
            value(if test(condition, run)? { yes } else { no }, run)
        }
        Op::Arithmetic(what, parts) => {
            let [left, right] = both(parts, run)?;
            run.charge(left.weight() + right.weight()).map_err(at)?;
            arithmetic::of(*what, left, right).map_err(at)
        }
        Op::List(items) => list(items, run).map(Value::List),
        Op::Map(entries) => map(entries, run).map(Value::Map),
        Op::Call(function, args) => {
            let args = values(args, run)?;
            let weight: usize = args.iter().map(Value::weight).sum();
            run.charge(weight * function.weight()).map_err(at)?;
            function.call(&args).map_err(at)
        }
        Op::Time(part, inner, zone) => match value(inner, run)? {
            Value::Time(time) => Ok(Value::Int(part.of_time(time, zone))),
            Value::Span(span) if part.is_of_spans() => Ok(Value::Int(part.of_span(span))),
            _ => Err(at(Fault::Kind)),
        },
        Op::Each(each) => each::value(each, run),
        _ => test_of(node, run).map(Value::Bool),
    }
}

/// The value of a node that must be true or false.
pub(crate) fn test<'e>(node: &'e Node, run: &mut Run<'e>) -> Result<bool, EvalError> {
    if node.op.is_test() {
        run.charge(1).map_err(|fault| fault.at(node.span))?;
        return test_of(node, run);
    }
    match value(node, run)? {
        Value::Bool(value) => Ok(value),
        _ => Err(Fault::Kind.at(node.span)),
    }
}

/// As [`test`], of a node for which [`Op::is_test`] holds; the step for it is paid.
fn test_of<'e>(node: &'e Node, run: &mut Run<'e>) -> Result<bool, EvalError> {
    let at = |fault: Fault| fault.at(node.span);
    match &node.op {
        Op::HasVariable(variable) => Ok(variable.read(run.exchange, run.now).is_ok()),
        Op::HasGroup(group) => Ok((group.is_there)(run.exchange)),
        Op::HasKey(base, name) => has_key(base, name, run),
        Op::Not(inner) => test(inner, run).map(|value| !value),
        Op::All(parts) => decide(parts, false, run),
        Op::Any(parts) => decide(parts, true, run),
        Op::Equal(parts) => equal(parts, run),
        Op::Unequal(parts) => equal(parts, run).map(|same| !same),
        Op::Order(order, parts) => {
            let [left, right] = both(parts, run)?;
            run.charge(left.weight().min(right.weight())).map_err(at)?;
            ordered(*order, &left, &right).map_err(at)
        }
        Op::In(parts) => {
            let [item, whole] = both(parts, run)?;
            is_in(&item, &whole, run).map_err(at)
        }
        Op::Matches(inner, regex) => match value(inner, run)? {
            Value::Text(text) => {
                run.charge(text.len() / BYTES_PER_REGEX_STEP).map_err(at)?;
                Ok(regex.is_match(&text))
            }
            _ => Err(at(Fault::Kind)),
        },
        Op::IpIn(inner, networks) => match value(inner, run)? {
            Value::Text(text) => {
                let ip: std::net::IpAddr = text.parse().map_err(|_| at(Fault::Unreadable))?;
                run.charge(networks.len() / 8).map_err(at)?;
                Ok(is_within(ip, networks))
            }
            _ => Err(at(Fault::Kind)),
        },
        Op::ClientIn(networks) => Ok(is_within(run.exchange.client.ip, networks)),
        Op::Text(text) => text.holds(run),
        Op::ListHas(list) => list.holds(run),
        _ => Err(at(Fault::Kind)),
    }
}

impl Op {
    /// True for what is always true or false.
    fn is_test(&self) -> bool {
        matches!(
            self,
            Self::HasVariable(_)
                | Self::HasGroup(_)
                | Self::HasKey(..)
                | Self::Not(_)
                | Self::All(_)
                | Self::Any(_)
                | Self::Equal(_)
                | Self::Unequal(_)
                | Self::Order(..)
                | Self::In(_)
                | Self::Matches(..)
                | Self::IpIn(..)
                | Self::ClientIn(_)
                | Self::ListHas(_)
                | Self::Text(_)
        )
    }
}

/// `&&` and `||`: one part that decides is enough, whatever is wrong with the others.
fn decide<'e>(parts: &'e [Node], decider: bool, run: &mut Run<'e>) -> Result<bool, EvalError> {
    let mut pending = None;
    for part in parts {
        match test(part, run) {
            Ok(value) if value == decider => return Ok(decider),
            Ok(_) => {}
            Err(error) if error.fault == Fault::Cost => return Err(error),
            Err(error) => pending = pending.or(Some(error)),
        }
    }
    pending.map_or(Ok(!decider), Err)
}

/// A key of a variable that is not there is not there either.
fn has_key<'e>(base: &'e Node, name: &str, run: &mut Run<'e>) -> Result<bool, EvalError> {
    let is_read = matches!(base.op, Op::Read(_));
    match value(base, run) {
        Ok(Value::Map(map)) => {
            run.charge(map.lookup()).map_err(|fault| fault.at(base.span))?;
            Ok(map.named(name).is_some())
        }
        Ok(_) => Err(Fault::Kind.at(base.span)),
        Err(error) if is_read && matches!(error.fault, Fault::Missing | Fault::NoIdentity) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn both<'e>(parts: &'e [Node; 2], run: &mut Run<'e>) -> Result<[Value<'e>; 2], EvalError> {
    let [left, right] = parts;
    Ok([value(left, run)?, value(right, run)?])
}

fn values<'e>(nodes: &'e [Node], run: &mut Run<'e>) -> Result<Vec<Value<'e>>, EvalError> {
    nodes.iter().map(|node| value(node, run)).collect()
}

fn list<'e>(items: &'e [Node], run: &mut Run<'e>) -> Result<List<'e>, EvalError> {
    Ok(List::Made(values(items, run)?.into()))
}

fn map<'e>(entries: &'e [[Node; 2]], run: &mut Run<'e>) -> Result<Map<'e>, EvalError> {
    let entry = |[key, item]: &'e [Node; 2]| Ok((value(key, run)?, value(item, run)?));
    let entries: Vec<_> = entries.iter().map(entry).collect::<Result<_, EvalError>>()?;
    Ok(Map::Made(entries.into()))
}

fn equal<'e>(parts: &'e [Node; 2], run: &mut Run<'e>) -> Result<bool, EvalError> {
    let [left, right] = both(parts, run)?;
    let steps = left.weight().min(right.weight());
    run.charge(steps).map_err(|fault| fault.at(parts[0].span))?;
    Ok(compare::equal(&left, &right))
}

fn ordered(order: Order, left: &Value<'_>, right: &Value<'_>) -> Result<bool, Fault> {
    if !compare::has_order(left, right) {
        return Err(Fault::Kind);
    }
    let Some(found) = compare::order(left, right) else { return Ok(false) };
    Ok(match order {
        Order::Less => found.is_lt(),
        Order::LessOrEqual => found.is_le(),
        Order::Greater => found.is_gt(),
        Order::GreaterOrEqual => found.is_ge(),
    })
}

fn key<'e>(base: &Value<'e>, key: &Value<'_>, run: &mut Run<'e>) -> Result<Value<'e>, Fault> {
    match (base, key) {
        (Value::Map(map), key) => {
            run.charge(map.lookup())?;
            map.value(key).ok_or(Fault::Missing)
        }
        (Value::List(list), Value::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| list.item(at)).ok_or(Fault::Missing)
        }
        (Value::List(list), Value::Uint(at)) => {
            usize::try_from(*at).ok().and_then(|at| list.item(at)).ok_or(Fault::Missing)
        }
        _ => Err(Fault::Kind),
    }
}

fn is_in(item: &Value<'_>, whole: &Value<'_>, run: &mut Run<'_>) -> Result<bool, Fault> {
    match whole {
        Value::List(list) => {
            run.charge(list.len() * (item.weight() + 1) / ITEMS_PER_STEP)?;
            Ok(list.any(|known| compare::equal(known, item)))
        }
        Value::Map(map) => {
            run.charge(map.lookup())?;
            Ok(map.value(item).is_some())
        }
        _ => Err(Fault::Kind),
    }
}

fn is_within(ip: std::net::IpAddr, networks: &[ipnet::IpNet]) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}

/// How much an evaluation may cost.
pub(crate) const STEPS_MAX: usize = 20_000;

/// Bytes that a regex looks at in one step; in its slowest form it takes many nanoseconds for each.
const BYTES_PER_REGEX_STEP: usize = 4;

/// Items of a list that are compared in one step.
const ITEMS_PER_STEP: usize = 2;

#[cfg(test)]
mod tests;
