//! Single parameters of a query (RFC 9421 section 2.2.8).

use portunus_http::{percent_decode_into, query_pairs};

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
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let mut decoded = Vec::with_capacity(spaced.len());
    percent_decode_into(&spaced, &mut decoded);
    let mut encoded = String::with_capacity(decoded.len());
    for byte in String::from_utf8_lossy(&decoded).bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    encoded
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}
