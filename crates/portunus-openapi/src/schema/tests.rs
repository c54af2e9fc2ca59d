use serde_json::{Value, json};

use super::{Direction, SchemaTable, Schemas};
use crate::document::{Document, Version};
use crate::fault::{Fault, Faults};

fn compile(schemas: Value) -> Result<(Schemas, Vec<super::SchemaId>), Vec<Fault>> {
    let names: Vec<String> = schemas.as_object().unwrap().keys().cloned().collect();
    let text = json!({"openapi": "3.0.3", "components": {"schemas": schemas}}).to_string();
    let document = Document::parse("api.json", text).unwrap();
    let mut table = SchemaTable::default();
    let ids = names.iter().map(|name| table.id(&format!("/components/schemas/{name}"))).collect();
    let mut faults = Faults::default();
    let schemas = table.compile(&document, (Version::V30, Direction::Request), true, &mut faults);
    schemas.map(|schemas| (schemas, ids)).ok_or_else(|| document.place(&mut faults))
}

fn flaws(schemas: Value, mut value: Value) -> Vec<String> {
    let (schemas, ids) = compile(schemas).unwrap();
    let before = value.clone();
    let flaws = schemas.flaws(ids[0], &mut value, 10);
    assert_eq!(value, before, "a value is given back");
    assert_eq!(schemas.fits(ids[0], &mut value), flaws.is_empty());
    flaws.into_iter().map(|flaw| format!("{}: {}", flaw.pointer, flaw.message)).collect()
}

fn pets() -> Value {
    let item = json!({"type": "object", "required": ["price"], "additionalProperties": false, "properties": {
        "price": {"type": "number", "minimum": 0}, "tag": {"type": "string", "maxLength": 3},
        "id": {"type": "integer", "format": "int32"}, "mail": {"type": "string", "format": "email"},
        "data": {"type": "string", "format": "byte"},
    }});
    json!({"Order": {"properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}},
        "Item": item})
}

#[test]
fn flaws_have_pointers_and_do_not_show_values() {
    let value = json!({"items": [{"price": 1}, {"price": -1, "tag": "secret", "id": 3_000_000_000_u64},
        {"other": "secret"}, {"price": 1, "mail": "secret", "data": "secret"}]});
    let found = flaws(pets(), value);
    assert_eq!(
        found,
        [
            "/items/1/price: is less than 0",
            "/items/1/tag: is longer than 3 characters",
            "/items/1/id: is more than 2147483647",
            "/items/2: has keys that are not allowed: `other`",
            "/items/2: lacks the key `price`",
            "/items/3/mail: is not of the format email",
            "/items/3/data: is not of the format byte",
        ]
    );
}

#[test]
fn a_schema_may_contain_itself() {
    let node = json!({"Node": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
    }}});
    assert_eq!(flaws(node.clone(), json!({"name": "a", "children": [{"name": "b"}]})), [""; 0]);
    let found = flaws(node, json!({"name": "a", "children": [{"name": "b", "children": [{}]}]}));
    assert_eq!(found, ["/children/0/children/0: lacks the key `name`"]);
}

#[test]
fn the_schema_that_a_discriminator_names_tells_its_flaws() {
    let schemas = json!({
        "Pet": {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
            "discriminator": {"propertyName": "kind"}},
        "Cat": {"allOf": [{"$ref": "#/components/schemas/Base"}], "required": ["lives"],
            "properties": {"lives": {"type": "integer"}}},
        "Dog": {"allOf": [{"$ref": "#/components/schemas/Base"}], "required": ["barks"]},
        "Base": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
    });
    let check = |value, expected: &[&str]| assert_eq!(flaws(schemas.clone(), value), expected);
    check(json!({"kind": "Cat", "lives": 9}), &[]);
    check(json!({"kind": "Cat", "lives": "9"}), &["/lives: is not of type integer"]);
    check(json!({"kind": "Dog"}), &[": lacks the key `barks`"]);
    check(json!({"kind": "Cow"}), &["/kind: is not one of `Cat`, `Dog`"]);
    check(json!({}), &[": lacks the key `kind`"]);
}

#[test]
fn a_discriminator_in_a_circle_ends() {
    let schemas = json!({
        "Pet": {"type": "object", "required": ["kind"], "discriminator": {"propertyName": "kind"},
            "oneOf": [{"$ref": "#/components/schemas/Cat"}]},
        "Cat": {"allOf": [{"$ref": "#/components/schemas/Pet"}], "required": ["lives"]},
    });
    assert_eq!(flaws(schemas.clone(), json!({"kind": "Cat", "lives": 1})), [""; 0]);
    assert_eq!(flaws(schemas, json!({"kind": "Cat"})), [": lacks the key `lives`"]);
}

#[test]
fn of_several_forms_the_nearest_is_described() {
    let schemas = json!({"S": {"oneOf": [
        {"type": "string"},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    ]}});
    assert_eq!(
        flaws(schemas.clone(), json!({"a": "x"})),
        [": fits none of its 2 forms", "/a: is not of type integer"]
    );
    assert_eq!(flaws(schemas, json!("x")), [""; 0]);
}

#[test]
fn a_large_value_is_refused_without_a_list() {
    let schemas = json!({"S": {"type": "array", "items": {"type": "string"}}});
    let found = flaws(schemas, Value::Array(vec![json!(1); 20_000]));
    assert_eq!(found, [": does not fit its schema, and is too large to say where"]);
}

#[test]
fn a_schema_that_is_none_is_reported_at_its_place() {
    let faults = compile(json!({"S": {"type": "object", "properties": {"a": {"type": "strin"}}}}))
        .unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].pointer.starts_with("/components/schemas/S/properties/a"), "{faults:?}");
}

#[test]
fn a_plain_schema_is_checked_by_its_own_draft() {
    let text = json!({"$schema": "http://json-schema.org/draft-07/schema#", "required": ["a"],
        "definitions": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/definitions/n"}}});
    let document = Document::parse("s.json", text.to_string()).unwrap();
    let schemas = Schemas::of_schema(&document, true, &mut Faults::default()).unwrap();
    let flaws = schemas.flaws(super::SchemaId(0), &mut json!({"a": "x"}), 5);
    assert_eq!(flaws[0].pointer, "/a");
    assert!(schemas.fits(super::SchemaId(0), &mut json!({"a": 1})));
}

/// Schemas that hold a value against themselves in more than one way.
fn multiplying() -> Vec<Value> {
    let own = json!({"$ref": "#/components/schemas/T"});
    let list = json!({"type": "array", "items": own});
    let short = json!({"type": "array", "maxItems": 1, "items": own});
    let leaf = json!({"type": "integer"});
    vec![
        json!({"anyOf": [list, short, leaf]}),
        json!({"oneOf": [list, short, leaf]}),
        json!({"allOf": [{"items": own}, {"items": own, "maxItems": 1}], "not": {"type": "string"}}),
        json!({"if": {"items": own}, "then": {"items": own}, "not": {"type": "string"}}),
        json!({"items": own, "not": {"items": own}, "anyOf": [list, leaf]}),
    ]
}

#[test]
fn schemas_within_themselves_do_not_multiply_the_work() {
    for schema in multiplying() {
        for (leaf, depth) in [(json!("x"), 60), (json!(1), 60), (json!("x"), 3), (json!("x"), 13)] {
            let value = (0..depth).fold(leaf, |inner, _| json!([inner]));
            let found = flaws(json!({"T": schema}), value);
            assert!(found.len() <= 10);
        }
    }
}
