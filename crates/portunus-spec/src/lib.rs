//! The value tree of a configuration with source spans, diagnostics, and the traits that typed
//! specs implement.
//!
//! A feature describes what users write with [`spec!`] and [`spec_enum!`]:
//!
//! ```ignore
//! portunus_spec::spec! {
//!     /// Sends the client elsewhere.
//!     pub struct RedirectSpec {
//!         short = to;
//!         /// Where to; variables in braces are filled in.
//!         to: String,
//!         /// Status code.
//!         status: Spanned<u16> = Spanned::none(308),
//!     }
//! }
//!
//! fn build(node: &Node, reader: &mut Reader<'_>) -> Option<Redirect> {
//!     let spec = RedirectSpec::read(node, reader)?;
//!     let fine = check(&spec.status, reader, |status| match status {
//!         300..=399 => Ok(()),
//!         _ => Err(Problem::new("not a redirect").help("write a status from 300 to 399")),
//!     });
//!     fine.then(|| Redirect::new(spec))
//! }
//! ```
//!
//! Reading never stops at the first mistake: all of them land in the reader's [`Diagnostics`].
//! Nothing here touches a file or the environment; what a secret needs comes through [`Lookup`].

mod collection;
mod diagnostic;
mod fields;
mod leaf;
mod macros;
mod nearest;
mod node;
mod reader;
mod secret;
pub mod shape;
mod source;
pub mod yaml;

pub use collection::Named;
pub use diagnostic::{Diagnostic, Diagnostics, Related, Severity};
pub use fields::{Field, Fields};
pub use leaf::{read_parsed, read_word};
pub use nearest::{nearest, suggestion};
pub use node::{Entry, Node, Value};
pub use reader::{Lookup, NoLookup, Problem, Reader, Spec, check};
pub use secret::Secret;
pub use shape::Shape;
pub use source::{Position, SourceId, Sources, Span, Spanned};
