//! OpenAPI documents that others wrote: read, checked and compiled; and the filters that work by them.
//!
//! A [`Document`] is a text with its values. [`Api::compile`] makes an immutable [`Api`] of it: operations with their
//! parameters, and all schemas, which are compiled as one. Nothing is fetched: a document is one file.

mod api;
mod document;
mod example;
mod fault;
mod finder;
pub mod json;
mod load;
mod media_type;
mod memory;
mod mock;
mod operation;
mod parameter;
mod pointer;
mod prefer;
mod problem;
mod request;
mod response;
mod schema;
mod source;
mod validate;
mod violation;

pub use api::{Api, ApiOptions, Compiled, server_path};
pub use document::{Document, Version};
pub use fault::Fault;
pub use finder::{Finder, NoOperation};
pub use mock::MockSpec;
pub use operation::Operation;
pub use request::{BodyFault, Strictness};
pub use schema::{Flaw, SchemaId, Schemas};
pub use source::{DocumentRoute, routes};
pub use validate::{
    ChoiceSpec, PathChoiceSpec, ValidateBodySpec, ValidateModeSpec, ValidateSchemaSpec,
    ValidateSpec,
};
pub use violation::{Part, Violation};

#[cfg(test)]
mod tests;
