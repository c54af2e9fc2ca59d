//! The document that a policy sees of a request.

use portunus_exchange::Exchange;
use portunus_http::{form_decoded, percent_decode_into, query_pairs};
use portunus_identity::Identity;
use serde_json::{Map, Value, json};

use portunus_filter::HeaderName;

/// `{"input": {...}}`; `names` are the headers that it sees, None for all.
pub(super) fn of(exchange: &Exchange, names: Option<&[HeaderName]>) -> Value {
    let asked = &exchange.request;
    let segments = asked.path().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    json!({"input": {
        "method": text(asked.method_text()),
        "path": text(asked.path()),
        "parsed_path": segments.map(decoded).collect::<Vec<_>>(),
        "query": query(exchange),
        "headers": headers(exchange, names),
        "host": text(asked.host()),
        "scheme": exchange.client.scheme.text(),
        "client_ip": exchange.client.ip.to_canonical().to_string(),
        "route": exchange.route_name.as_deref(),
        "identity": exchange.identity.as_deref().map(identity),
    }})
}

fn identity(identity: &Identity) -> Value {
    let consumer = identity.consumer.as_deref();
    json!({
        "method": identity.method,
        "subject": identity.subject,
        "name": identity.name(),
        "consumer": consumer.map(|it| &it.id),
        "plan": consumer.and_then(|it| it.plan.as_ref()).map(|plan| &plan.name),
        "groups": identity.groups,
        "scopes": identity.scopes,
        "claims": identity.claims,
    })
}

/// Each parameter with all of its values.
fn query(exchange: &Exchange) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in query_pairs(exchange.request.query().unwrap_or(b"")) {
        let values = map.entry(form_text(name)).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(Value::String(form_text(value)));
        }
    }
    map
}

/// By name in lower case; several lines of one name are one value (RFC 9110 section 5.3).
fn headers(exchange: &Exchange, names: Option<&[HeaderName]>) -> Map<String, Value> {
    let mut map: Map<String, Value> = Map::new();
    let wanted = |name: &[u8]| {
        names.is_none_or(|names| names.iter().any(|it| it.text.eq_ignore_ascii_case(name)))
    };
    for header in exchange.request.headers.iter().filter(|header| wanted(header.name)) {
        let value = text(header.value);
        match map.get_mut(&text(header.name).to_ascii_lowercase()) {
            Some(Value::String(known)) => *known = format!("{known}, {value}"),
            _ => {
                map.insert(text(header.name).to_ascii_lowercase(), Value::String(value));
            }
        }
    }
    map
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn decoded(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    percent_decode_into(bytes, &mut out);
    text(&out)
}

fn form_text(bytes: &[u8]) -> String {
    text(&form_decoded(bytes))
}
