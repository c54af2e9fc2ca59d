use serde_json::{Value, json};

use super::{depths, is_within};

fn depth(schema: Value) -> Option<usize> {
    depths(
        &json!({"T": schema, "U": {"type": "array", "items": {"$ref": "#/T"}}}),
        &["/T".to_owned()],
    )[0]
}

#[test]
fn schemas_that_hold_a_value_in_one_way_are_described_in_any_depth() {
    let own = json!({"$ref": "#/T"});
    for schema in [
        json!({"type": "string"}),
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}, {"maxItems": 3}]}),
        json!({"items": own}),
        json!({"properties": {"left": own, "right": own}, "additionalProperties": own}),
        json!({"oneOf": [{"type": "string"}, {"type": "array", "items": own}, {"type": "object", "additionalProperties": own}]}),
        json!({"oneOf": [{"type": "string"}, {"$ref": "#/U"}]}),
        json!({"allOf": [
            {"if": {"required": ["k"], "properties": {"k": {"const": "a"}}}, "then": {"properties": {"x": own}}},
            {"if": {"required": ["k"], "properties": {"k": {"const": "b"}}}, "then": {"properties": {"y": own}}},
        ]}),
    ] {
        assert_eq!(depth(schema.clone()), None, "{schema}");
    }
}

#[test]
fn schemas_that_hold_a_value_in_several_ways_are_described_down_to_a_depth() {
    let own = json!({"$ref": "#/T"});
    let list = json!({"type": "array", "items": own});
    assert_eq!(depth(json!({"anyOf": [list, list]})), Some(13));
    assert_eq!(depth(json!({"oneOf": [list, list, list, list]})), Some(6));
    assert_eq!(depth(json!({"allOf": [{"items": own}, {"items": own}]})), Some(13));
    assert_eq!(depth(json!({"items": own, "contains": own})), Some(13));
    assert_eq!(depth(json!({"patternProperties": {"a": own, "b": own}})), Some(13));
    // Also what is reached from elsewhere.
    let root = json!({"A": {"items": {"$ref": "#/T"}}, "T": {"anyOf": [list, list]}, "B": {}});
    assert_eq!(depths(&root, &["/A".to_owned(), "/B".to_owned()]), [Some(13), None]);
}

#[test]
fn the_depth_of_a_value_is_told() {
    assert!(is_within(&json!(1), 0) && !is_within(&json!([]), 0));
    assert!(is_within(&json!([[1]]), 2) && !is_within(&json!([[1]]), 1));
    assert!(is_within(&json!({"a": [], "b": 1}), 2));
}
