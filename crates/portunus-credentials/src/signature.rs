//! HTTP message signatures (RFC 9421): what a signature of a request covers, and whether it holds.
//!
//! Pure: headers in, a verdict out. Nothing here knows whose a key is, what must be covered, or what time it is; the
//! `hmac` filter does. Only requests are looked at, so components of answers (`@status`, `;req`) and of trailers
//! (`;tr`) are unknown here.

mod algorithm;
mod component;
mod digest;
mod fault;
mod input;
mod key;
mod query;

use portunus_http::{HeaderList, TargetForm};

pub use algorithm::Algorithm;
pub use component::Component;
pub use digest::check_digest;
pub use fault::SignatureFault;
pub use input::{SignatureInput, Signed, parse};
pub use key::{KeyFault, VerifyingKey};

/// What of a request can be signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a [u8],
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The port that an authority may leave out.
    pub default_port: u16,
    /// Host and perhaps port, as sent.
    pub authority: &'a [u8],
    /// The path, as sent.
    pub path: &'a [u8],
    /// The query without its `?`.
    pub query: Option<&'a [u8]>,
    /// How the target was written.
    pub form: TargetForm,
    /// The headers.
    pub headers: &'a HeaderList,
}

/// The signature base (RFC 9421 section 2.5): the text that is signed.
///
/// # Errors
/// A covered component that the request does not have, or one with bytes beyond ASCII.
pub fn base(input: &SignatureInput, message: &Message<'_>) -> Result<Vec<u8>, SignatureFault> {
    let mut text = Vec::with_capacity(512);
    for component in &input.components {
        text.extend_from_slice(component.identifier().as_bytes());
        text.extend_from_slice(b": ");
        component.write(message, &mut text)?;
        text.push(b'\n');
    }
    text.extend_from_slice(b"\"@signature-params\": ");
    text.extend_from_slice(input.text.as_bytes());
    if text.is_ascii() { Ok(text) } else { Err(SignatureFault::NotAscii) }
}

#[cfg(test)]
pub(crate) mod tests;
