//! One request and its answer, protocol-neutral: what every layer above passes around.
//!
//! Holds no socket and knows no protocol. An [`Exchange`] is recycled: in steady state a request allocates nothing.

mod attributes;
mod client;
mod error;
mod exchange;
mod extra;
mod held;
mod phase;
mod reply;
pub mod template;

pub use attributes::Attributes;
pub use client::{ClientFacts, Scheme};
pub use error::{ErrorKind, ProxyError, Retry, Side};
pub use exchange::{Bytes2Way, Exchange, Timings};
pub use held::Held;
pub use phase::{Phase, PhaseSet};
pub use reply::{Reason, Reply, ReplyBody};
pub use template::{Template, TemplateError};
