//! Clients that stay at their endpoint: what their cookie says, and which endpoint it means.
//!
//! A cookie's value is the mark of an endpoint: a MAC of its address. Nobody without the key can make one, or learn the
//! address from it, and every node that has the key makes the same.

use std::collections::HashMap;

use portunus_balance::Endpoint;

use crate::sticky_key::StickyKey;

/// How clients of an upstream stay at their endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StickyPlan {
    /// The cookie's name.
    pub name: Box<str>,
    /// What stands behind its value in `Set-Cookie`, `Secure` left out.
    pub attributes: Box<str>,
    /// Whether it comes back over HTTPS alone; when the client came by HTTPS where nothing is said.
    pub secure: Option<bool>,
    /// The upstream does not see it.
    pub hide: bool,
    /// What signs it.
    pub key: StickyKey,
}

impl StickyPlan {
    /// The value of `Set-Cookie` that makes a client stay at the endpoint of this mark.
    #[must_use]
    pub fn set_cookie(&self, mark: &str, https: bool) -> String {
        let Self { name, attributes, .. } = self;
        let secure = if self.secure.unwrap_or(https) { "; Secure" } else { "" };
        format!("{name}={mark}{attributes}{secure}")
    }
}

/// The marks of the endpoints of one set.
#[derive(Debug)]
pub struct StickyMarks {
    marks: Vec<Box<str>>,
    by_mark: HashMap<Box<[u8]>, usize>,
}

impl StickyMarks {
    /// Makes them. Runs off the data path.
    pub(crate) fn of(endpoints: &[Endpoint], key: &StickyKey) -> Self {
        let mark = |endpoint: &Endpoint| key.sign(&endpoint.address.to_string()).into_boxed_str();
        let marks: Vec<Box<str>> = endpoints.iter().map(mark).collect();
        let places = marks.iter().enumerate();
        let by_mark = places.map(|(index, mark)| (Box::from(mark.as_bytes()), index)).collect();
        Self { marks, by_mark }
    }

    /// The mark of the endpoint with this index.
    #[must_use]
    pub fn mark(&self, index: usize) -> Option<&str> {
        self.marks.get(index).map(|mark| &**mark)
    }

    /// The index of the endpoint with this mark.
    #[must_use]
    pub fn endpoint(&self, mark: &[u8]) -> Option<usize> {
        self.by_mark.get(mark).copied()
    }
}

#[cfg(test)]
mod tests;
