//! Edits of a header list, compiled: names with their ids, values as templates.

use portunus_exchange::{Exchange, Template};
use portunus_filter::BuildCx;
use portunus_http::{HeaderId, HeaderList};
use portunus_spec::{Spanned, check};

use portunus_filter::{HeaderName, Message, check_value};

/// One header with its value.
#[derive(Debug)]
pub(crate) struct HeaderEdit {
    pub(crate) name: HeaderName,
    value: Template,
}

impl HeaderEdit {
    /// Compiles one line of `set`, `add` or `append`.
    pub(crate) fn build(
        name: &Spanned<String>,
        value: &Spanned<String>,
        message: Message,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        let name = HeaderName::write(name, message, name.span, cx.reader);
        let fine = check(value, cx.reader, |text| check_value(text));
        let value = cx.template(value).filter(|_| fine);
        Some(Self { name: name?, value: value? })
    }

    /// The value when no variable is in it.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        self.value.as_literal()
    }

    /// The value for an exchange. A literal costs nothing; else it is written to `scratch`.
    pub(crate) fn value<'a>(&'a self, exchange: &Exchange, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if let Some(literal) = self.literal() {
            return literal;
        }
        scratch.clear();
        self.value.render_value(exchange, scratch);
        scratch
    }

    /// Joins the value to what is there, as one line (RFC 9110 section 5.3).
    pub(crate) fn append(
        &self,
        exchange: &mut Exchange,
        list: fn(&mut Exchange) -> &mut HeaderList,
        scratch: &mut Vec<u8>,
    ) {
        scratch.clear();
        for value in list(exchange).values(&self.name.text) {
            scratch.extend_from_slice(value);
            scratch.extend_from_slice(b", ");
        }
        self.value.render_value(exchange, scratch);
        list(exchange).set(&self.name.text, scratch);
    }
}

/// Adds a header at the end, with the user's case and without looking up its id.
pub(crate) fn add(headers: &mut HeaderList, name: &HeaderName, value: &[u8]) {
    let (text, value) = (headers.store(&name.text), headers.store(value));
    headers.push_stored(name.id, text, value);
}

/// Removes all headers of a name.
pub(crate) fn remove(headers: &mut HeaderList, name: &HeaderName) {
    match name.id {
        HeaderId::Other => headers.remove(&name.text),
        id => headers.remove_id(id),
    };
}
