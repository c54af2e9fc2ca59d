//! The metadata of an issuer (OpenID Connect Discovery 1.0, RFC 8414): where its keys are.

use std::net::IpAddr;

use serde_json::Value;

use crate::{JsonFault, parse_object};

/// Why metadata are of no use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MetadataFault {
    /// They are no JSON object.
    Json(JsonFault),
    /// They are those of another issuer: what they say.
    Issuer(String),
    /// They name no keys.
    NoKeys,
    /// Keys would come in plain text from another machine.
    PlainText,
}

/// Where the metadata of an issuer are (section 4.1).
#[must_use]
pub fn metadata_url(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

/// Where the keys are, as the metadata say. They must be the issuer's own (section 4.3).
///
/// # Errors
/// They are of no use.
pub fn jwks_uri(text: &[u8], issuer: &str, insecure: bool) -> Result<String, MetadataFault> {
    let metadata = parse_object(text).map_err(MetadataFault::Json)?;
    let field = |name| metadata.get(name).and_then(Value::as_str);
    match field("issuer") {
        Some(named) if named == issuer => {}
        named => {
            return Err(MetadataFault::Issuer(named.unwrap_or("").chars().take(200).collect()));
        }
    }
    let uri = field("jwks_uri").ok_or(MetadataFault::NoKeys)?;
    match insecure || is_confidential(uri) {
        true => Ok(uri.to_owned()),
        false => Err(MetadataFault::PlainText),
    }
}

/// Whether nobody on the way can change what a URL gives: `https://`, or `http://` within this machine.
#[must_use]
pub fn is_confidential(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    // A user before the host may look like one.
    if authority.contains('@') {
        return false;
    }
    let host = portunus_http::split_host_port(authority.as_bytes()).map_or(&b""[..], |it| it.host);
    let host = std::str::from_utf8(host).unwrap_or("");
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

impl std::fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the document {fault}"),
            Self::Issuer(named) => write!(f, "they are of the issuer `{named}`"),
            Self::NoKeys => f.write_str("they have no `jwks_uri`"),
            Self::PlainText => f.write_str("`jwks_uri` is plain http to another machine"),
        }
    }
}

impl std::error::Error for MetadataFault {}

#[cfg(test)]
mod tests;
