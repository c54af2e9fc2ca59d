//! Quotas by the calendar: so many in a day or a month, in UTC.

use portunus_base::{Rate, Wall};

use crate::admission::Admission;
use crate::table::Table;

/// What many keys have used in their current day or month.
#[derive(Debug)]
pub struct Calendar {
    table: Table,
    period: Period,
}

impl Calendar {
    /// Counters of about `keys_max` keys; 32 bytes a key.
    #[must_use]
    pub fn new(period: Period, keys_max: usize) -> Self {
        Self { table: Table::new(keys_max), period }
    }

    /// Counts `cost`, if no more than `limit` is used then. `key` is a hash that clients cannot choose; where the
    /// counters are kept, it must be the same after a restart.
    #[must_use]
    pub fn admit(&self, key: u64, limit: u64, cost: u64, now: Wall) -> Admission {
        let span = self.period.span(now);
        let step = |word: u64| {
            let used = span.used(word);
            let wanted = used.saturating_add(cost);
            if wanted > limit.min(USED_MAX) {
                return (word, span.answer(false, used, limit));
            }
            let next = if cost == 0 { word } else { span.put(word, wanted) };
            (next, span.answer(true, wanted, limit))
        };
        let answer = self.table.update(key, |word| span.used(word), step);
        answer.unwrap_or_else(|| span.answer(true, 0, limit))
    }

    /// What a request would get, without counting it.
    #[must_use]
    pub fn peek(&self, key: u64, limit: u64, cost: u64, now: Wall) -> Admission {
        let span = self.period.span(now);
        let used = span.used(self.table.word(key));
        span.answer(used.saturating_add(cost) <= limit.min(USED_MAX), used, limit)
    }

    /// Counts `cost` even where it is beyond the limit.
    pub fn charge(&self, key: u64, cost: u64, now: Wall) {
        let span = self.period.span(now);
        let step = |word: u64| {
            let used = span.used(word).saturating_add(cost).min(USED_MAX);
            (if cost == 0 { word } else { span.put(word, used) }, ())
        };
        let _ = self.table.update(key, |word| span.used(word), step);
    }

    /// Gives back what was admitted.
    pub fn refund(&self, key: u64, cost: u64, now: Wall) {
        let span = self.period.span(now);
        let step = |word: u64| {
            let used = span.used(word).saturating_sub(cost);
            (if word == 0 { 0 } else { span.put(word, used) }, ())
        };
        let _ = self.table.update(key, |word| span.used(word), step);
    }

    /// What is used in the current day or month, to be kept over a restart.
    pub fn usages(&self, now: Wall) -> impl Iterator<Item = Usage> {
        let span = self.period.span(now);
        let usages = self.table.words().map(move |(key, word)| (key, span.used(word)));
        usages.filter(|(_, used)| *used > 0).map(move |(key, used)| Usage {
            key,
            start: span.start,
            used,
        })
    }

    /// Counts what was used before a restart. A usage of another day or month is nothing.
    pub fn restore(&self, usage: Usage, now: Wall) {
        if usage.start == self.period.span(now).start {
            self.charge(usage.key, usage.used, now);
        }
    }

    /// The day or month of a moment: when it began, and how many microseconds are left of it.
    #[must_use]
    pub fn span(&self, now: Wall) -> (Wall, u64) {
        let span = self.period.span(now);
        (span.start, span.left_us)
    }

    /// After what it begins anew.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// How many counters in use were forgotten for want of room: those that had used least.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.table.forgotten()
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// What a key has used in one day or month.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// The key, as far as the counters tell keys apart.
    pub key: u64,
    /// When the day or month began.
    pub start: Wall,
    /// How much.
    pub used: u64,
}

/// After what a quota begins anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Period {
    /// At midnight.
    Day,
    /// At midnight before the first.
    Month,
}

impl Period {
    /// The period that a rate such as `10000/d` or `1000000/month` means.
    #[must_use]
    pub fn of(rate: Rate) -> Option<Self> {
        match rate.window.as_secs() {
            DAY_S => Some(Self::Day),
            MONTH_S => Some(Self::Month),
            _ => None,
        }
    }

    /// What it is called in the keys of what is kept.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    fn span(self, now: Wall) -> Span {
        let today = now.0 / DAY_US;
        let (number, since, left) = match self {
            Self::Day => (today, 0, 1),
            Self::Month => month_of(today),
        };
        let start = Wall((today - since) * DAY_US);
        Span { number, start, left_us: (today + left) * DAY_US - now.0 }
    }
}

/// The day or month of a moment.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Days or months since 1970.
    number: u64,
    start: Wall,
    left_us: u64,
}

impl Span {
    /// The word after `word`, with so much used. One that is ahead stays so.
    fn put(self, word: u64, used: u64) -> u64 {
        let tag = if self.is_next(word) { word >> USED_BITS } else { self.tag() };
        tag << USED_BITS | used
    }

    /// Whether a word is of the next span: then the clock was set back over its beginning, and what was used counts.
    fn is_next(self, word: u64) -> bool {
        word >> USED_BITS == Self { number: self.number + 1, ..self }.tag()
    }

    /// What a word says was used in this span.
    fn used(self, word: u64) -> u64 {
        let is_of_it = word >> USED_BITS == self.tag() || self.is_next(word);
        if is_of_it { word & USED_MAX } else { 0 }
    }

    /// Comes round after 179 years. Never 0, as an empty word is.
    fn tag(self) -> u64 {
        self.number % 0xffff + 1
    }

    fn answer(self, allowed: bool, used: u64, limit: u64) -> Admission {
        Admission {
            allowed,
            remaining: limit.saturating_sub(used),
            retry_after_us: if allowed { 0 } else { self.left_us },
            reset_us: self.left_us,
        }
    }
}

/// Of a day since 1970: the number of its month since then, the days of it that are over, and those that are left.
///
/// Years begin in March here, so that the leap day is the last one; 400 years have 146097 days.
fn month_of(days: u64) -> (u64, u64, u64) {
    let since_0000 = days + 719_468;
    let (era, day_of_era) = (since_0000 / 146_097, since_0000 % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let first_of = |month: u64| (153 * month + 2) / 5;
    let year = era * 400 + year_of_era;
    let next = if month == FEBRUARY { year_days(year) } else { first_of(month + 1) };
    let number = year * 12 + month + 2 - 1970 * 12;
    (number, day_of_year - first_of(month), next - day_of_year)
}

/// The days of the year that begins in March of `year`.
fn year_days(year: u64) -> u64 {
    let ends_in = year + 1;
    let is_leap =
        ends_in.is_multiple_of(4) && (!ends_in.is_multiple_of(100) || ends_in.is_multiple_of(400));
    365 + u64::from(is_leap)
}

/// Counted from March.
const FEBRUARY: u64 = 11;
const DAY_S: u64 = 24 * 3600;
const MONTH_S: u64 = 30 * DAY_S;
const DAY_US: u64 = DAY_S * 1_000_000;
const USED_BITS: u32 = 47;
/// 140 millions of millions.
const USED_MAX: u64 = (1 << USED_BITS) - 1;

#[cfg(test)]
mod tests;
