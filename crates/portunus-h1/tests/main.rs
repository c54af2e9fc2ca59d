//! The codec from outside: corpora, laws, and other parsers beside it.

// `cfg(test)` says to clippy what these modules are.
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod message;
#[cfg(test)]
mod properties;
