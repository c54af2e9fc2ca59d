//! The built-in filters, one module each, and their registry.
//!
//! A module holds what users write (`XSpec`), the filter made of it, and its tests. Nothing outside a module knows
//! what is in it: the registry has one line for each. A filter never waits in a hook and never reads a file but
//! when it is built.

mod authorize;
mod condition;
mod cors;
mod csrf;
mod error_pages;
mod every;
mod fault;
mod forward_auth;
mod grpc_web;
mod header_edit;
mod headers;
mod hsts;
mod inquiry;
mod ip;
mod limits;
mod opa;
mod origin;
mod protobuf;
mod redirect;
mod redirect_https;
pub mod registry;
mod request_id;
mod respond;
mod rewrite;
mod security_headers;
mod target;

pub use registry::{FILTERS, find};

#[cfg(test)]
mod tests;
