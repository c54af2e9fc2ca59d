//! The header `Authorization: Basic` (RFC 7617).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A user and a password as sent. Debug shows the user alone.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Login {
    /// The user's name.
    pub(super) user: Box<str>,
    /// The password.
    pub(super) password: Box<[u8]>,
}

/// What a header says.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// Another scheme: nothing for us.
    Other,
    /// The scheme, and nothing that can be read after it.
    Malformed,
    /// A user and a password.
    Login(Login),
}

/// Reads the value of `Authorization`.
pub(super) fn read(value: &[u8]) -> Told {
    let (scheme, rest) = match value.iter().position(|byte| *byte == b' ') {
        Some(at) => value.split_at(at),
        None => (value, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Told::Other;
    }
    login(rest.trim_ascii()).map_or(Told::Malformed, Told::Login)
}

fn login(token: &[u8]) -> Option<Login> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    // RFC 7617 section 2: neither part holds control characters.
    if text.chars().any(char::is_control) {
        return None;
    }
    let (user, password) = text.split_once(':').filter(|(user, _)| !user.is_empty())?;
    Some(Login { user: user.into(), password: password.as_bytes().into() })
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({:?}, ..)", self.user)
    }
}

/// Clients write base64 with padding, and some forget it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longer credentials are not read.
const TOKEN_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests;
