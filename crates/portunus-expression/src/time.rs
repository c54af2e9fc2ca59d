//! Timestamps and durations as CEL writes them.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use portunus_base::Wall;

/// The time of a request.
pub(crate) fn of_wall(wall: Wall) -> Timestamp {
    let micros = i64::try_from(wall.0).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// Reads `1h30m`, `-1.5s`, `250ms`.
pub(crate) fn read_span(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end)?;
        let (_, unit_nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(decimal(number, *unit_nanos)?)?;
        rest = after;
    }
    let nanos = if negative { -nanos } else { nanos };
    span_of_nanos(nanos)
}

/// A decimal number of units in nanoseconds; what is below one is cut off.
fn decimal(number: &str, unit_nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| match text {
        "" => Some(0),
        _ => text.parse::<i128>().ok(),
    };
    let fraction = fraction.get(..fraction.len().min(FRACTION_DIGITS_MAX))?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = digits(fraction)?.checked_mul(unit_nanos)? / scale;
    digits(whole)?.checked_mul(unit_nanos)?.checked_add(part)
}

/// None beyond what an `i64` of nanoseconds holds, which is the range that CEL has.
pub(crate) fn span_of_nanos(nanos: i128) -> Option<SignedDuration> {
    i64::try_from(nanos).ok().map(SignedDuration::from_nanos)
}

/// A duration as CEL writes it: seconds, with a fraction where there is one.
pub(crate) fn span_text(span: SignedDuration) -> String {
    let nanos = span.as_nanos();
    let (whole, fraction) = (nanos.unsigned_abs() / NANOS, nanos.unsigned_abs() % NANOS);
    let sign = if nanos < 0 { "-" } else { "" };
    match fraction {
        0 => format!("{sign}{whole}s"),
        _ => {
            let fraction = format!("{fraction:09}");
            format!("{sign}{whole}.{}s", fraction.trim_end_matches('0'))
        }
    }
}

/// A time zone by its name (`Europe/Berlin`), as an offset (`+02:00`), or `UTC`.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let (sign, clock) = match name.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => (1, name),
        _ => return TimeZone::get(name).ok(),
    };
    let (hours, minutes) = clock.split_once(':')?;
    let part = |text: &str, max: i32| text.parse().ok().filter(|part| (0..=max).contains(part));
    let seconds = (part(hours, 14)? * 60 + part(minutes, 59)?) * 60 * sign;
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

/// A part of a timestamp or a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TimePart {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl TimePart {
    /// True for the parts that durations have too.
    pub(crate) fn is_of_spans(self) -> bool {
        matches!(self, Self::Hours | Self::Minutes | Self::Seconds | Self::Milliseconds)
    }

    pub(crate) fn of_time(self, time: Timestamp, zone: &TimeZone) -> i64 {
        let local = zone.to_datetime(time);
        match self {
            Self::FullYear => local.year().into(),
            Self::Month => i64::from(local.month()) - 1,
            Self::Date => local.day().into(),
            Self::DayOfMonth => i64::from(local.day()) - 1,
            Self::DayOfWeek => local.weekday().to_sunday_zero_offset().into(),
            Self::DayOfYear => i64::from(local.day_of_year()) - 1,
            Self::Hours => local.hour().into(),
            Self::Minutes => local.minute().into(),
            Self::Seconds => local.second().into(),
            Self::Milliseconds => local.millisecond().into(),
        }
    }

    /// The whole duration in this unit.
    pub(crate) fn of_span(self, span: SignedDuration) -> i64 {
        match self {
            Self::Hours => span.as_secs() / 3600,
            Self::Minutes => span.as_secs() / 60,
            Self::Milliseconds => i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
            _ => span.as_secs(),
        }
    }
}

const UNITS: [(&str, i128); 7] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

const NANOS: u128 = 1_000_000_000;

const FRACTION_DIGITS_MAX: usize = 15;

#[cfg(test)]
mod tests;
