//! Clients that stay at their endpoint: what users write of the cookie becomes what it looks like.

use std::fmt::Write as _;

use portunus_config::spec::{StickyCookieSpec, StickySameSiteSpec, StickySpec};
use portunus_http::is_token_byte;
use portunus_spec::{Problem, Reader, Secret, Span, Spanned, check};
use portunus_upstream::{StateStore, StickyKey, StickyPlan};

/// How clients stay. `None` after mistakes.
pub(crate) fn plan(
    spec: &Spanned<StickySpec>,
    store: &StateStore,
    reader: &mut Reader<'_>,
) -> Option<StickyPlan> {
    let fine = reader.key("cookie", |reader| check_cookie(&spec.cookie, reader));
    let key = match &spec.key {
        Some(secret) => check(secret, reader, check_secret).then(|| StickyKey::of(secret.expose())),
        None => Some(own_key(spec.span, store, reader)),
    };
    let key = key.filter(|_| fine)?;
    let StickyCookieSpec { name, secure, hide, .. } = &spec.cookie;
    Some(StickyPlan {
        name: name.as_str().into(),
        attributes: attributes(&spec.cookie).into(),
        secure: match spec.cookie.same_site {
            // Browsers take it no other way.
            StickySameSiteSpec::None => Some(true),
            _ if has_prefix(name) => Some(true),
            _ => secure.as_ref().map(|secure| secure.value),
        },
        hide: *hide,
        key,
    })
}

/// The key that this node keeps.
fn own_key(span: Span, store: &StateStore, reader: &mut Reader<'_>) -> StickyKey {
    let (key, problem) = store.sticky_key();
    if let Some(problem) = problem {
        let message = format!("clients stay until the next start alone: no key in {problem}");
        reader
            .warning(span, message)
            .help("make the folder writable, or write `key: {file: /run/secrets/sticky}`");
    }
    key
}

fn attributes(cookie: &StickyCookieSpec) -> String {
    let StickyCookieSpec { path, domain, max_age, http_only, same_site, .. } = cookie;
    let mut attributes = format!("; Path={}", path.value);
    // Writing to a string does not fail.
    if let Some(domain) = domain {
        let _ = write!(attributes, "; Domain={}", domain.value);
    }
    if let Some(max_age) = max_age {
        let _ = write!(attributes, "; Max-Age={}", max_age.as_secs());
    }
    if *http_only {
        attributes.push_str("; HttpOnly");
    }
    attributes.push_str(match same_site {
        StickySameSiteSpec::Strict => "; SameSite=Strict",
        StickySameSiteSpec::Lax => "; SameSite=Lax",
        StickySameSiteSpec::None => "; SameSite=None",
    });
    attributes
}

fn check_cookie(cookie: &StickyCookieSpec, reader: &mut Reader<'_>) -> bool {
    let mut fine = check(&cookie.name, reader, |name| {
        match !name.is_empty() && name.bytes().all(is_token_byte) {
            true => Ok(()),
            false => Err(Problem::new(format!("`{name}` is not the name of a cookie"))
                .help("write letters, digits, `-` and `_`")),
        }
    });
    fine &= check(&cookie.path, reader, |path| match path.starts_with('/') && is_value(path) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{path}` is not a path")).help("write path: /")),
    });
    if let Some(domain) = &cookie.domain {
        fine &= check(domain, reader, |domain| match domain.contains('.') && is_value(domain) {
            true => Ok(()),
            false => Err(Problem::new(format!("`{domain}` is not a domain"))
                .help("write the domain that the hosts have in common, such as example.com")),
        });
    }
    if let Some(max_age) = &cookie.max_age {
        fine &= check(max_age, reader, |max_age| match max_age.as_secs() {
            0 => Err(Problem::new("it is kept for a second or more").help("write max_age: 1d")),
            _ => Ok(()),
        });
    }
    fine & check_secure(cookie, reader) & check(&cookie.name, reader, |_| check_prefix(cookie))
}

/// Whether the name promises that the cookie was set over HTTPS. Browsers look at it in any case.
fn has_prefix(name: &str) -> bool {
    starts_with(name, HOST) || starts_with(name, SECURE)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Browsers throw away a cookie that does not keep what its name promises (RFC 6265bis section 4.1.3).
fn check_prefix(cookie: &StickyCookieSpec) -> Result<(), Problem> {
    let StickyCookieSpec { name, path, domain, secure, .. } = cookie;
    if has_prefix(name) && secure.as_ref().is_some_and(|secure| !secure.value) {
        return Err(Problem::new(format!("browsers take `{}` over HTTPS alone", name.value))
            .help("remove `secure`, or choose another name"));
    }
    if starts_with(name, HOST) && (domain.is_some() || path.value != "/") {
        let message = format!("browsers take `{}` for one host and all its paths", name.value);
        return Err(
            Problem::new(message).help("remove `domain` and `path`, or choose another name")
        );
    }
    Ok(())
}

fn check_secure(cookie: &StickyCookieSpec, reader: &mut Reader<'_>) -> bool {
    let is_open = |secure: &&Spanned<bool>| !secure.value;
    match cookie.secure.as_ref().filter(is_open) {
        Some(secure) if cookie.same_site == StickySameSiteSpec::None => {
            let message = "browsers take a cookie with `same_site: none` over HTTPS alone";
            reader.error(secure.span, message).help("remove `secure`, or write same_site: lax");
            false
        }
        _ => true,
    }
}

/// What may stand in an attribute (RFC 6265 section 4.1.1).
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}

fn check_secret(secret: &Secret) -> Result<(), Problem> {
    match secret.expose().trim().len() >= SECRET_BYTES_MIN {
        true => Ok(()),
        false => Err(Problem::new("a key has 32 characters or more")
            .help("make one with `openssl rand -hex 32`")),
    }
}

/// What names begin with that promise something.
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";
const SECRET_BYTES_MIN: usize = 32;

#[cfg(test)]
mod tests;
