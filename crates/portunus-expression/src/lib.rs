//! CEL expressions over an exchange: compiled when the configuration is loaded, evaluated for each request.
//!
//! The language is [CEL](https://github.com/google/cel-spec) without messages and optionals; [`VARIABLES`] and
//! [`FUNCTIONS`] list what there is. Types are checked when an expression is compiled, as far as they are known.
//! Nothing is gathered beforehand: a node reads the exchange itself, and only when it is evaluated. An evaluation
//! takes a bounded number of steps, regexes are linear, and nesting is bounded, so that neither a configuration nor
//! a request can stall a worker.

mod ast;
mod compare;
mod compile;
mod error;
mod eval;
mod expression;
mod fast;
mod functions;
mod kind;
mod lexer;
mod parser;
mod time;
mod tree;
mod value;
mod variables;

pub use error::{EvalError, ExpressionError, Fault};
pub use expression::{Expression, Part};
pub use functions::{FUNCTIONS, FunctionLine};
pub use variables::{VARIABLES, Variable};

#[cfg(test)]
mod tests;
