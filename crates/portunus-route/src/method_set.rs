//! Sets of methods.

use std::fmt;

use portunus_http::{Method, is_token_byte};

use crate::PatternError;

/// Methods. HEAD is in each set that has GET (RFC 9110 section 9.3.2).
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MethodSet {
    known: u16,
    other: Vec<String>,
}

impl MethodSet {
    /// Reads method names.
    ///
    /// # Errors
    /// A name that is no token, or a known one in lower case; `at` of the error counts within that
    /// name.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let mut set = Self::default();
        for name in names {
            check_name(name)?;
            set.insert(name);
        }
        Ok(set)
    }

    /// True for no method at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known == 0 && self.other.is_empty()
    }

    /// True when the set has the method; `text` decides for [`Method::Other`].
    #[must_use]
    pub fn has(&self, method: Method, text: &[u8]) -> bool {
        match method {
            Method::Other => self.other.iter().any(|name| name.as_bytes() == text),
            known => self.known & bit(known) != 0,
        }
    }

    /// The names, well-known ones first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let known = KNOWN.iter().filter(|method| self.known & bit(**method) != 0);
        known.map(|method| method.name()).chain(self.other.iter().map(String::as_str))
    }

    pub(crate) fn extend(&mut self, more: &Self) {
        self.known |= more.known;
        for name in &more.other {
            self.insert(name);
        }
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.known & !self.known == 0 && other.other.iter().all(|name| self.other.contains(name))
    }

    /// True when HEAD is there in its own right: such a rule goes before one that has it through
    /// GET.
    pub(crate) fn has_head_alone(&self) -> bool {
        self.known & bit(Method::Head) != 0 && self.known & bit(Method::Get) == 0
    }

    fn insert(&mut self, name: &str) {
        match Method::of(name.as_bytes()) {
            Method::Other => {
                if let Err(at) = self.other.binary_search_by(|known| known.as_str().cmp(name)) {
                    self.other.insert(at, name.to_owned());
                }
            }
            Method::Get => self.known |= bit(Method::Get) | bit(Method::Head),
            known => self.known |= bit(known),
        }
    }
}

/// The value of an `Allow` header: `GET, HEAD, PUT`.
impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.names().enumerate() {
            write!(f, "{}{name}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

fn bit(method: Method) -> u16 {
    1 << method as u16
}

fn check_name(name: &str) -> Result<(), PatternError> {
    if let Some(at) = name.bytes().position(|byte| !is_token_byte(byte)) {
        let message = format!("`{name}` is not a method");
        return Err(PatternError::new(at, message, "write names like GET or POST"));
    }
    let upper = name.to_ascii_uppercase();
    let known = Method::of(upper.as_bytes()) != Method::Other;
    if name.is_empty() || known && upper != name {
        let message = format!("`{name}` is not a method");
        return Err(PatternError::new(0, message, format!("methods are upper case: `{upper}`")));
    }
    Ok(())
}

const KNOWN: &[Method] = &[
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
    Method::Connect,
    Method::Trace,
];

#[cfg(test)]
mod tests;
