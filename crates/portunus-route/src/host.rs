//! Host patterns.

use std::fmt;

use crate::PatternError;

/// Which hosts a rule is for. Names are kept in lower case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HostPattern {
    /// This name and no other.
    Exact(String),
    /// `*.example.com`: one label or more in front of the suffix, here `example.com`. The suffix
    /// alone is not meant. The longest suffix wins.
    Wildcard(String),
    /// `*`: the host of last resort.
    Any,
}

impl HostPattern {
    /// Reads `shop.example.com`, `*.example.com` or `*`.
    ///
    /// # Errors
    /// A port, a path, a `*` elsewhere, or characters that no host name has.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, start) = match text.strip_prefix("*.") {
            Some(suffix) => (suffix, 2),
            None => (text, 0),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        check_name(name, start)?;
        let name = name.to_ascii_lowercase();
        Ok(if start == 0 { Self::Exact(name) } else { Self::Wildcard(name) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*.{suffix}"),
            Self::Any => f.write_str("*"),
        }
    }
}

fn check_name(name: &str, start: usize) -> Result<(), PatternError> {
    if is_ipv6(name) {
        return Ok(());
    }
    if name.split('.').any(str::is_empty) {
        let message = "a host name with an empty label";
        return Err(PatternError::new(start, message, FORMS));
    }
    let bad = name.char_indices().find(|(_, c)| !is_host_char(*c));
    let Some((at, found)) = bad else { return Ok(()) };
    let help = match found {
        ':' => "leave out the port: a host matches on each port of its listeners",
        '/' => "write the host alone; paths go under `routes`",
        '*' => "`*` stands for whole labels at the left: `*.example.com`, or alone for any host",
        c if !c.is_ascii() => "write the name in its ASCII form: `xn--...`",
        _ => FORMS,
    };
    Err(PatternError::new(start + at, format!("`{found}` in a host name"), help))
}

fn is_ipv6(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')
}

const FORMS: &str = "write a name like `shop.example.com`, `*.example.com`, or `*`";

#[cfg(test)]
mod tests;
