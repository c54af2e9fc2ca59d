//! Files to a typed top level: YAML, includes, environment, secrets, defaults.
//!
//! [`load`] reads the main file and all that belongs to it into a [`ConfigSpec`] and reports every
//! mistake with its place. Features (filters, balancers, providers) are known here only as a name
//! and a node; their owners read the node later. Nothing here opens a socket or resolves a name.

mod address;
mod check;
mod files;
mod format;
mod load;
mod merge;
mod parse;
pub mod spec;
mod variables;

pub use address::{Cidr, EndpointUrl, ListenAddress};
pub use check::check_uses;
pub use files::{Disk, Files, matches};
pub use format::format;
pub use load::{Loaded, Surroundings, load, load_text};
pub use parse::Env;
pub use spec::ConfigSpec;

/// The configuration as one tree in normal form: short forms written out, defaults left out.
#[must_use]
pub fn normal(spec: &ConfigSpec) -> portunus_spec::Node {
    portunus_spec::Spec::write(spec)
}
