//! Origins of web pages (RFC 6454), as browsers send them and as users list them.

use portunus_http::valid_authority;
use portunus_spec::{Spanned, check};
use regex::bytes::Regex;

use portunus_filter::BuildCx;
use portunus_spec::Problem;

/// Which origins fit.
#[derive(Debug)]
pub(crate) enum OriginPattern {
    /// Every one.
    Any,
    /// This one, in lower case.
    Exact(Box<str>),
    /// `https://*.example.com`: what stands before and after the star, which stands for one label or several.
    Below(Box<str>, Box<str>),
    /// `http://localhost:*`: what stands before the star, which stands for a port.
    AnyPort(Box<str>),
    /// `~ https://.*\.example\.(com|net)`: the whole origin.
    Regex(Regex),
}

impl OriginPattern {
    /// Compiles what a user wrote.
    pub(crate) fn build(text: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let mut built = None;
        let fine = check(text, cx.reader, |text| {
            built = Some(Self::parse(text)?);
            Ok(())
        });
        built.filter(|_| fine)
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(regex) = text.strip_prefix('~') {
            let whole = format!(r"\A(?:{})\z", regex.trim_start());
            let regex = Regex::new(&whole).map_err(|error| {
                let error = error.to_string();
                Problem::new(format!("not a regex: {}", error.lines().last().unwrap_or(&error)))
            })?;
            return Ok(Self::Regex(regex));
        }
        let text = text.to_ascii_lowercase();
        if text == "null" {
            return Ok(Self::Exact(text.into()));
        }
        let not_origin = || {
            Problem::new(format!("`{text}` is not an origin"))
                .help("write `https://app.example.com`, with its port when it has an unusual one")
        };
        let (scheme, authority) = text.split_once("://").ok_or_else(not_origin)?;
        let fits = |authority: &str| valid_authority(authority.as_bytes());
        let plain =
            scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !plain || scheme.is_empty() {
            return Err(not_origin());
        }
        if let Some(host) = authority.strip_suffix(":*") {
            return match fits(host) && !host.contains(['*', ':']) {
                true => Ok(Self::AnyPort(format!("{scheme}://{host}:").into())),
                false => Err(not_origin()),
            };
        }
        if let Some(rest) = authority.strip_prefix("*.") {
            return match fits(rest) && !rest.contains('*') {
                true => Ok(Self::Below(format!("{scheme}://").into(), format!(".{rest}").into())),
                false => Err(not_origin()),
            };
        }
        if authority.contains('*') || !fits(authority) {
            return Err(not_origin());
        }
        Ok(Self::Exact(without_default_port(scheme, authority).into()))
    }

    /// Whether an origin, as a browser sent it, fits.
    pub(crate) fn fits(&self, origin: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(wanted) => origin.eq_ignore_ascii_case(wanted.as_bytes()),
            Self::Below(scheme, host) => {
                let label = strip(origin, scheme.as_bytes(), host.as_bytes());
                label.is_some_and(|label| !label.is_empty() && label.iter().all(is_label_byte))
            }
            Self::AnyPort(before) => {
                let port = strip(origin, before.as_bytes(), b"");
                port.is_some_and(|port| !port.is_empty() && port.iter().all(u8::is_ascii_digit))
            }
            Self::Regex(regex) => regex.is_match(origin),
        }
    }
}

/// Browsers leave out the port that belongs to the scheme.
fn without_default_port(scheme: &str, authority: &str) -> String {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = authority.strip_suffix(port).unwrap_or(authority);
    format!("{scheme}://{host}")
}

/// What stands between two texts, whatever their case.
fn strip<'t>(text: &'t [u8], before: &[u8], after: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(before.len())?;
    let (inside, end) = rest.split_at_checked(rest.len().checked_sub(after.len())?)?;
    (start.eq_ignore_ascii_case(before) && end.eq_ignore_ascii_case(after)).then_some(inside)
}

fn is_label_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests;
