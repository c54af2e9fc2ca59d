//! What tests of this crate share.

use std::sync::Arc;

use portunus_base::Mono;
use portunus_exchange::Exchange;
use portunus_filter::testing::{Bench, Rig, shown};
use portunus_filter::{Factory, Filter};
use portunus_http::HeaderList;
use portunus_spec::{Node, Value as Written};
use serde_json::Value;

use crate::TransformSpec;

static FILTERS: &[Factory] = &[Factory::of::<TransformSpec>()];

/// What a user might write, as if it had been YAML.
pub(crate) fn node(value: &Value) -> Node {
    match value {
        Value::Null => Written::Null.into(),
        Value::Bool(flag) => Written::Bool(*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Written::Int(whole).into(),
            None => Written::Float(number.as_f64().unwrap()).into(),
        },
        Value::String(text) => Node::text(text),
        Value::Array(items) => Node::seq(items.iter().map(node)),
        Value::Object(entries) => {
            Node::map(entries.iter().map(|(key, value)| (key.clone(), node(value))))
        }
    }
}

pub(crate) fn build(spec: &Value) -> Arc<dyn Filter> {
    Bench::new(FILTERS).build("transform", node(spec)).unwrap()
}

/// The mistakes of a spec, as `message (help)` lines.
pub(crate) fn mistakes(spec: &Value) -> String {
    Bench::new(FILTERS).mistakes("transform", node(spec))
}

/// A request for order 7, with a body of this type.
pub(crate) fn request(content_type: &str) -> Exchange {
    let mut exchange = portunus_filter::testing::exchange("POST /orders/7?a=1&b=x%20y&a=2");
    exchange.request.headers.append(b"Content-Type", content_type.as_bytes());
    exchange
}

/// The same with an upstream's answer of this type.
pub(crate) fn answered(status: u16, content_type: &str) -> Exchange {
    let mut exchange = request("application/json");
    exchange.timings.first_byte = Mono(5);
    exchange.response.set_status(status);
    exchange.response.headers.append(b"Content-Type", content_type.as_bytes());
    exchange
}

/// What becomes of a request's body: the new one, or the answer.
pub(crate) fn changed(filter: &dyn Filter, exchange: &mut Exchange, body: &[u8]) -> String {
    outcome(filter, exchange, body, true)
}

/// What becomes of an answer's body.
pub(crate) fn changed_answer(filter: &dyn Filter, exchange: &mut Exchange, body: &[u8]) -> String {
    outcome(filter, exchange, body, false)
}

fn outcome(filter: &dyn Filter, exchange: &mut Exchange, body: &[u8], is_request: bool) -> String {
    let (mut rig, mut bytes) = (Rig::new(), body.to_vec());
    let verdict = match is_request {
        true => filter.on_request(exchange, &mut rig.cx()),
        false => filter.on_response(exchange, &mut rig.cx()),
    };
    assert_eq!(shown(&verdict), "continue");
    let verdict = rig.piece(filter, exchange, is_request, &mut bytes, true);
    match shown(&verdict).as_str() {
        "continue" => String::from_utf8(bytes).unwrap(),
        answer => answer.to_owned(),
    }
}

pub(crate) fn value<'h>(headers: &'h HeaderList, name: &str) -> Option<&'h str> {
    headers.value(name.as_bytes()).map(|value| std::str::from_utf8(value).unwrap())
}
