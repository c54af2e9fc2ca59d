//! The filter `transform`: bodies, and what goes with them, in another form.
//!
//! A body is taken whole, up to a bound. Of a JSON body only the places that an operation names are opened; all else
//! goes on byte for byte, numbers of any length included. Nothing that a peer sends makes this crate recurse deeper
//! than [`json::DEPTH_MAX`], or grow a body by more than its bound.

mod body;
mod filter;
mod form;
mod json;
mod media;
mod operation;
mod page;
mod pointer;
mod query;
mod spec;
mod value;

pub use spec::TransformSpec;

#[cfg(test)]
mod tests;
