//! Ids, clocks, randomness, sizes, durations and rates: what every crate may use.
//!
//! Knows no tokio, no serde, no sockets. Its contents are a closed list: a thing belongs here only when
//! at least two layers need it and it has no better home.

mod clock;
mod hash;
mod id;
mod rng;
mod tls;
mod unit;

pub use clock::{Clock, ManualClock, Mono, SystemClock, Wall};
pub use hash::{hash_bytes, hash_pair};
pub use id::{ListenerId, RouteId, UpstreamId, WorkerId};
pub use rng::Rng;
pub use tls::{ClientCertificate, TlsFacts};
pub use unit::{
    ByteRate, ByteSize, Percent, Rate, UnitError, format_duration, parse_byte_rate, parse_duration,
    parse_percent, parse_rate, parse_size,
};
