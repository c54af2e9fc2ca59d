use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Parameter, Source, cookies, pairs};
use crate::document::Document;
use crate::fault::Faults;
use crate::schema::SchemaTable;

fn parameter(object: Value) -> Parameter {
    let text = json!({"openapi": "3.1.0", "components": {"parameters": {"p": object}}}).to_string();
    let document = Document::parse("api.json", text).unwrap();
    let mut faults = Faults::default();
    let at = "/components/parameters/p";
    let parameter = Parameter::read(&document, at, &mut SchemaTable::default(), &mut faults);
    assert!(!faults.has_errors(), "{faults:?}");
    parameter.unwrap()
}

fn schema_of(value: &Value) -> Value {
    match value {
        Value::Array(_) => json!({"type": "array", "items": {"type": "string"}}),
        Value::Object(_) => json!({"type": "object", "properties": {
            "R": {"type": "integer"}, "G": {"type": "integer"}, "B": {"type": "integer"}}}),
        _ => json!({"type": "string"}),
    }
}

/// What a text means, the likeliest meaning alone.
fn decode(parameter: &Parameter, raw: &str) -> Result<Option<Value>, &'static str> {
    let raw = raw.as_bytes();
    let is_free = |_: &str| true;
    let (query, jar);
    let source = match parameter.place {
        super::Place::Path => Source::Segment(Some(raw)),
        super::Place::Header => Source::Header(Some(raw)),
        super::Place::Query => {
            query = pairs(raw);
            Source::Pairs { pairs: &query, is_free: &is_free }
        }
        super::Place::Cookie => {
            jar = cookies(raw).collect::<Vec<_>>();
            Source::Pairs { pairs: &jar, is_free: &is_free }
        }
    };
    parameter.decode(&source).map(|meant| meant.into_iter().next())
}

fn check(place: &str, style: &str, explode: bool, raw: &str, expected: Value) {
    let object = json!({"name": "color", "in": place, "style": style, "explode": explode,
        "schema": schema_of(&expected)});
    let found = decode(&parameter(object), raw);
    assert_eq!(found, Ok(Some(expected)), "{place} {style} {explode} {raw}");
}

