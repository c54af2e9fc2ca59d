//! The headers that every answer of an exchange gets.

use portunus_http::{HeaderId, list_items};

use crate::Exchange;

impl Exchange {
    /// Adds [`Exchange::response_extra`] to the answer, in the place of the answer's own headers of these names. Cookies
    /// stand beside each other, and an answer varies by all that either names (RFC 9110 section 12.5.5).
    pub fn merge_extra(&mut self) {
        let (extra, headers) = (&self.response_extra, &mut self.response.headers);
        let stays = |id| matches!(id, HeaderId::SetCookie | HeaderId::Vary);
        for header in extra.iter().filter(|header| !stays(header.id)) {
            headers.remove(header.name);
        }
        for header in extra.iter() {
            let known = header.id == HeaderId::Vary
                && list_items(header.value).all(|name| {
                    let mut known = headers.values_of(HeaderId::Vary).flat_map(list_items);
                    known.any(|known| known == b"*" || known.eq_ignore_ascii_case(name))
                });
            if !known {
                headers.append(header.name, header.value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
