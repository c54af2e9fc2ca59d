//! A session: what a browser carries in its cookie, sealed.

use portunus_base::Wall;
use serde_json::{Map, Value, json};

use crate::refresher::Fresh;
use crate::seal::{Sealer, random_text};

/// A login that holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    /// Tells it from all others.
    pub(crate) id: String,
    /// The provider and the client, as [`crate::provider::Provider::mark`] writes them.
    pub(crate) provider: String,
    /// What the provider says of the user.
    pub(crate) claims: Map<String, Value>,
    /// The tokens.
    pub(crate) tokens: Tokens,
    /// When the user logged in, in seconds since the epoch.
    pub(crate) created: u64,
    /// When it was sealed last.
    pub(crate) seen: u64,
}

/// What a provider gave for a login.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tokens {
    /// For the upstream, where it shall have it.
    pub(crate) access: Option<String>,
    /// When the access token ends, in seconds since the epoch.
    pub(crate) access_ends: Option<u64>,
    /// When new tokens are asked for.
    pub(crate) refresh_at: Option<u64>,
    /// For the next access token.
    pub(crate) refresh: Option<String>,
    /// For the provider, at the end.
    pub(crate) id: Option<String>,
    /// What they are good for.
    pub(crate) scope: Option<String>,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// From the login on.
    pub(crate) absolute_s: u64,
    /// Without a request.
    pub(crate) idle_s: u64,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// It holds.
    Good,
    /// It holds, and its cookie must be written anew so that it is not taken for idle.
    Aging,
    /// Its tokens are about to end, or have ended.
    Refresh,
    /// It is over.
    Over,
}

impl Session {
    /// A new one.
    pub(crate) fn begin(
        provider: &str,
        claims: Map<String, Value>,
        tokens: Tokens,
        now: u64,
    ) -> Self {
        let (id, provider) = (random_text::<ID_BYTES>(), provider.to_owned());
        Self { id, provider, claims, tokens, created: now, seen: now }
    }

    /// How it stands.
    pub(crate) fn standing(&self, lifetimes: &Lifetimes, now: u64) -> Standing {
        let (age, idle) = (now.saturating_sub(self.created), now.saturating_sub(self.seen));
        if age >= lifetimes.absolute_s || idle >= lifetimes.idle_s {
            return Standing::Over;
        }
        let refresh_at = self.tokens.refresh_at.filter(|_| self.tokens.refresh.is_some());
        if refresh_at.is_some_and(|refresh_at| now >= refresh_at) {
            return Standing::Refresh;
        }
        // Writing the cookie with each answer would cost more than an idle time that is a tenth too short.
        let is_aging = idle > 0 && idle >= lifetimes.idle_s / AGING_PART;
        if is_aging { Standing::Aging } else { Standing::Good }
    }

    /// How many seconds a browser should keep it.
    pub(crate) fn keep_s(&self, lifetimes: &Lifetimes) -> u64 {
        let ends = self.created.saturating_add(lifetimes.absolute_s);
        ends.saturating_sub(self.seen).min(lifetimes.idle_s)
    }

    /// Whether its access token still holds.
    pub(crate) fn has_access(&self, now: u64) -> bool {
        self.tokens.access_ends.is_none_or(|ends| now < ends)
    }

    /// Takes new tokens, and what the provider says of the user now in place of what it said before. Tokens that it did
    /// not give anew stay.
    pub(crate) fn renew(&mut self, fresh: &Fresh, now: u64) {
        let (old, new) = (std::mem::take(&mut self.tokens), fresh.tokens.clone());
        self.tokens = Tokens {
            access: new.access.or(old.access),
            access_ends: new.access_ends,
            refresh_at: new.refresh_at,
            refresh: new.refresh.or(old.refresh),
            id: new.id.or(old.id),
            scope: new.scope.or(old.scope),
        };
        if let Some(claims) = &fresh.claims {
            let mut old = std::mem::replace(&mut self.claims, claims.clone());
            for name in OF_THE_LOGIN {
                if let Some(value) = old.remove(name) {
                    self.claims.entry(name).or_insert(value);
                }
            }
        }
        self.seen = now;
    }

    /// The same, shorter.
    pub(crate) fn without_id_token(&self) -> Self {
        let mut shorter = self.clone();
        shorter.tokens.id = None;
        shorter
    }

    /// A claim that is text.
    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Seals it under the name of its cookie.
    pub(crate) fn seal(&self, sealer: &Sealer, cookie: &str) -> String {
        let Tokens { access, access_ends, refresh_at, refresh, id, scope } = &self.tokens;
        let tokens = json!([access, access_ends, refresh_at, refresh, id, scope]);
        let whole = json!([self.id, self.provider, self.created, self.seen, tokens, self.claims]);
        sealer.seal(&purpose(cookie), whole.to_string().as_bytes())
    }

    /// Opens a sealed one. `None` when it was not sealed by us for that cookie.
    pub(crate) fn open(sealer: &Sealer, cookie: &str, sealed: &[u8]) -> Option<Self> {
        let text = sealer.open(&purpose(cookie), sealed)?;
        let [id, provider, created, seen, tokens, claims] = read(&text)?;
        let Value::Object(claims) = claims else { return None };
        let [access, access_ends, refresh_at, refresh, id_token, scope] = items(tokens)?;
        let tokens = Tokens {
            access: text_of(access),
            access_ends: access_ends.as_u64(),
            refresh_at: refresh_at.as_u64(),
            refresh: text_of(refresh),
            id: text_of(id_token),
            scope: text_of(scope),
        };
        let (created, seen) = (created.as_u64()?, seen.as_u64()?);
        Some(Self { id: text_of(id)?, provider: text_of(provider)?, claims, tokens, created, seen })
    }
}

/// Reads a list of so many values.
pub(crate) fn read<const N: usize>(text: &[u8]) -> Option<[Value; N]> {
    items(serde_json::from_slice(text).ok()?)
}

fn items<const N: usize>(value: Value) -> Option<[Value; N]> {
    match value {
        Value::Array(items) => items.try_into().ok(),
        _ => None,
    }
}

/// The text of a value that is one.
pub(crate) fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Whole seconds since the epoch.
pub(crate) fn seconds(wall: Wall) -> u64 {
    wall.0 / 1_000_000
}

fn purpose(cookie: &str) -> String {
    format!("session {cookie}")
}

const ID_BYTES: usize = 16;
/// Claims that speak of the login, which stays the same: providers may leave them out later.
const OF_THE_LOGIN: [&str; 4] = ["sid", "auth_time", "acr", "amr"];
/// A session is written anew once this part of its idle time has gone by.
const AGING_PART: u64 = 10;

#[cfg(test)]
mod tests;
