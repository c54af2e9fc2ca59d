use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn form_of(json: &Value) -> Result<String, Fault> {
    let text = json.to_string();
    of_json(Json::parse(text.as_bytes())?).map(|form| String::from_utf8(form).unwrap())
}

#[test]
fn a_form_becomes_an_object_of_strings() {
    let cases = [
        ("a=1&b=x+y%21&a=2&c", r#"{"a":["1","2"],"b":"x y!","c":""}"#),
        ("", "{}"),
        ("a=%22%5C&=b\r\n", r#"{"a":"\"\\","":"b"}"#),
        ("a=%zz%", r#"{"a":"%zz%"}"#),
    ];
    for (form, json) in cases {
        assert_eq!(to_json(form.as_bytes()).unwrap(), json, "{form}");
    }
    assert!(matches!(to_json(b"a=%ff"), Err(Fault::Syntax(_))));
}

#[test]
fn a_flat_object_becomes_a_form() {
    let object = json!({"a": "x y&=\u{e9}", "b": [1, true, null], "c": 1.5, "d": [], "*-._": ""});
    assert_eq!(form_of(&object).unwrap(), "a=x+y%26%3D%C3%A9&b=1&b=true&b=&c=1.5&*-._=");
    let big: Value = serde_json::from_str("{\"n\":12345678901234567890}").unwrap();
    assert_eq!(form_of(&big).unwrap(), "n=12345678901234567890");
    for nested in [json!({"a": {}}), json!({"a": [[1]]}), json!([1]), json!("a")] {
        assert_eq!(form_of(&nested), Err(Fault::NoForm), "{nested}");
    }
}

proptest! {
    #[test]
    fn a_form_comes_back(fields in prop::collection::hash_map(".{0,6}", ".{0,6}", 0..6)) {
        let object = Value::Object(fields.into_iter().map(|(k, v)| (k, Value::from(v))).collect());
        let back = to_json(form_of(&object).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), object);
    }
}
