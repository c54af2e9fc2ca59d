//! Points in time.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use portunus_base::Wall;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spec, read_parsed};

use crate::address::textual;

/// A point in time, with its zone (RFC 3339).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeSpec(pub Wall);

impl TimeSpec {
    /// Reads a point in time.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "write date, time and zone: 2026-12-31T23:59:59Z, 2026-12-31T23:59:59+01:00";
        text.parse().ok().and_then(wall).map(Self).ok_or(error)
    }
}

impl fmt::Display for TimeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        Timestamp::from_microsecond(us).map_err(|_| fmt::Error)?.fmt(f)
    }
}

/// The end of something: a point in time, or a day, which counts whole (UTC).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EndSpec(pub Wall);

impl EndSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "write a day, or date, time and zone: 2026-12-31, 2026-12-31T23:59:59+01:00";
        let midnight = |day: Date| Offset::UTC.to_timestamp(day.tomorrow()?.at(0, 0, 0, 0));
        // What has a time has a zone too.
        let end = match text.contains(':') {
            true => text.parse(),
            false => text.parse().and_then(midnight),
        };
        end.ok().and_then(wall).map(Self).ok_or(error)
    }
}

impl fmt::Display for EndSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TimeSpec(self.0).fmt(f)
    }
}

fn wall(time: Timestamp) -> Option<Wall> {
    u64::try_from(time.as_microsecond()).ok().map(Wall)
}

textual! {
    TimeSpec: "time", "a point in time", ["2026-12-31T23:59:59Z"];
    EndSpec: "end", "a day or a point in time", ["2026-12-31", "2026-12-31T23:59:59Z"];
}
