//! What is asked of the claims of a token (RFC 7519 section 4.1, RFC 8725, RFC 9068).

use std::time::Duration;

use portunus_base::Wall;
use portunus_identity::claim;
use serde_json::{Map, Value};

use crate::Fault;

/// What is asked of the claims of a token. What is empty is not asked.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `iss` must be this.
    pub issuer: Option<String>,
    /// `aud` must hold one of these.
    pub audiences: Vec<String>,
    /// The header's `typ` must be this, without regard to case and to `application/`.
    pub kind: Option<String>,
    /// How far clocks may be apart.
    pub leeway: Duration,
    /// Whether tokens without `exp` are refused.
    pub needs_expiry: bool,
    /// Each of these claims must be there, with one of the values unless there is none.
    pub claims: Vec<(String, Vec<String>)>,
    /// All of these scopes must be there.
    pub scopes: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            issuer: None,
            audiences: Vec::new(),
            kind: None,
            leeway: LEEWAY,
            needs_expiry: true,
            claims: Vec::new(),
            scopes: Vec::new(),
        }
    }
}

impl Rules {
    /// Checks claims at `now`: first whether they hold at all, then whether they are enough.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self, claims: &Map<String, Value>, now: Wall) -> Result<(), Fault> {
        self.check_times(claims, now)?;
        self.check_parties(claims)?;
        for (name, wanted) in &self.claims {
            if !claim(claims, name).is_some_and(|value| fits(value, wanted)) {
                return Err(Fault::Claim(name.as_str().into()));
            }
        }
        let has = |scope: &&String| scopes(claims).any(|known| known == scope.as_str());
        match self.scopes.iter().find(|scope| !has(scope)) {
            Some(missing) => Err(Fault::Scope(missing.as_str().into())),
            None => Ok(()),
        }
    }

    /// Checks the header's `typ`.
    ///
    /// # Errors
    /// It is another one.
    pub fn check_kind(&self, kind: Option<&str>) -> Result<(), Fault> {
        let Some(wanted) = &self.kind else { return Ok(()) };
        let bare =
            |text: &str| text.strip_prefix("application/").unwrap_or(text).to_ascii_lowercase();
        match kind {
            Some(kind) if bare(kind) == bare(wanted) => Ok(()),
            _ => Err(Fault::Type),
        }
    }

    /// When claims stop to hold, the leeway included.
    #[must_use]
    pub fn end(&self, claims: &Map<String, Value>) -> Option<Wall> {
        let seconds = claims.get("exp")?.as_f64()?;
        Some(Wall(microseconds(seconds).saturating_add(self.leeway_us())))
    }

    fn check_times(&self, claims: &Map<String, Value>, now: Wall) -> Result<(), Fault> {
        let leeway = self.leeway_us();
        match time(claims, "exp")? {
            Some(end) if end.saturating_add(leeway) <= now.0 => return Err(Fault::Expired),
            None if self.needs_expiry => return Err(Fault::NoExpiry),
            _ => {}
        }
        let is_to_come = |start: u64| start > now.0.saturating_add(leeway);
        if time(claims, "nbf")?.is_some_and(is_to_come) {
            return Err(Fault::NotYet);
        }
        if time(claims, "iat")?.is_some_and(is_to_come) {
            return Err(Fault::IssuedLater);
        }
        Ok(())
    }

    fn check_parties(&self, claims: &Map<String, Value>) -> Result<(), Fault> {
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(Fault::Issuer);
        }
        let is_meant = || claims.get("aud").is_some_and(|audience| fits(audience, &self.audiences));
        if self.audiences.is_empty() || is_meant() { Ok(()) } else { Err(Fault::Audience) }
    }

    fn leeway_us(&self) -> u64 {
        u64::try_from(self.leeway.as_micros()).unwrap_or(u64::MAX)
    }
}

/// The scopes of claims: `scope` (RFC 8693 section 4.2) or `scp`, each a text of words or a list.
pub fn scopes(claims: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let written = claims.get("scope").or_else(|| claims.get("scp"));
    let (one, list) = match written {
        Some(Value::Array(list)) => (None, list.as_slice()),
        Some(value) => (Some(value), &[][..]),
        None => (None, &[][..]),
    };
    one.into_iter().chain(list).filter_map(Value::as_str).flat_map(str::split_ascii_whitespace)
}

/// Whether a value, or an item of a list, is one of those that are wanted. Any value is, where none is named.
fn fits(value: &Value, wanted: &[String]) -> bool {
    match value {
        Value::Null => false,
        _ if wanted.is_empty() => true,
        Value::Array(list) => list.iter().any(|item| is_one_of(item, wanted)),
        value => is_one_of(value, wanted),
    }
}

fn is_one_of(value: &Value, wanted: &[String]) -> bool {
    match value {
        Value::String(text) => wanted.iter().any(|one| one == text),
        Value::Bool(_) | Value::Number(_) => {
            let text = value.to_string();
            wanted.contains(&text)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// A NumericDate (RFC 7519 section 2) in microseconds.
fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, Fault> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) => Ok(Some(microseconds(seconds))),
            None => Err(Fault::BadTime(name)),
        },
    }
}

/// Seconds as microseconds; what is below 0 or beyond all time stays at the end of the range.
fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

/// How far clocks may be apart where nobody says otherwise.
pub const LEEWAY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
