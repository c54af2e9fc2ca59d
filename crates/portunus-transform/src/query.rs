//! Edits of a request's query.

use portunus_exchange::{Exchange, Template};
use portunus_filter::BuildCx;
use portunus_http::{form_encode_into, query_pairs};
use portunus_spec::Spanned;

use crate::form::decoded;
use crate::spec::QueryEditsSpec;

/// Edits of a query, compiled. They are made in this order: `remove`, `set`, `add`.
#[derive(Debug, Default)]
pub(crate) struct QueryEdits {
    remove: Vec<Box<str>>,
    set: Vec<(Box<str>, Template)>,
    add: Vec<(Box<str>, Template)>,
}

impl QueryEdits {
    pub(crate) fn build(spec: &QueryEditsSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let remove = spec.remove.iter().map(|name| name.value.as_str().into()).collect();
        let mut line = |name: &Spanned<String>, value: &Spanned<String>| {
            Some((name.value.as_str().into(), cx.template(value)?))
        };
        let set: Vec<_> = spec.set.iter().map(|(name, value)| line(name, value)).collect();
        let add =
            spec.add.iter().flat_map(|(name, values)| values.iter().map(move |it| (name, it)));
        let add: Vec<_> = add.map(|(name, value)| line(name, value)).collect();
        let (set, add): (Option<_>, Option<_>) =
            (set.into_iter().collect(), add.into_iter().collect());
        Some(Self { remove, set: set?, add: add? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Makes the edits. What they do not name stays as it was written.
    pub(crate) fn apply(&self, exchange: &mut Exchange) {
        let mut out = Vec::new();
        for (name, value) in query_pairs(exchange.request.query().unwrap_or(b"")) {
            if !decoded(name).is_ok_and(|name| self.replaces(&name)) {
                begin(&mut out);
                out.extend_from_slice(name);
                out.push(b'=');
                out.extend_from_slice(value);
            }
        }
        for (name, value) in self.set.iter().chain(&self.add) {
            let mut text = Vec::new();
            value.render(exchange, &mut text);
            begin(&mut out);
            form_encode_into(name.as_bytes(), &mut out);
            out.push(b'=');
            form_encode_into(String::from_utf8_lossy(&text).as_bytes(), &mut out);
        }
        exchange.request.set_query(Some(&*out).filter(|query| !query.is_empty()));
    }

    fn replaces(&self, name: &str) -> bool {
        let removed = self.remove.iter().any(|known| **known == *name);
        removed || self.set.iter().any(|(known, _)| **known == *name)
    }
}

fn begin(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b'&');
    }
}

#[cfg(test)]
mod tests;
