//! What the whole process takes on.

use std::fmt;

use portunus_base::{ByteSize, parse_size};
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec, read_parsed, spec};

use crate::address::textual;

spec! {
    /// What the whole process takes on at once. What is beyond is refused, so that the rest is served well.
    pub struct ProcessLimitsSpec {
        /// Most connections of clients, over all listeners; none without it. More are closed.
        connections_max: Option<Spanned<u32>>,
        /// Most requests under way, over all listeners; none without it. More are answered with 503.
        requests_max: Option<Spanned<u32>>,
        /// Most memory that the process holds. While it holds more, new requests are answered with 503. `auto` is
        /// three quarters of what its control group (a container, a unit) allows, and none without such a bound.
        memory_max: MemoryMaxSpec = MemoryMaxSpec::Auto,
        /// What one client may have: an IPv4 address, or a /64 network of IPv6. Trusted proxies may have more.
        per_client: ClientLimitsSpec,
    }
}

spec! {
    /// What one client may have.
    pub struct ClientLimitsSpec {
        /// Most connections at once; none without it. More are closed.
        connections_max: Option<Spanned<u32>>,
    }
}

/// How much memory the process may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemoryMaxSpec {
    /// As the control group of the process allows.
    Auto,
    /// As much as it takes.
    None,
    /// So much.
    Bytes(ByteSize),
}

impl MemoryMaxSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, parse_size(text)) {
            ("auto", _) => Ok(Self::Auto),
            ("none", _) => Ok(Self::None),
            (_, Ok(size)) if size.0 > 0 => Ok(Self::Bytes(size)),
            _ => Err("write auto, none, or a size: 512MiB, 2GiB"),
        }
    }
}

impl fmt::Display for MemoryMaxSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Bytes(size) => size.fmt(f),
        }
    }
}

textual! {
    MemoryMaxSpec: "`auto`, `none` or size", "a size, auto or none", ["auto", "512MiB"];
}
