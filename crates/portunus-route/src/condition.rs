//! What a rule asks for beside host and path.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use portunus_base::ListenerId;
use portunus_http::{HeaderId, RequestHead, query_pairs};

use crate::{MethodSet, TextMatch};

/// What routing knows of the connection that a request came by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConnectionFacts {
    /// The listener.
    pub listener: ListenerId,
    /// The client's address, after PROXY protocol and trusted headers.
    pub client_ip: IpAddr,
}

/// One thing that must hold; a rule's conditions must hold together. A rule has at most one of
/// [`Condition::Listeners`] and one of [`Condition::Methods`].
///
/// They are tried in the order of the variants, methods last: a rule that fails by its method alone
/// is what makes a 405.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Condition {
    /// The request came by one of these listeners.
    Listeners(Vec<ListenerId>),
    /// The client's address is in one of these networks.
    ClientIp(Vec<IpNet>),
    /// A header, by name in any case.
    Header {
        /// Its name.
        name: String,
        /// What its value must be.
        value: TextMatch,
    },
    /// A query parameter. An exact text is compared with the decoded value, a regex with the raw
    /// one.
    Query {
        /// Its name.
        name: String,
        /// What its value must be.
        value: TextMatch,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// What its value must be.
        value: TextMatch,
    },
    /// The method is one of these.
    Methods(MethodSet),
}

/// A condition that did not hold, and what was there instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The condition.
    pub condition: Condition,
    /// What the request has, where it has something.
    pub found: Option<String>,
}

impl Condition {
    pub(crate) fn holds(&self, request: &RequestHead, connection: &ConnectionFacts) -> bool {
        match self {
            Self::Listeners(listeners) => listeners.contains(&connection.listener),
            Self::ClientIp(nets) => {
                let address = connection.client_ip.to_canonical();
                nets.iter().any(|net| net.contains(&address))
            }
            Self::Header { name, value } => {
                value.accepts(request.headers.values(name.as_bytes()), |found, text| found == text)
            }
            Self::Query { name, value } => value.accepts(query_values(request, name), decodes_to),
            Self::Cookie { name, value } => {
                value.accepts(cookie_values(request, name), |found, text| found == text)
            }
            Self::Methods(methods) => methods.has(request.method, request.method_text()),
        }
    }

    pub(crate) fn failure(&self, request: &RequestHead, connection: &ConnectionFacts) -> Failure {
        let text = |found: &[u8]| String::from_utf8_lossy(found).into_owned();
        let found = match self {
            Self::Listeners(_) => Some(connection.listener.to_string()),
            Self::ClientIp(_) => Some(connection.client_ip.to_canonical().to_string()),
            Self::Header { name, .. } => request.headers.value(name.as_bytes()).map(text),
            Self::Query { name, .. } => query_values(request, name).next().map(text),
            Self::Cookie { name, .. } => cookie_values(request, name).next().map(text),
            Self::Methods(_) => Some(text(request.method_text())),
        };
        Failure { condition: self.clone(), found }
    }

    /// Brings lists and names to one form, so that equal conditions are equal values.
    pub(crate) fn normalize(&mut self) {
        match self {
            Self::Listeners(listeners) => sort_unique(listeners),
            Self::ClientIp(nets) => sort_unique(nets),
            Self::Header { name, .. } => name.make_ascii_lowercase(),
            Self::Query { .. } | Self::Cookie { .. } | Self::Methods(_) => {}
        }
    }

    /// True when `self` holds wherever `other` does, as far as this can be seen.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listeners(all), Self::Listeners(some)) => some.iter().all(|id| all.contains(id)),
            (Self::ClientIp(all), Self::ClientIp(some)) => {
                some.iter().all(|net| all.iter().any(|wide| wide.contains(net)))
            }
            (Self::Methods(all), Self::Methods(some)) => all.covers(some),
            (Self::Header { name: a, value: all }, Self::Header { name: b, value: some })
            | (Self::Cookie { name: a, value: all }, Self::Cookie { name: b, value: some }) => {
                a == b && all.covers(some)
            }
            // A regex reads the raw text of a query, so it does not tell about a decoded one.
            (
                Self::Query { name: a, value: TextMatch::Present },
                Self::Query { name: b, value },
            ) => a == b && TextMatch::Present.covers(value),
            _ => self == other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found.as_deref().unwrap_or("");
        match &self.condition {
            Condition::Listeners(listeners) => {
                write!(f, "listener is {found}, wanted ")?;
                list(f, listeners)
            }
            Condition::ClientIp(nets) => {
                write!(f, "client is {found}, wanted ")?;
                list(f, nets)
            }
            Condition::Header { name, value } => self.text(f, "header", name, value),
            Condition::Query { name, value } => self.text(f, "query", name, value),
            Condition::Cookie { name, value } => self.text(f, "cookie", name, value),
            Condition::Methods(methods) => write!(f, "method is {found}, wanted {methods}"),
        }
    }
}

impl Failure {
    fn text(
        &self,
        f: &mut fmt::Formatter<'_>,
        place: &str,
        name: &str,
        wanted: &TextMatch,
    ) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{place} {name} is `{found}`, wanted {wanted}"),
            None => write!(f, "{place} {name} is absent, wanted {wanted}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn sort_unique<T: Ord>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup();
}

fn query_values<'a>(request: &'a RequestHead, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = query_pairs(request.query().unwrap_or(&[]));
    pairs.filter(move |(found, _)| decodes_to(found, name.as_bytes())).map(|(_, value)| value)
}

fn cookie_values<'a>(request: &'a RequestHead, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let headers = request.headers.values_of(HeaderId::Cookie);
    let cookies = headers.flat_map(|value| value.split(|byte| *byte == b';'));
    cookies.filter_map(move |cookie| {
        cookie.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
    })
}

/// True when `raw` is `text`, as it stands or decoded as a form does: `%41` and `+` for a space.
fn decodes_to(raw: &[u8], text: &[u8]) -> bool {
    if raw == text {
        return true;
    }
    let (mut raw, mut text) = (raw, text);
    loop {
        let (Some((found, after)), Some((wanted, left))) = (decoded_byte(raw), text.split_first())
        else {
            return raw.is_empty() && text.is_empty();
        };
        if found != *wanted {
            return false;
        }
        (raw, text) = (after, left);
    }
}

fn decoded_byte(raw: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, after) = raw.split_first()?;
    let escape = (*byte == b'%').then(|| after.split_first_chunk::<2>()).flatten();
    let digits = escape.and_then(|([high, low], tail)| Some((hex(*high)? << 4 | hex(*low)?, tail)));
    Some(digits.unwrap_or((if *byte == b'+' { b' ' } else { *byte }, after)))
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests;
