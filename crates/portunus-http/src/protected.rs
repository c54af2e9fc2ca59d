//! Names that nobody may slip in, neither under another spelling nor as a trailer.

use crate::HeaderId;

/// Headers that say who the client is, or where and how long the message is.
#[must_use]
pub fn is_protected(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::Authorization
            | HeaderId::ClientCert
            | HeaderId::ClientCertChain
            | HeaderId::Connection
            | HeaderId::ContentEncoding
            | HeaderId::ContentLength
            | HeaderId::ContentRange
            | HeaderId::ContentType
            | HeaderId::Cookie
            | HeaderId::Expect
            | HeaderId::Forwarded
            | HeaderId::Host
            | HeaderId::KeepAlive
            | HeaderId::Origin
            | HeaderId::ProxyAuthorization
            | HeaderId::ProxyConnection
            | HeaderId::SetCookie
            | HeaderId::Te
            | HeaderId::Trailer
            | HeaderId::TransferEncoding
            | HeaderId::Upgrade
            | HeaderId::Via
            | HeaderId::XConsumerGroups
            | HeaderId::XConsumerId
            | HeaderId::XConsumerUsername
            | HeaderId::XCredentialIdentifier
            | HeaderId::XForwardedClientCert
            | HeaderId::XForwardedFor
            | HeaderId::XForwardedHost
            | HeaderId::XForwardedMethod
            | HeaderId::XForwardedPort
            | HeaderId::XForwardedPrefix
            | HeaderId::XForwardedProto
            | HeaderId::XForwardedUri
            | HeaderId::XRealIp
    )
}

/// True for a name that becomes a protected one when underscores are read as dashes, as CGI does.
#[must_use]
pub fn is_lookalike(name: &[u8]) -> bool {
    let mut dashed = [0u8; NAME_MAX];
    let Some(dashed) = dashed.get_mut(..name.len()) else { return false };
    for (to, from) in dashed.iter_mut().zip(name) {
        *to = if *from == b'_' { b'-' } else { *from };
    }
    dashed != name && is_protected(HeaderId::of(dashed))
}

/// Whether two names are one to a server that knows no case and takes `_` for `-`, as CGI does.
#[must_use]
pub fn names_are_alike(a: &[u8], b: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    a.len() == b.len() && a.iter().map(plain).eq(b.iter().map(plain))
}

/// No protected name is longer.
const NAME_MAX: usize = 64;

#[cfg(test)]
mod tests;
