//! Single parameters of a query (RFC 9421 section 2.2.8).

use portunus_http::{form_decoded, is_form_plain, percent_encode_into, query_pairs};

use super::SignatureFault;

/// Writes the value of a parameter, encoded anew. `wanted` is the parameter's name in that encoding.
///
/// # Errors
/// The parameter is not there, or several times: then it cannot be covered.
pub(crate) fn write_param(
    query: Option<&[u8]>,
    wanted: &str,
    out: &mut Vec<u8>,
) -> Result<(), SignatureFault> {
    let pairs = query_pairs(query.unwrap_or(&[]));
    let mut named = pairs.filter(|(name, _)| encode_anew(name) == wanted);
    let (_, value) = named.next().ok_or(SignatureFault::AbsentComponent)?;
    if named.next().is_some() {
        return Err(SignatureFault::AbsentComponent);
    }
    out.extend_from_slice(encode_anew(value).as_bytes());
    Ok(())
}

/// Decodes a form's text and encodes it in the one way that the standard wants: spaces as `%20`.
fn encode_anew(text: &[u8]) -> String {
    let decoded = form_decoded(text);
    let mut encoded = Vec::with_capacity(decoded.len());
    let text = String::from_utf8_lossy(&decoded);
    percent_encode_into(text.as_bytes(), is_form_plain, &mut encoded);
    // It is ASCII.
    String::from_utf8(encoded).unwrap_or_default()
}
