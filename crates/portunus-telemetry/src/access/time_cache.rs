//! Times as text. The text of a second is made once, not once a line.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::Offset;
use portunus_base::Wall;

/// The caller's cache of the last second's text. One a worker, and one a listener is fine too.
#[derive(Debug, Default)]
pub struct TimeCache {
    second: Option<u64>,
    /// `2026-11-24T06:45:26`
    rfc3339: Vec<u8>,
    /// `24/Nov/2026:06:45:26 +0000`
    common: Vec<u8>,
}

impl TimeCache {
    /// Writes RFC 3339 in UTC with milliseconds.
    pub fn write_rfc3339(&mut self, time: Wall, out: &mut Vec<u8>) {
        self.refresh(time);
        out.extend_from_slice(&self.rfc3339);
        let millis = time.0 / 1000 % 1000;
        out.push(b'.');
        write_padded(millis, out);
        out.push(b'Z');
    }

    /// Writes the form of the common log, without its brackets.
    pub fn write_common(&mut self, time: Wall, out: &mut Vec<u8>) {
        self.refresh(time);
        out.extend_from_slice(&self.common);
    }

    fn refresh(&mut self, time: Wall) {
        let second = time.0 / 1_000_000;
        if self.second == Some(second) {
            return;
        }
        let timestamp =
            i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
        let at = Offset::UTC.to_datetime(timestamp.unwrap_or(Timestamp::MAX));
        let (year, month, day) = (at.year(), at.month(), at.day());
        let (hour, minute, second_) = (at.hour(), at.minute(), at.second());
        let name =
            usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"");
        self.rfc3339.clear();
        self.common.clear();
        // Writing to a Vec cannot fail.
        let _ = write!(
            self.rfc3339,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second_:02}"
        );
        let _ = write!(
            self.common,
            "{day:02}/{name}/{year:04}:{hour:02}:{minute:02}:{second_:02} +0000"
        );
        self.second = Some(second);
    }
}

/// Writes microseconds as milliseconds with three decimals.
pub(super) fn write_millis(us: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(us / 1000).as_bytes());
    out.push(b'.');
    write_padded(us % 1000, out);
}

/// Writes a number below 1000 with three digits.
fn write_padded(number: u64, out: &mut Vec<u8>) {
    out.extend([100, 10, 1].map(|place| b'0' + (number / place % 10) as u8));
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests;
