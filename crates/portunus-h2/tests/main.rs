//! HTTP/2 against peers that are not ours: the `h2` crate, and frames written by hand.

// `cfg(test)` says to clippy what these modules are.
#[cfg(test)]
mod client;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod server;
