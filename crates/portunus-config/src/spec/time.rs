//! Points in time.

use std::fmt;

use portunus_base::Wall;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spec, read_parsed};

use crate::address::textual;

/// A point in time, with its zone (RFC 3339).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeSpec(pub Wall);

impl TimeSpec {
    /// Reads `2026-12-31T23:59:59Z`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "write date, time and zone: 2026-12-31T23:59:59Z, 2026-12-31T23:59:59+01:00";
        let time: jiff::Timestamp = text.parse().map_err(|_| error)?;
        u64::try_from(time.as_microsecond()).map(|us| Self(Wall(us))).map_err(|_| error)
    }
}

impl fmt::Display for TimeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_microsecond(us).map_err(|_| fmt::Error)?.fmt(f)
    }
}

textual! {
    TimeSpec: "time", "a point in time", ["2026-12-31T23:59:59Z"];
}
