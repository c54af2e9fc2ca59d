//! Where a browser goes after a login or a logout: a place on the same host, never another one.

use std::fmt;

/// A path on the same host, perhaps with a query: safe as the value of `Location`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target(String);

impl Target {
    /// The root of the host.
    pub(crate) fn root() -> Self {
        Self("/".to_owned())
    }

    /// Reads a target. `None` for whatever a browser could take for another host: `//host`, `/\host`, absolute URLs,
    /// control characters (browsers drop tabs and line ends before they look), and what is not ASCII.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
        let is_path = text.first() == Some(&b'/') && text.get(1) != Some(&b'/');
        if !is_path || text.len() > TARGET_BYTES_MAX || !text.iter().all(is_plain) {
            return None;
        }
        std::str::from_utf8(text).ok().map(|text| Self(text.to_owned()))
    }

    /// The path without query and fragment.
    pub(crate) fn path(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or(&self.0)
    }

    /// The target as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longer ones would not fit beside the rest in the cookie of a login.
const TARGET_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests;
