//! The cookies of a filter: found, written in pieces that browsers keep, and taken out of what goes to the upstream.

use portunus_http::{HeaderId, HeaderList};
use portunus_spec::spec_enum;

/// How the cookies of one filter are named and written.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    /// The name of the session's cookie, with the prefix that browsers watch over.
    session: String,
    /// What the names of the cookies of logins begin with.
    login: String,
    /// What stands behind each value.
    attributes: String,
}

spec_enum! {
    /// Which requests of other sites bring a cookie along. Without those of links, no login would ever end.
    pub enum SameSite {
        /// Links to this site, and no other ones.
        Lax = "lax",
        /// All, for applications in frames of other sites.
        None = "none",
    }
}

/// What a browser keeps of a cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Life {
    /// So many seconds.
    Seconds(u64),
    /// Nothing: it is removed.
    Over,
}

impl Cookies {
    /// The cookies of that name. Over HTTPS alone unless `secure` is off, and of this host alone unless `domain` says
    /// which ones share them.
    pub(crate) fn new(name: &str, domain: Option<&str>, secure: bool, same_site: SameSite) -> Self {
        let prefix = match (secure, domain) {
            (true, None) => "__Host-",
            (true, Some(_)) => "__Secure-",
            (false, _) => "",
        };
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let mut attributes = format!("; Path=/; HttpOnly; SameSite={same_site}");
        if secure {
            attributes.push_str("; Secure");
        }
        if let Some(domain) = domain {
            attributes.push_str("; Domain=");
            attributes.push_str(domain);
        }
        let session = format!("{prefix}{name}");
        let login = format!("{session}-login.");
        Self { session, login, attributes }
    }

    /// The name of the session's cookie.
    pub(crate) fn session_name(&self) -> &str {
        &self.session
    }

    /// Takes all cookies of the filter out of a request: the upstream does not see them.
    pub(crate) fn take(&self, headers: &mut HeaderList) -> Carried {
        let ours = |(name, _): &(&[u8], &[u8])| self.is_ours(name);
        let owned = |(name, value): (&[u8], &[u8])| {
            let name = std::str::from_utf8(name).ok()?;
            Some((name.to_owned(), value.to_vec()))
        };
        if !pairs(headers).any(|pair| ours(&pair)) {
            return Carried::default();
        }
        let carried = Carried(pairs(headers).filter(ours).filter_map(owned).collect());
        let mut kept = Vec::new();
        for pair in headers.values_of(HeaderId::Cookie).flat_map(split) {
            if !self.is_ours(name_of(pair)) {
                if !kept.is_empty() {
                    kept.extend_from_slice(b"; ");
                }
                kept.extend_from_slice(pair);
            }
        }
        match kept.is_empty() {
            true => _ = headers.remove_id(HeaderId::Cookie),
            false => headers.set_id(HeaderId::Cookie, &kept),
        }
        carried
    }

    /// The sealed session of a request: the pieces of its cookies, put together.
    pub(crate) fn session(&self, carried: &Carried) -> Option<Vec<u8>> {
        let first = carried.value(&self.session)?;
        let dot = first.iter().position(|&byte| byte == b'.')?;
        let (count, rest) = first.split_at_checked(dot)?;
        let count: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
        let mut whole = rest.get(1..)?.to_vec();
        for index in 1..count.min(PIECES_MAX) {
            whole.extend_from_slice(carried.value(&self.piece_name(index))?);
        }
        (1..=PIECES_MAX).contains(&count).then_some(whole)
    }

