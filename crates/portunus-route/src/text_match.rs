//! What the value of a header, query parameter or cookie must be.

use std::fmt;

use crate::{PatternError, TextRegex};

/// What a value must be. Where a name has several values, one that fits is enough.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TextMatch {
    /// `!`: there is none.
    Absent,
    /// Exactly this text.
    Equals(String),
    /// `*`: there is one, whatever its text.
    Present,
    /// `~ regex`: the whole text matches.
    Regex(TextRegex),
}

impl TextMatch {
    /// Reads `text`, `~ regex`, `*` (present) or `!` (absent).
    ///
    /// # Errors
    /// A regex that is none.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(match text {
            "*" => Self::Present,
            "!" => Self::Absent,
            _ => match split_regex(text) {
                Some((source, at)) => Self::Regex(TextRegex::parse(source, at)?),
                None => Self::Equals(text.to_owned()),
            },
        })
    }

    /// True when one of `values` fits; `equal` compares a value with a wanted text.
    pub(crate) fn accepts<'v>(
        &self,
        mut values: impl Iterator<Item = &'v [u8]>,
        equal: impl Fn(&[u8], &[u8]) -> bool,
    ) -> bool {
        match self {
            Self::Absent => values.next().is_none(),
            Self::Present => values.next().is_some(),
            Self::Equals(text) => values.any(|value| equal(value, text.as_bytes())),
            Self::Regex(regex) => values.any(|value| regex.is_match(value)),
        }
    }

    /// True when `self` holds wherever `other` does, as far as this can be seen.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present, Self::Equals(_) | Self::Regex(_)) => true,
            (Self::Regex(regex), Self::Equals(text)) => regex.is_match(text.as_bytes()),
            _ => self == other,
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Equals(text) => write!(f, "`{text}`"),
            Self::Present => f.write_str("any value"),
            Self::Regex(regex) => write!(f, "`{regex}`"),
        }
    }
}

/// The regex in `~ regex` and where it starts.
pub(crate) fn split_regex(text: &str) -> Option<(&str, usize)> {
    let source = text.strip_prefix('~')?.trim_start();
    Some((source, text.len() - source.len()))
}
