use serde_json::{Value, json};

use super::{Class, Shape, Types};
use crate::document::Document;

fn shape(schema: Value) -> Shape {
    let text = json!({"openapi": "3.0.0", "s": schema, "n": {"type": "object", "properties": {
        "a": {"type": "integer"}, "l": {"type": "array", "items": {"type": "boolean"}}}}});
    Shape::of(&Document::parse("a.json", text.to_string()).unwrap(), "/s")
}

#[test]
fn classes_follow_from_types() {
    let check = |schema: Value, expected: &[Class]| {
        assert_eq!(shape(schema.clone()).classes().collect::<Vec<_>>(), expected, "{schema}");
    };
    check(json!({}), &[Class::Scalar]);
    check(json!({"type": "string"}), &[Class::Scalar]);
    check(json!({"type": "array", "nullable": true}), &[Class::Array]);
    check(json!({"items": {}}), &[Class::Array]);
    check(json!({"properties": {}}), &[Class::Object]);
    check(json!({"$ref": "#/n"}), &[Class::Object]);
    check(json!({"oneOf": [{"type": "string"}, {"$ref": "#/n"}]}), &[Class::Scalar, Class::Object]);
    check(json!({"$ref": "#/s"}), &[Class::Scalar]);
}

#[test]
fn keys_are_gathered_through_references_and_choices() {
    let shape =
        shape(json!({"allOf": [{"$ref": "#/n"}, {"properties": {"b": {"type": "boolean"}}}],
        "additionalProperties": false}));
    assert_eq!(shape.property("a").unwrap().types, Types::NUMBER);
    assert_eq!(shape.property("l").unwrap().items, Types::BOOLEAN);
    assert_eq!(shape.property("b").unwrap().types, Types::BOOLEAN);
    assert!(shape.property("c").is_none() && !shape.takes_others());
}

#[test]
fn a_schema_within_itself_ends() {
    let endless =
        json!({"allOf": [{"$ref": "#/s"}], "anyOf": [{"$ref": "#/s"}], "items": {"$ref": "#/s"}});
    let _ = shape(endless);
    let properties =
        json!({"properties": {"a": {"$ref": "#/s"}, "b": {"$ref": "#/s"}, "c": {"$ref": "#/s"}}});
    assert!(shape(properties).is_object());
}