    /// The values of `Set-Cookie` that keep a sealed session, and remove pieces of an older one that was longer.
    /// `None` when it is too long for a browser.
    pub(crate) fn keep_session(
        &self,
        sealed: &str,
        seconds: u64,
        carried: &Carried,
    ) -> Option<Vec<String>> {
        let pieces: Vec<&str> = chunks(sealed, PIECE_BYTES).collect();
        if pieces.len() > PIECES_MAX {
            return None;
        }
        let life = Life::Seconds(seconds);
        let mut lines: Vec<String> = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            lines.push(match index {
                0 => self.line(&self.session, &format!("{}.{piece}", pieces.len()), life),
                _ => self.line(&self.piece_name(index), piece, life),
            });
        }
        let stale = (pieces.len()..PIECES_MAX).map(|index| self.piece_name(index));
        lines.extend(self.removals(carried, stale));
        Some(lines)
    }

    /// The values of `Set-Cookie` that remove what a request has of a session.
    pub(crate) fn end_session(&self, carried: &Carried) -> Vec<String> {
        let pieces = (1..PIECES_MAX).map(|index| self.piece_name(index));
        self.removals(carried, std::iter::once(self.session.clone()).chain(pieces)).collect()
    }

    fn removals(
        &self,
        carried: &Carried,
        names: impl Iterator<Item = String>,
    ) -> impl Iterator<Item = String> {
        names
            .filter(|name| carried.value(name).is_some())
            .map(|name| self.line(&name, "", Life::Over))
    }

    /// The sealed login of that state.
    pub(crate) fn login<'c>(&self, carried: &'c Carried, state: &str) -> Option<&'c [u8]> {
        carried.value(&self.login_name(state))
    }

    /// The value of `Set-Cookie` that keeps the sealed login of a state, or removes it.
    pub(crate) fn set_login(&self, state: &str, sealed: &str, life: Life) -> String {
        self.line(&self.login_name(state), sealed, life)
    }

    /// The values of `Set-Cookie` that remove logins that were begun and never ended, once there are many.
    pub(crate) fn end_old_logins(&self, carried: &Carried) -> Vec<String> {
        let names = carried.0.iter().map(|(name, _)| name);
        let logins: Vec<_> = names.filter(|name| name.starts_with(&self.login)).collect();
        if logins.len() < LOGINS_MAX {
            return Vec::new();
        }
        logins.iter().map(|name| self.line(name, "", Life::Over)).collect()
    }

    fn is_ours(&self, name: &[u8]) -> bool {
        let piece = name.strip_prefix(self.session.as_bytes()).and_then(|rest| rest.split_first());
        name == self.session.as_bytes()
            || piece.is_some_and(|(dot, _)| *dot == b'.')
            || name.starts_with(self.login.as_bytes())
    }

    fn piece_name(&self, index: usize) -> String {
        format!("{}.{index}", self.session)
    }

    /// A part of the state tells logins of several tabs apart; the whole of it is checked behind the seal.
    fn login_name(&self, state: &str) -> String {
        let token = state.bytes().take(STATE_NAME_BYTES);
        let token =
            token.filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        self.login.chars().chain(token.map(char::from)).collect()
    }

    fn line(&self, name: &str, value: &str, life: Life) -> String {
        let seconds = match life {
            Life::Seconds(seconds) => seconds,
            Life::Over => 0,
        };
        format!("{name}={value}{}; Max-Age={seconds}", self.attributes)
    }
}

/// The cookies of one filter that came with a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried(Vec<(String, Vec<u8>)>);

impl Carried {
    /// The value of the first cookie of that name.
    fn value(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_slice())
    }
}

fn pairs(headers: &HeaderList) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.values_of(HeaderId::Cookie).flat_map(split).map(|pair| {
        let name = name_of(pair);
        (name, pair.get(name.len() + 1..).unwrap_or(b"").trim_ascii())
    })
}

fn split(cookies: &[u8]) -> impl Iterator<Item = &[u8]> {
    cookies.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|&byte| byte == b'=').next().unwrap_or(pair)
}

/// Pieces of an ASCII text.
fn chunks(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let count = text.len().div_ceil(bytes).max(1);
    (0..count).map(move |index| {
        let end = text.len().min((index + 1) * bytes);
        text.get(index * bytes..end).unwrap_or("")
    })
}

/// Browsers keep cookies of 4096 bytes with name, value and attributes (RFC 6265 section 6.1).
const PIECE_BYTES: usize = 3800;
/// Bounds what a browser sends with each request to about 30 KB.
const PIECES_MAX: usize = 8;
const LOGINS_MAX: usize = 5;
const STATE_NAME_BYTES: usize = 10;

#[cfg(test)]
mod tests;
