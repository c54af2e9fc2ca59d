//! `all`, `exists`, `exists_one`, `filter` and `map`.

use super::{Evaluated, Run, test, value as value_of};
use crate::error::{EvalError, Fault};
use crate::tree::{Each, EachKind};
use crate::value::{List, Value};

pub(super) fn value<'e>(each: &'e Each, run: &mut Run<'e>) -> Evaluated<'e> {
    let items = items(each, run)?;
    let found = match each.what {
        EachKind::All => quantified(each, &items, false, run).map(Value::Bool),
        EachKind::Exists => quantified(each, &items, true, run).map(Value::Bool),
        EachKind::ExistsOne => one(each, &items, run).map(Value::Bool),
        EachKind::Filter => taken(each, &items, run),
        EachKind::Map => mapped(each, &items, run),
    };
    run.locals.truncate(each.local);
    found
}

/// The items of a list, the keys of a map.
fn items<'e>(each: &'e Each, run: &mut Run<'e>) -> Result<List<'e>, EvalError> {
    let at = |fault: Fault| fault.at(each.range.span);
    match value_of(&each.range, run)? {
        Value::List(list) => Ok(list),
        Value::Map(map) => {
            run.charge(map.weight()).map_err(at)?;
            Ok(List::Made(map.keys().into()))
        }
        _ => Err(at(Fault::Kind)),
    }
}

/// Gives the variable its value for one round.
fn bind<'e>(each: &'e Each, item: Value<'e>, run: &mut Run<'e>) -> Result<(), EvalError> {
    run.charge(1).map_err(|fault| fault.at(each.range.span))?;
    run.locals.truncate(each.local);
    run.locals.push(item);
    Ok(())
}

/// One item that decides is enough, whatever is wrong with the others.
fn quantified<'e>(
    each: &'e Each,
    items: &List<'e>,
    decider: bool,
    run: &mut Run<'e>,
) -> Result<bool, EvalError> {
    let mut pending = None;
    for item in items.iter() {
        bind(each, item, run)?;
        match test(&each.body, run) {
            Ok(value) if value == decider => return Ok(decider),
            Ok(_) => {}
            Err(error) if error.fault == Fault::Cost => return Err(error),
            Err(error) => pending = pending.or(Some(error)),
        }
    }
    pending.map_or(Ok(!decider), Err)
}

fn one<'e>(each: &'e Each, items: &List<'e>, run: &mut Run<'e>) -> Result<bool, EvalError> {
    let mut count = 0;
    for item in items.iter() {
        bind(each, item, run)?;
        count += usize::from(test(&each.body, run)?);
    }
    Ok(count == 1)
}

fn taken<'e>(each: &'e Each, items: &List<'e>, run: &mut Run<'e>) -> Evaluated<'e> {
    let mut taken = Vec::new();
    for item in items.iter() {
        bind(each, item.clone(), run)?;
        if test(&each.body, run)? {
            taken.push(item);
        }
    }
    Ok(Value::List(List::Made(taken.into())))
}

fn mapped<'e>(each: &'e Each, items: &List<'e>, run: &mut Run<'e>) -> Evaluated<'e> {
    let mut mapped = Vec::new();
    for item in items.iter() {
        bind(each, item, run)?;
        let takes = each.filter.as_ref().map(|filter| test(filter, run)).transpose()?;
        if takes.unwrap_or(true) {
            mapped.push(value_of(&each.body, run)?);
        }
    }
    Ok(Value::List(List::Made(mapped.into())))
}
