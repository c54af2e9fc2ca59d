//! The codec from outside: corpora, laws, and other parsers beside it.

mod conformance;
mod corpus;
mod differential;
mod message;
mod properties;
