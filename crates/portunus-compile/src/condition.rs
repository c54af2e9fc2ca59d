//! What a route asks for beside host and path.

use portunus_config::spec::{RouteSpec, WhenSpec};
use portunus_http::is_token_byte;
use portunus_route::{Condition, MethodSet, TextMatch};
use portunus_spec::{Named, Reader, Spanned};

use crate::place::{Extent, report_pattern};

/// The conditions of a route, without those of its host. `None` after mistakes.
pub(crate) fn conditions(route: &RouteSpec, reader: &mut Reader<'_>) -> Option<Vec<Condition>> {
    let methods = methods(route, reader);
    let when = match &route.when {
        Some(when) => reader.key("when", |reader| of_when(when, reader)),
        None => Some(Vec::new()),
    };
    let (mut conditions, methods) = (when?, methods?);
    if !methods.is_empty() {
        conditions.push(Condition::Methods(methods));
    }
    Some(conditions)
}

/// Methods stand beside `when` or in it. That each one is a method the loader has checked.
fn methods(route: &RouteSpec, reader: &mut Reader<'_>) -> Option<MethodSet> {
    let inside = route.when.as_ref().map_or(&[][..], |when| &when.method);
    if let ([first, ..], [second, ..]) = (route.methods.as_slice(), inside) {
        let error = reader.error(second.span, "methods are written in two places");
        error.related(first.span, "and here").help("keep `methods`");
        return None;
    }
    MethodSet::parse(route.methods.iter().chain(inside).map(|method| method.as_str())).ok()
}

fn of_when(when: &WhenSpec, reader: &mut Reader<'_>) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    if !when.client_ip.is_empty() {
        let networks = when.client_ip.iter().map(|range| range.value.0);
        conditions.push(Condition::ClientIp(networks.collect()));
    }
    let headers = texts("header", &when.header, reader, |name, value| {
        let name = name.to_ascii_lowercase();
        Condition::Header { name, value }
    });
    let query = texts("query", &when.query, reader, |name, value| {
        let name = name.to_owned();
        Condition::Query { name, value }
    });
    let cookies = texts("cookie", &when.cookie, reader, |name, value| {
        let name = name.to_owned();
        Condition::Cookie { name, value }
    });
    conditions.extend(headers?.into_iter().chain(query?).chain(cookies?));
    Some(conditions)
}

/// The conditions of one kind of named text.
fn texts(
    kind: &str,
    texts: &Named<Spanned<String>>,
    reader: &mut Reader<'_>,
    condition: impl Fn(&str, TextMatch) -> Condition,
) -> Option<Vec<Condition>> {
    let read = |name: &Spanned<String>, text: &Spanned<String>, reader: &mut Reader<'_>| {
        let named = kind == "query" || !name.is_empty() && name.bytes().all(is_token_byte);
        if !named {
            let message = format!("`{}` is not the name of a {kind}", name.value);
            reader.error(name.span, message).help("write letters, digits and `-`");
        }
        match TextMatch::parse(text) {
            Ok(value) => named.then(|| condition(name, value)),
            Err(error) => {
                report_pattern(error, text, Extent::Rest, reader);
                None
            }
        }
    };
    reader.key(kind, |reader| {
        let all: Vec<Option<Condition>> = (texts.iter())
            .map(|(name, text)| reader.key(name, |reader| read(name, text, reader)))
            .collect();
        all.into_iter().collect()
    })
}
