//! A token as it is sent: the compact form of a signed object (RFC 7515 section 7.1), taken apart but not yet trusted.

mod header;

use serde_json::{Map, Value};

use crate::{Fault, Part, base64url, json};
pub use header::Header;

/// A token taken apart. Nothing in it is to be believed before its signature was checked.
#[derive(Debug)]
pub struct Token<'a> {
    header: Header,
    signed: &'a [u8],
    claims: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart that has at most `bytes_max` bytes.
    ///
    /// # Errors
    /// The token is of another form, is not signed, or asks for an extension.
    pub fn parse(text: &'a [u8], bytes_max: usize) -> Result<Self, Fault> {
        if text.len() > bytes_max {
            return Err(Fault::TooLong);
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(Fault::Parts);
        };
        match parts.count() {
            0 => {}
            2 => return Err(Fault::Encrypted),
            _ => return Err(Fault::Parts),
        }
        let signed = text.get(..header.len() + 1 + claims.len()).unwrap_or_default();
        let header = base64url::decode(header).ok_or(Fault::Base64(Part::Header))?;
        let header = Header::parse(&header)?;
        let signature = base64url::decode(signature).ok_or(Fault::Base64(Part::Signature))?;
        Ok(Self { header, signed, claims, signature })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The claims, whoever wrote them.
    ///
    /// # Errors
    /// They are no base64url or no JSON object, or a key stands twice.
    pub fn claims(&self) -> Result<Map<String, Value>, Fault> {
        let text = base64url::decode(self.claims).ok_or(Fault::Base64(Part::Claims))?;
        json::parse_object(&text).map_err(|fault| Fault::Json(Part::Claims, fault))
    }

    /// What it says of itself, without the rest.
    #[must_use]
    pub fn into_header(self) -> Header {
        self.header
    }
}

/// The longest token that is read where nobody says otherwise, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests;
