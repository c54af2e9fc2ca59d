//! Files to a typed top level: YAML, includes, environment, secrets, defaults.
//!
//! [`load`] reads the main file and all that belongs to it into a [`ConfigSpec`] and reports every
//! mistake with its place. Features (filters, balancers, providers) are known here only as a name
//! and a node; their owners read the node later. Nothing here opens a socket or resolves a name.

mod address;
mod admin;
mod check;
mod files;
mod format;
mod load;
mod merge;
mod parse;
mod replace;
mod salvage;
pub mod spec;
mod variables;

pub use address::{Cidr, EndpointScheme, EndpointUrl, ListenAddress};
pub use admin::AdminPlace;
pub use check::check_uses;
pub use files::{Disk, Files, matches};
pub use format::format;
pub use load::{Loaded, Surroundings, load, load_text};
pub use parse::Env;
pub use replace::{Replacement, replace};
pub use spec::ConfigSpec;

use portunus_spec::{Node, Value};

/// The configuration as one tree in normal form: short forms written out, defaults left out.
/// A `${` in a value is escaped, so that the written tree loads to the same configuration.
#[must_use]
pub fn normal(spec: &ConfigSpec) -> Node {
    let mut node = portunus_spec::Spec::write(spec);
    escape(&mut node);
    node
}

fn escape(node: &mut Node) {
    let text = |text: &mut String| *text = text.replace("${", "$${");
    match &mut node.value {
        Value::Text(value) => text(value),
        Value::Seq(items) => items.iter_mut().for_each(escape),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            text(&mut entry.key.value);
            escape(&mut entry.value);
        }),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

#[cfg(test)]
mod tests;
