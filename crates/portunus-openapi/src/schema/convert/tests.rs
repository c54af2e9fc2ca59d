use serde_json::{Value, json};

use super::{Direction, document};
use crate::document::Version;
use crate::fault::Faults;

fn converted(schema: Value, version: Version, direction: Direction) -> Value {
    let root = json!({"components": {"schemas": {"S": schema, "Id": {"readOnly": true}}}});
    let mut root = document(&root, (version, direction), true, &mut Faults::default());
    root["components"]["schemas"]["S"].take()
}

fn check(schema: Value, expected: Value) {
    assert_eq!(converted(schema, Version::V30, Direction::Request), expected);
}

#[test]
fn nullable_adds_null() {
    check(json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]}));
    check(
        json!({"type": "string", "nullable": true, "enum": ["a"]}),
        json!({"type": ["string", "null"], "enum": ["a", null]}),
    );
    check(
        json!({"nullable": true, "allOf": [{"$ref": "#/x"}]}),
        json!({"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#/x"}]}]}),
    );
    check(json!({"type": "string", "nullable": false}), json!({"type": "string"}));
}

#[test]
fn boolean_bounds_become_numbers() {
    check(
        json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}),
        json!({"exclusiveMinimum": 1, "maximum": 9}),
    );
}

#[test]
fn nothing_beside_a_reference_counts_in_3_0_alone() {
    let schema = json!({"properties": {"a": {"$ref": "#/x", "nullable": true, "maxLength": 3}}});
    check(schema.clone(), json!({"properties": {"a": {"$ref": "#/x"}}}));
    assert_eq!(converted(schema.clone(), Version::V31, Direction::Request), schema);
}

#[test]
fn a_key_named_like_a_keyword_is_no_keyword() {
    let schema = json!({"properties": {
        "nullable": {"type": "boolean"}, "example": {"type": "string", "nullable": true},
        "pattern": {"type": "string"}, "discriminator": {"type": "string"},
    }});
    let result = converted(schema, Version::V30, Direction::Request);
    assert_eq!(result["properties"]["nullable"], json!({"type": "boolean"}));
    assert_eq!(result["properties"]["example"]["type"], json!(["string", "null"]));
}

#[test]
fn what_the_sender_does_not_write_is_not_required() {
    let schema = json!({
        "required": ["id", "name", "secret", "key"],
        "properties": {"id": {"readOnly": true}, "name": {}, "secret": {"writeOnly": true},
            "key": {"$ref": "#/components/schemas/Id"}},
    });
    let required =
        |direction| converted(schema.clone(), Version::V31, direction)["required"].clone();
    assert_eq!(required(Direction::Request), json!(["name", "secret"]));
    assert_eq!(required(Direction::Response), json!(["id", "name", "key"]));
}

#[test]
fn formats_of_integers_are_bounds() {
    check(
        json!({"type": "integer", "format": "int32", "minimum": 0}),
        json!({"type": "integer", "format": "int32", "minimum": 0, "maximum": i32::MAX}),
    );
}

#[test]
fn a_pattern_that_looks_around_is_left_out_with_a_warning() {
    let root = json!({"components": {"schemas": {
        "S": {"pattern": "^(?!a).*$", "properties": {"p": {"pattern": "^a+$"}}},
    }}});
    let mut faults = Faults::default();
    let root = document(&root, (Version::V31, Direction::Request), true, &mut faults);
    assert_eq!(
        root["components"]["schemas"]["S"],
        json!({"properties": {"p": {"pattern": "^a+$"}}})
    );
    let faults = faults.take();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].pointer, "/components/schemas/S/pattern");
}

#[test]
fn a_discriminator_becomes_conditions_on_its_key() {
    let (cat, dog) = ("#/components/schemas/Cat", "#/components/schemas/Dog");
    check(
        json!({
            "oneOf": [{"$ref": cat}, {"$ref": dog}],
            "discriminator": {"propertyName": "kind", "mapping": {"meow": cat, "Dog": "Dog", "x": "#/else"}},
        }),
        json!({"allOf": [
            {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["meow", "Dog", "Cat"]}}},
            {"if": {"required": ["kind"], "properties": {"kind": {"const": "meow"}}}, "then": {"$ref": cat}},
            {"if": {"required": ["kind"], "properties": {"kind": {"const": "Dog"}}}, "then": {"$ref": dog}},
            {"if": {"required": ["kind"], "properties": {"kind": {"const": "Cat"}}}, "then": {"$ref": cat}},
        ]}),
    );
    let extended = json!({"type": "object", "discriminator": {"propertyName": "kind"}});
    check(extended.clone(), extended);
}

#[test]
fn the_values_that_schemas_have_for_the_key_name_them() {
    let branch = |value: &str| json!({"allOf": [{"properties": {"role": {"enum": [value]}}}]});
    let choice = json!({"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}],
        "discriminator": {"propertyName": "role"}});
    let converted = |a: &str, b: &str| {
        let root =
            json!({"components": {"schemas": {"S": choice, "A": branch(a), "B": branch(b)}}});
        let kind = (Version::V31, Direction::Request);
        document(&root, kind, true, &mut Faults::default())["components"]["schemas"]["S"].take()
    };
    assert_eq!(
        converted("user", "tool")["allOf"][0]["properties"]["role"],
        json!({"enum": ["user", "tool"]})
    );
    // Two schemas of one value are told apart by holding both against it.
    assert_eq!(converted("user", "user"), choice);
}
