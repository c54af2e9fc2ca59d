//! The data path: accept, detect, protocol, and the phases of an exchange.
//!
//! ```text
//! accept -> detect -> protocol -> admit -> route -> request -> select -> connect -> send
//!        -> receive -> response -> relay -> finish
//! ```
//!
//! `serve` accepts, `detect` looks at the first bytes, a protocol turns bytes into exchanges, and `run` moves each
//! exchange through the files of `phases`. Knows no configuration format, no concrete filter, no discovery.

mod breaker;
mod calls;
mod clients;
mod deadline;
mod detect;
mod floor;
mod grpc;
mod hedge;
mod hello;
mod load;
mod local;
mod passage;
mod phases;
mod protocol;
mod queue;
mod recycle;
mod reply;
mod run;
mod serve;
mod service;
mod sticky;
mod tcp;
mod tunnel;
mod udp;
mod websocket;

pub use reply::{ReasonRow, reasons};
pub use service::{MemorySwitch, Pulse, Service, ServiceOptions};

#[cfg(test)]
mod tests;
