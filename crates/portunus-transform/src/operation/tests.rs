use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::tests::any_json;
use crate::tests::{build, changed, request};

/// What a list of operations makes of a document.
fn done(operations: &Value, document: &str) -> String {
    let filter = build(&json!({"request": {"json": operations}}));
    changed(&*filter, &mut request("application/json"), document.as_bytes())
}

#[track_caller]
fn check(operation: &Value, cases: &[(&str, &str)]) {
    for (before, after) in cases {
        assert_eq!(done(&json!([operation]), before), *after, "{operation} on {before}");
    }
}

#[test]
fn set_puts_and_makes_what_is_missing() {
    check(
        &json!({"set": {"/a/b": 1}}),
        &[
            (r#"{}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a":{"b":[2],"c":3}}"#, r#"{"a":{"b":1,"c":3}}"#),
            // Nothing can be put into a scalar, and an array has no keys.
            (r#"{"a":7}"#, r#"{"a":7}"#),
            (r#"{"a":[7]}"#, r#"{"a":[7]}"#),
        ],
    );
    check(
        &json!({"set": {"/1": "x"}}),
        &[("[0,0,0]", r#"[0,"x",0]"#), ("[0]", r#"[0,"x"]"#), ("[]", "[]"), ("{}", r#"{"1":"x"}"#)],
    );
    check(&json!({"set": {"/-": null}}), &[("[0]", "[0,null]"), ("{}", r#"{"-":null}"#)]);
    check(&json!({"set": {"": {"a": [true, 1.5]}}}), &[("7", r#"{"a":[true,1.5]}"#)]);
    check(
        &json!({"set": {"/*/b": 1}}),
        &[(r#"[{},{"b":2},3]"#, r#"[{"b":1},{"b":1},3]"#), ("{}", r#"{"*":{"b":1}}"#)],
    );
    check(&json!({"set": {"/*": 0}}), &[("[1,2]", "[0,0]")]);
}

#[test]
fn default_leaves_what_is_there() {
    check(
        &json!({"default": {"/a/b": 1, "/c": 2}}),
        &[(r#"{"a":{"b":null}}"#, r#"{"a":{"b":null},"c":2}"#), ("{}", r#"{"a":{"b":1},"c":2}"#)],
    );
    check(&json!({"default": {"/0": 1}}), &[("[]", "[1]"), ("[0]", "[0]")]);
}

#[test]
fn remove_takes_away() {
    check(
        &json!({"remove": ["/a/0", "/b", "/x/y/z"]}),
        &[(r#"{"a":[1,2],"b":{}}"#, r#"{"a":[2]}"#), ("3", "3"), ("[]", "[]")],
    );
    check(
        &json!({"remove": "/items/*/secret"}),
        &[(
            r#"{"items":[{"secret":1,"id":2},{"id":3},4,[5]]}"#,
            r#"{"items":[{"id":2},{"id":3},4,[5]]}"#,
        )],
    );
    check(&json!({"remove": "/*"}), &[("[1,2]", "[]"), (r#"{"*":1,"a":2}"#, r#"{"a":2}"#)]);
}

#[test]
fn rename_gives_another_key_in_the_same_place() {
    check(
        &json!({"rename": {"/a": "b"}}),
        &[
            (r#"{"x":0,"a":1,"y":2}"#, r#"{"x":0,"b":1,"y":2}"#),
            (r#"{"b":0,"a":1}"#, r#"{"b":1}"#),
            (r#"{"b":0}"#, r#"{"b":0}"#),
        ],
    );
    check(&json!({"rename": {"/*/a": "a/b"}}), &[(r#"[{"a":1}]"#, r#"[{"a/b":1}]"#)]);
}

#[test]
fn move_and_copy_take_a_value_elsewhere() {
    check(
        &json!({"move": {"/a/b": "/c"}}),
        &[(r#"{"a":{"b":[1.0]}}"#, r#"{"a":{},"c":[1.0]}"#), (r#"{"a":1}"#, r#"{"a":1}"#)],
    );
    check(&json!({"move": {"/a": ""}}), &[(r#"{"a":{"b":1}}"#, r#"{"b":1}"#)]);
    check(&json!({"move": {"/0": "/-"}}), &[("[1,2,3]", "[2,3,1]")]);
    check(
        &json!({"copy": {"/a": "/b/c"}}),
        &[(r#"{"a":[1]}"#, r#"{"a":[1],"b":{"c":[1]}}"#), ("{}", "{}")],
    );
    check(&json!({"copy": {"": "/all"}}), &[(r#"{"a":1}"#, r#"{"a":1,"all":{"a":1}}"#)]);
    check(&json!({"move": {"": "/all"}}), &[(r#"{"a":1}"#, r#"{"all":{"a":1}}"#)]);
}

#[test]
fn texts_hold_variables_and_stay_texts() {
    check(
        &json!({"set": {"/by": "{client.ip}", "/of": {"id": ["{id}", "{{x}}"]}, "/q": "{header.x}"}}),
        &[("{}", r#"{"by":"192.0.2.7","of":{"id":["7","{x}"]},"q":""}"#)],
    );
    let filter = build(&json!({"request": {"json": [{"set": {"/x": "<{header.x-a}>"}}]}}));
    let mut exchange = request("application/json");
    exchange.request.headers.append(b"X-A", b"\",\"admin\":true,\"\xff");
    assert_eq!(
        changed(&*filter, &mut exchange, b"{}"),
        "{\"x\":\"<\\\",\\\"admin\\\":true,\\\"\u{fffd}>\"}"
    );
}

#[test]
fn operations_follow_each_other() {
    let operations = json!([
        {"rename": {"/user": "customer"}},
        {"move": {"/customer/name": "/name"}},
        {"remove": "/customer"},
        {"copy": {"/name": "/again"}},
    ]);
    assert_eq!(
        done(&operations, r#"{"user":{"name":"\u0061nn","age":7}}"#),
        r#"{"name":"\u0061nn","again":"\u0061nn"}"#
    );
}

#[test]
fn growth_is_bounded() {
    let doubling =
        json!((0..64).map(|at| json!({"copy": {"": format!("/{at}")}})).collect::<Vec<_>>());
    let filter = build(&json!({"request": {"json": doubling, "body_max": "100KB"}}));
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000));
    let outcome = changed(&*filter, &mut request("application/json"), body.as_bytes());
    assert_eq!(outcome, "413 transform.body_too_large problem");
    let wide = json!([{"set": {"/*/a/b/c": "x".repeat(100)}}]);
    let filter = build(&json!({"request": {"json": wide, "body_max": "1MB"}}));
    let body = format!("[{}{{}}]", "{},".repeat(100_000));
    let outcome = changed(&*filter, &mut request("application/json"), body.as_bytes());
    assert_eq!(outcome, "413 transform.body_too_large problem");
}

/// The same operations, done in the plainest way.
mod model {
    use serde_json::{Map, Value};

    fn index(key: &str, len: usize) -> Option<usize> {
        let is_index =
            key == "0" || (!key.starts_with('0') && key.bytes().all(|b| b.is_ascii_digit()));
        key.parse().ok().filter(|at| is_index && *at < len)
    }

    pub(super) fn find(value: &Value, path: &[String]) -> Option<Value> {
        let Some((key, rest)) = path.split_first() else { return Some(value.clone()) };
        match value {
            Value::Object(map) => find(map.get(key)?, rest),
            Value::Array(items) => find(items.get(index(key, items.len())?)?, rest),
            _ => None,
        }
    }

    pub(super) fn set(value: &mut Value, path: &[String], new: Value) {
        let Some((key, rest)) = path.split_first() else {
            *value = new;
            return;
        };
        match value {
            Value::Object(map) => {
                let is_last = rest.is_empty();
                let inner = map.entry(key.clone()).or_insert(Value::Object(Map::new()));
                if is_last { *inner = new } else { set(inner, rest, new) }
            }
            Value::Array(items) if rest.is_empty() && *key == items.len().to_string() => {
                items.push(new)
            }
            Value::Array(items) => {
                if let Some(at) = index(key, items.len()) {
                    set(&mut items[at], rest, new);
                }
            }
            _ => {}
        }
    }

    pub(super) fn take(value: &mut Value, path: &[String]) -> Option<Value> {
        let (key, rest) = path.split_first()?;
        match value {
            Value::Object(map) if rest.is_empty() => map.shift_remove(key),
            Value::Object(map) => take(map.get_mut(key)?, rest),
            Value::Array(items) => {
                let at = index(key, items.len())?;
                if rest.is_empty() { Some(items.remove(at)) } else { take(&mut items[at], rest) }
            }
            _ => None,
        }
    }
}

fn a_path() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c/~0-2]{0,2}", 1..4)
}

fn written(path: &[String]) -> Pointer {
    let step = |step: &String| format!("/{}", step.replace('~', "~0").replace('/', "~1"));
    Pointer::parse(&path.iter().map(step).collect::<String>()).unwrap()
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(
        document in any_json(), from in a_path(), to in a_path(), new in any_json(), kind in 0..4,
    ) {
        let text = document.to_string();
        let (mut json, mut model) = (Json::parse(text.as_bytes()).unwrap(), document);
        let new_text = new.to_string();
        let operation = match kind {
            0 => {
                model::set(&mut model, &from, new);
                Operation::Set(written(&from), Written::Fixed(new_text.as_bytes().into()))
            }
            1 => {
                model::take(&mut model, &from);
                Operation::Remove(written(&from))
            }
            2 => {
                if let Some(value) = model::find(&model, &from) {
                    model::set(&mut model, &to, value);
                }
                Operation::Copy(written(&from), written(&to))
            }
            _ => {
                prop_assume!(!to.starts_with(&from));
                if let Some(value) = model::take(&mut model, &from) {
                    model::set(&mut model, &to, value);
                }
                Operation::Move(written(&from), written(&to))
            }
        };
        let exchange = Exchange::default();
        operation.apply(&mut json, &exchange, &Growth::new(1 << 20)).unwrap();
        let mut out = Vec::new();
        json.write(&mut out);
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), model);
    }
}
