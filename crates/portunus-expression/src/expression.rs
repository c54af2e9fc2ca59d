//! An expression, compiled.

use std::borrow::Cow;

use portunus_base::Wall;
use portunus_exchange::Exchange;

use crate::compile::{Compiler, Typed};
use crate::error::{EvalError, ExpressionError, Fault};
use crate::eval::{self, Run};
use crate::functions;
use crate::kind::Kind;
use crate::parser;
use crate::tree::{Node, Op};
use crate::value::Value;

/// A CEL expression over an exchange: compiled once, evaluated for each request.
///
/// Only what it reads is looked at. An evaluation has a bounded cost, whatever the request is like.
pub struct Expression {
    text: Box<str>,
    root: Node,
    reads_identity: bool,
}

/// A part of a condition and what became of it, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part<'a> {
    /// The part as it was written.
    pub text: &'a str,
    /// Its value, or why it has none.
    pub value: Result<bool, EvalError>,
}

impl Expression {
    /// Compiles an expression of any type. `params` are the named parts of the path that the place allows.
    ///
    /// # Errors
    /// What is no expression, unknown names, and types that do not fit, with the place and what to write instead.
    pub fn compile(text: &str, params: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile_as(text, params, true, |_| Ok(()))
    }

    /// As [`Expression::compile`], for one that must be true or false.
    ///
    /// # Errors
    /// As there, and an expression that is of another type.
    pub fn compile_bool(text: &str, params: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile_as(text, params, true, |kind| match kind.may_be(&Kind::Bool) {
            true => Ok(()),
            false => Err("compare it with something, as in `request.method == \"GET\"`"),
        })
    }

    /// As [`Expression::compile`], for one whose value can be written as text: all types but lists and maps.
    ///
    /// # Errors
    /// As there, and an expression that is a list, a map or `null`.
    pub fn compile_text(text: &str, params: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile_as(text, params, true, |kind| match kind {
            Kind::List(_) => Err("take one of its items, as in `identity.groups[0]`"),
            Kind::Map(_) => Err("take one of its values, as in `claims.tier`"),
            Kind::Null => Err("write a text in quotes"),
            _ => Ok(()),
        })
    }

    /// `fast` is false only to compare the two ways of evaluation.
    pub(crate) fn compile_as(
        text: &str,
        params: &[&str],
        fast: bool,
        fits: fn(&Kind) -> Result<(), &'static str>,
    ) -> Result<Self, ExpressionError> {
        let ast = parser::parse(text)?;
        let mut compiler = Compiler::new(params, fast);
        let Typed { node, kind } = compiler.compile(&ast)?;
        if let Err(help) = fits(&kind) {
            let message = format!("the expression is of type {}", kind.name());
            return Err(ExpressionError::new(node.span.start, message).help(help));
        }
        Ok(Self { text: text.into(), root: node, reads_identity: compiler.reads_identity })
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// A value that is missing or of another type than needed, and a cost beyond the bound.
    pub fn eval_bool(&self, exchange: &Exchange, now: Wall) -> Result<bool, EvalError> {
        eval::test(&self.root, &mut Run::new(exchange, now))
    }

    /// Its value as text. Borrowed from the exchange where it stands there as it is.
    ///
    /// # Errors
    /// As [`Expression::eval_bool`]; lists, maps and `null` are no text.
    pub fn eval_text<'e>(
        &'e self,
        exchange: &'e Exchange,
        now: Wall,
    ) -> Result<Cow<'e, str>, EvalError> {
        match eval::value(&self.root, &mut Run::new(exchange, now))? {
            Value::Text(text) => Ok(text),
            other => functions::to_text(&other).map_err(|fault| fault.at(self.root.span)),
        }
    }

    /// True when it reads `identity` or `claims`: a request without identity may yet fit once it has one.
    #[must_use]
    pub fn reads_identity(&self) -> bool {
        self.reads_identity
    }

    /// The text that was compiled.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The operands of its outer `&&` and `||`, each with its own value: what `explain` shows. Empty when there are
    /// none of them.
    #[must_use]
    pub fn parts(&self, exchange: &Exchange, now: Wall) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        if matches!(self.root.op, Op::All(_) | Op::Any(_)) {
            self.collect(&self.root, exchange, now, &mut parts);
        }
        parts
    }

    fn collect<'a>(
        &'a self,
        node: &'a Node,
        exchange: &Exchange,
        now: Wall,
        parts: &mut Vec<Part<'a>>,
    ) {
        if let Op::All(inner) | Op::Any(inner) = &node.op {
            inner.iter().for_each(|node| self.collect(node, exchange, now, parts));
            return;
        }
        let value = value_of(node, exchange, now);
        parts.push(Part { text: node.span.of(&self.text), value });
    }

    /// An error in words: which part of the text has no value, and why. Tells no values.
    #[must_use]
    pub fn tell(&self, error: &EvalError) -> String {
        match error.fault {
            Fault::Cost => format!("the expression {}", error.fault.text()),
            fault => format!("`{}` {}", error.span.of(&self.text), fault.text()),
        }
    }
}

fn value_of(node: &Node, exchange: &Exchange, now: Wall) -> Result<bool, EvalError> {
    eval::test(node, &mut Run::new(exchange, now))
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression({:?})", self.text)
    }
}

#[cfg(test)]
mod tests;
