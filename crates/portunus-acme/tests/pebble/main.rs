//! Certificates from a real authority: Debian's `pebble`.
//!
//! Each test says that it is skipped where that is not installed.

// `cfg(test)` says to clippy what these modules are.
#[cfg(test)]
mod busy;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod on_demand;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod world;
#[cfg(test)]
mod zone;
