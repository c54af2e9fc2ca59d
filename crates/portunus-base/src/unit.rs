//! Quantities as people write them: `250ms`, `64KiB`, `100/s`, `20%`.

use std::fmt;
use std::time::Duration;

/// Why a quantity could not be read. Its text says what to write instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnitError(pub &'static str);

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnitError {}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(pub u64);

/// Bytes in each second, written `240B/s`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteRate(pub u64);

/// `count` events in each `window`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rate {
    /// Events allowed in a window.
    pub count: u64,
    /// Length of the window.
    pub window: Duration,
}

/// A share in parts of 1.0, written `20%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

const DURATIONS: &[(&str, u64)] = &[
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

const SIZES: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

const WINDOWS: &[(&str, u64)] =
    &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("month", 30 * 86_400)];

/// Reads one quantity: digits, perhaps a fraction, and a unit of `table`. In units of the table's factor.
fn parse_quantity(
    text: &str,
    table: &[(&str, u64)],
    error: &'static str,
) -> Result<u64, UnitError> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(UnitError(error))?;
    let (number, unit) = text.split_at(digits);
    let factor = table.iter().find(|(name, _)| *name == unit).ok_or(UnitError(error))?.1;
    let value = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        Err(_) if number.contains('.') => {
            number.parse::<f64>().ok().map(|parts| (parts * factor as f64).round() as u64)
        }
        Err(_) => None,
    };
    value.ok_or(UnitError(error))
}

/// The largest unit of `table` that divides `value`.
fn format_quantity(value: u64, table: &[(&str, u64)]) -> String {
    let divides = |(_, factor): &&(&str, u64)| value != 0 && value.is_multiple_of(*factor);
    match table.iter().find(divides).or_else(|| table.last()) {
        Some((unit, factor)) => format!("{}{unit}", value / factor),
        None => value.to_string(),
    }
}

/// Reads `250ms`, `5s`, `1m`, `2h`, `7d` (also `us`).
///
/// # Errors
/// Text without a unit, with an unknown one, or too large for 64 bits of microseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let error = "write a number with a unit: 250ms, 5s, 1m, 2h, 7d";
    parse_quantity(text, DURATIONS, error).map(Duration::from_micros)
}

/// Writes a duration so that [`parse_duration`] reads it back.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if us == 0 { "0s".to_owned() } else { format_quantity(us, DURATIONS) }
}

/// Reads `64KiB`, `1MB`, `512B`.
///
/// # Errors
/// Text without a unit, with an unknown one, or too large.
pub fn parse_size(text: &str) -> Result<ByteSize, UnitError> {
    parse_quantity(text, SIZES, "write a number with a unit: 512B, 64KiB, 1MB, 2GiB").map(ByteSize)
}

/// Reads `1MiB/s`, `240B/s`.
///
/// # Errors
/// Text that is no size and a second.
pub fn parse_byte_rate(text: &str) -> Result<ByteRate, UnitError> {
    let error = UnitError("write a size and a second: 1MiB/s, 500KB/s");
    let size = text.strip_suffix("/s").and_then(|size| parse_size(size.trim_end()).ok());
    size.map(|size| ByteRate(size.0)).ok_or(error)
}

/// Reads `100/s`, `20/m`, `5000/h`, `10000/d`, `1000000/month` (30 days).
///
/// # Errors
/// Text of another form.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    let error =
        UnitError("write a count and a window: 100/s, 20/m, 5000/h, 10000/d, 1000000/month");
    let (count, unit) = text.split_once('/').ok_or_else(|| error.clone())?;
    let window = WINDOWS.iter().find(|(name, _)| *name == unit).ok_or_else(|| error.clone())?.1;
    let count = count.parse().map_err(|_| error)?;
    Ok(Rate { count, window: Duration::from_secs(window) })
}

/// Reads `20%`, `0.5%`.
///
/// # Errors
/// Text of another form, or a share outside 0 to 100 %.
pub fn parse_percent(text: &str) -> Result<Percent, UnitError> {
    let error = UnitError("write a percentage from 0% to 100%");
    let number = text.strip_suffix('%').ok_or_else(|| error.clone())?;
    match number.trim_end().parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(Percent(share / 100.0)),
        _ => Err(error),
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_quantity(self.0, SIZES))
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", ByteSize(self.0))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = WINDOWS.iter().find(|(_, secs)| *secs == self.window.as_secs());
        write!(f, "{}/{}", self.count, unit.map_or("s", |(name, _)| name))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 10_000.0).round() / 100.0)
    }
}

#[cfg(test)]
mod tests;
