use proptest::prelude::*;
use serde_json::{Value, json};

use super::of_schema;
use crate::document::{Document, Version};
use crate::fault::Faults;
use crate::schema::{Direction, SchemaTable};

fn document(schemas: Value) -> Document {
    let text = json!({"openapi": "3.1.0", "components": {"schemas": schemas}}).to_string();
    Document::parse("api.json", text).unwrap()
}

fn check(schema: Value, expected: Value) {
    assert_eq!(of_schema(&document(json!({"S": schema})), "/components/schemas/S"), expected);
}

#[test]
fn what_the_document_gives_comes_first() {
    check(json!({"type": "string", "example": "a", "default": "b"}), json!("a"));
    check(json!({"type": "string", "examples": ["e"]}), json!("e"));
    check(json!({"type": "string", "default": "b", "enum": ["c", "b"]}), json!("b"));
    check(json!({"enum": ["c", "b"]}), json!("c"));
}

#[test]
fn values_are_made_up_within_bounds() {
    check(json!({"type": "integer", "minimum": 3, "multipleOf": 5}), json!(5));
    check(json!({"type": "integer", "maximum": -3}), json!(-3));
    check(json!({"type": "number", "exclusiveMinimum": 1}), json!(2));
    check(json!({"type": ["null", "string"], "minLength": 8}), json!("stringxx"));
    check(json!({"type": "string", "maxLength": 2}), json!("st"));
    check(
        json!({"type": "array", "items": {"type": "boolean"}, "minItems": 2}),
        json!([true, true]),
    );
    check(
        json!({"properties": {"a": {"format": "uuid"}, "b": {"type": "string", "writeOnly": true}}}),
        json!({"a": "00000000-0000-4000-8000-000000000000"}),
    );
    check(
        json!({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "boolean"}}}],
            "properties": {"c": {"type": "null"}}}),
        json!({"a": 0, "b": true, "c": null}),
    );
}

#[test]
fn a_schema_within_itself_ends() {
    let node = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
        "next": {"$ref": "#/components/schemas/S"}, "all": {"type": "array", "items": {"$ref": "#/components/schemas/S"}}}});
    let value = of_schema(&document(json!({"S": node})), "/components/schemas/S");
    assert_eq!(value["name"], "string");
    let endless =
        json!({"required": ["n"], "properties": {"n": {"$ref": "#/components/schemas/S"}}});
    check(endless, Value::Null);
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..5_i64, 5..9_i64)
            .prop_map(|(low, high)| json!({"type": "integer", "minimum": low, "maximum": high})),
        (0..9_u64, 9..12_u64)
            .prop_map(|(low, high)| json!({"type": "string", "minLength": low, "maxLength": high})),
        prop::sample::select(vec![
            "date",
            "date-time",
            "uuid",
            "email",
            "ipv4",
            "ipv6",
            "uri",
            "time",
            "byte"
        ])
        .prop_map(|format| json!({"type": "string", "format": format})),
        Just(json!({"type": "boolean"})),
        Just(json!({"enum": [1, "x"]})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(|properties| {
                let required: Vec<&String> = properties.keys().collect();
                json!({"type": "object", "required": required, "properties": properties})
            }),
            (inner.clone(), 0..3_u64).prop_map(
                |(items, least)| json!({"type": "array", "items": items, "minItems": least})
            ),
            prop::collection::vec(inner, 1..3).prop_map(|choices| json!({"anyOf": choices})),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_made_up_fits_its_schema(schema in schemas()) {
        let document = document(json!({"S": schema}));
        let mut table = SchemaTable::default();
        let id = table.id("/components/schemas/S");
        let mut faults = Faults::default();
        let schemas = table.compile(&document, (Version::V31, Direction::Response), true, &mut faults).unwrap();
        let mut value = of_schema(&document, "/components/schemas/S");
        prop_assert_eq!(schemas.flaws(id, &mut value, 5), vec![], "{}", value);
    }
}