/// The table of examples of the OpenAPI Specification, 3.1.1, "Style Examples".
#[test]
fn the_styles_of_the_specification() {
    let (text, list) = (json!("blue"), json!(["blue", "black", "brown"]));
    let map = json!({"R": 100, "G": 200, "B": 150});
    let rows = [
        (
            "path",
            "matrix",
            false,
            ";color=blue",
            ";color=blue,black,brown",
            ";color=R,100,G,200,B,150",
        ),
        (
            "path",
            "matrix",
            true,
            ";color=blue",
            ";color=blue;color=black;color=brown",
            ";R=100;G=200;B=150",
        ),
        ("path", "label", false, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
        ("path", "label", true, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
        ("path", "simple", false, "blue", "blue,black,brown", "R,100,G,200,B,150"),
        ("path", "simple", true, "blue", "blue,black,brown", "R=100,G=200,B=150"),
        ("header", "simple", false, "blue", "blue, black, brown", "R,100, G,200, B,150"),
        ("header", "simple", true, "blue", "blue,black,brown", "R=100,G=200,B=150"),
        ("query", "form", false, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
        (
            "query",
            "form",
            true,
            "color=blue",
            "color=blue&color=black&color=brown",
            "R=100&G=200&B=150",
        ),
        (
            "cookie",
            "form",
            false,
            "color=blue",
            "color=blue,black,brown",
            "color=R,100,G,200,B,150",
        ),
    ];
    for (place, style, explode, of_text, of_list, of_map) in rows {
        check(place, style, explode, of_text, text.clone());
        check(place, style, explode, of_list, list.clone());
        check(place, style, explode, of_map, map.clone());
    }
    check("query", "spaceDelimited", false, "color=blue%20black%20brown", list.clone());
    check("query", "spaceDelimited", false, "color=R%20100%20G%20200%20B%20150", map.clone());
    check("query", "pipeDelimited", false, "color=blue%7Cblack%7Cbrown", list.clone());
    check("query", "pipeDelimited", false, "color=R|100|G|200|B|150", map.clone());
    check("query", "deepObject", true, "color%5BR%5D=100&color%5BG%5D=200&color[B]=150", map);
    let empty = json!("");
    check("path", "matrix", false, ";color", empty.clone());
    check("path", "label", false, ".", empty.clone());
    check("path", "simple", false, "", empty.clone());
    check("query", "form", true, "color=", empty);
}

#[test]
fn defaults_are_those_of_the_place() {
    let list = json!({"type": "array", "items": {"type": "integer"}});
    let of = |place: &str| parameter(json!({"name": "n", "in": place, "schema": list}));
    assert_eq!(decode(&of("query"), "n=1&n=2"), Ok(Some(json!([1, 2]))));
    assert_eq!(decode(&of("path"), "1,2"), Ok(Some(json!([1, 2]))));
    assert_eq!(decode(&of("header"), "1, 2"), Ok(Some(json!([1, 2]))));
    assert_eq!(decode(&of("cookie"), "a=b; n=1; n=2"), Ok(Some(json!([1, 2]))));
}

#[test]
fn texts_become_what_the_schema_takes() {
    let check = |schema: Value, raw: &str, expected: &[Value]| {
        let parameter = parameter(json!({"name": "n", "in": "query", "schema": schema}));
        let query = pairs(raw.as_bytes());
        let source = Source::Pairs { pairs: &query, is_free: &|_| true };
        assert_eq!(parameter.decode(&source).unwrap(), expected, "{raw}");
    };
    check(json!({"type": "integer"}), "n=7", &[json!(7)]);
    check(json!({"type": "integer"}), "n=-7", &[json!(-7)]);
    check(json!({"type": "number"}), "n=1e3", &[json!(1000.0)]);
    for no_number in ["n=07", "n=%207", "n=7x", "n=0x7", "n=", "n=.5", "n=1e999", "n=NaN"] {
        let text =
            json!(String::from_utf8(no_number.replace("%20", " ").into_bytes()).unwrap()[2..]);
        check(json!({"type": "integer"}), no_number, &[text]);
    }
    check(json!({"type": "boolean"}), "n=true", &[json!(true)]);
    check(json!({"type": "boolean"}), "n=1", &[json!("1")]);
    check(json!({"type": "string"}), "n=7", &[json!("7")]);
    check(json!({"type": ["string", "integer"]}), "n=7", &[json!(7), json!("7")]);
    check(json!({"oneOf": [{"type": "integer"}, {"enum": ["all"]}]}), "n=all", &[json!("all")]);
    check(json!({"enum": [1, 2]}), "n=2", &[json!(2)]);
    check(json!({"type": ["integer", "null"]}), "n=", &[Value::Null]);
    check(json!({}), "n=7", &[json!("7")]);
    check(
        json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}),
        "n=7",
        &[json!("7"), json!([7])],
    );
    check(json!({"type": "string"}), "n=a+b%2Bc", &[json!("a b+c")]);
    check(json!({"allOf": [{"type": "integer"}, {"minimum": 1}]}), "n=3", &[json!(3)]);
}

#[test]
fn text_of_another_form_is_refused_with_a_reason() {
    let map = json!({"type": "object", "properties": {"R": {"type": "integer"}}});
    let of = |place: &str, style: &str, schema: &Value| {
        parameter(
            json!({"name": "c", "in": place, "style": style, "explode": false, "schema": schema}),
        )
    };
    let text = json!({"type": "string"});
    let check =
        |parameter: Parameter, raw: &str, why| assert_eq!(decode(&parameter, raw), Err(why));
    check(of("query", "form", &text), "c=1&c=2", "is given more than once");
    check(of("query", "form", &text), "c=%FF", "is not UTF-8");
    check(of("query", "form", &map), "c=R,1,G", "has a key without a value");
    check(of("query", "form", &map), "c=R,1,R,2", "has a key that is given more than once");
    check(of("path", "matrix", &text), "x=1", "does not start with a semicolon");
    check(of("path", "matrix", &text), ";x=1", "is not written as ;name=value");
    check(of("path", "label", &text), "x", "does not start with a dot");
    let json = parameter(json!({"name": "c", "in": "query",
        "content": {"application/json": {"schema": {"type": "object"}}}}));
    check(json.clone(), "c={", "is not JSON");
    assert_eq!(decode(&json, "c=%7B%22a%22:1%7D"), Ok(Some(json!({"a": 1}))));
    assert_eq!(decode(&json, "d=1"), Ok(None));
}

#[test]
fn a_style_of_another_place_is_a_fault() {
    let text = json!({"openapi": "3.1.0", "p": {"name": "a", "in": "query", "style": "label"}})
        .to_string();
    let document = Document::parse("api.json", text).unwrap();
    let mut faults = Faults::default();
    assert!(Parameter::read(&document, "/p", &mut SchemaTable::default(), &mut faults).is_none());
    let fault = &document.place(&mut faults)[0];
    assert_eq!(fault.message, "`label` is no style of a parameter in the query");
    assert_eq!(
        fault.help.as_deref(),
        Some("write form, spaceDelimited, pipeDelimited, deepObject")
    );
    assert_eq!(fault.pointer, "/p/style");
}

/// Writes a list or a map of texts by a style: the other direction of what is tested.
fn encode(style: &str, explode: bool, value: &Value) -> String {
    let escape = |value: &Value| {
        let mut out = String::new();
        for byte in value.as_str().unwrap().bytes() {
            match byte.is_ascii_alphanumeric() {
                true => out.push(char::from(byte)),
                false => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    };
    let pair = |(key, value): (&String, &Value)| (escape(&json!(key)), escape(value));
    let (delimiter, joiner) = match (style, explode) {
        ("matrix", true) => (";", "="),
        ("label", true) => (".", "="),
        ("form", true) => ("&", "="),
        ("simple", true) => (",", "="),
        ("spaceDelimited", _) => ("%20", "%20"),
        ("pipeDelimited", _) => ("|", "|"),
        _ => (",", ","),
    };
    let own = matches!((style, explode), ("matrix" | "form", true));
    let parts: Vec<String> = match value {
        Value::Array(items) if own => {
            items.iter().map(|item| format!("n={}", escape(item))).collect()
        }
        Value::Array(items) => items.iter().map(escape).collect(),
        Value::Object(map) if style == "deepObject" => {
            map.iter().map(pair).map(|(key, value)| format!("n%5B{key}%5D={value}")).collect()
        }
        Value::Object(map) => {
            map.iter().map(pair).map(|(key, value)| format!("{key}{joiner}{value}")).collect()
        }
        text => vec![escape(text)],
    };
    let delimiter = if style == "deepObject" { "&" } else { delimiter };
    let text = parts.join(delimiter);
    match (style, value) {
        ("matrix", _) if explode && !value.is_string() => format!(";{text}"),
        ("matrix", _) => format!(";n={text}"),
        ("label", _) => format!(".{text}"),
        ("simple" | "deepObject", _) => text,
        ("form", Value::Array(_) | Value::Object(_)) if explode => text,
        _ => format!("n={text}"),
    }
}

fn styles() -> impl Strategy<Value = (&'static str, &'static str, bool)> {
    prop_oneof![
        any::<bool>().prop_map(|explode| ("path", "matrix", explode)),
        any::<bool>().prop_map(|explode| ("path", "label", explode)),
        any::<bool>().prop_map(|explode| ("path", "simple", explode)),
        any::<bool>().prop_map(|explode| ("query", "form", explode)),
        Just(("query", "spaceDelimited", false)),
        Just(("query", "pipeDelimited", false)),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[ -~é☃]{1,6}"]
}

proptest! {
    #[test]
    fn what_a_style_writes_is_read_back(
        (place, style, explode) in styles(),
        items in prop::collection::vec(texts(), 1..5),
        map in prop::collection::btree_map(texts(), texts(), 1..5),
        text in texts(),
    ) {
        let kinds = [
            (json!({"type": "array", "items": {"type": "string"}}), json!(items)),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), json!(map)),
            (json!({"type": "string"}), json!(text)),
        ];
        for (schema, value) in kinds {
            // What is a delimiter cannot be data there (OpenAPI 3.1.1, "Style Examples").
            let written = value.to_string();
            if style == "pipeDelimited" && written.contains('|') || style == "spaceDelimited" && written.contains(' ') {
                continue;
            }
            let object = json!({"name": "n", "in": place, "style": style, "explode": explode, "schema": schema});
            let raw = encode(style, explode, &value);
            prop_assert_eq!(decode(&parameter(object), &raw), Ok(Some(value)), "{}", raw);
        }
    }

    #[test]
    fn deep_objects_are_read_back(map in prop::collection::btree_map("[a-z é]{1,6}", texts(), 1..5)) {
        let object = json!({"name": "n", "in": "query", "style": "deepObject", "explode": true,
            "schema": {"type": "object"}});
        let raw = encode("deepObject", true, &json!(map));
        prop_assert_eq!(decode(&parameter(object), &raw), Ok(Some(json!(map))));
    }

    #[test]
    fn no_text_makes_it_panic((place, style, explode) in styles(), raw in "[ -~]{0,40}") {
        for schema in [json!({}), json!({"type": "array"}), json!({"type": "object"}), json!({"type": "integer"})] {
            let object = json!({"name": "n", "in": place, "style": style, "explode": explode, "schema": schema});
            let _ = decode(&parameter(object), &raw);
        }
    }
}

#[test]
fn lists_are_bounded() {
    let list = json!({"name": "a", "in": "header", "schema": {"type": "array"}});
    let list = parameter(list);
    let decode = |text: String| list.decode(&Source::Header(Some(text.as_bytes())));
    assert_eq!(decode("a,".repeat(1000)), Err("has too many parts"));
    assert!(decode("a,".repeat(999)).is_ok());
}
