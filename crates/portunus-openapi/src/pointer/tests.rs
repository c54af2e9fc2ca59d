use serde_json::json;

use super::{follow, join, of_reference, steps, to_reference};

#[test]
fn a_step_is_escaped_and_read_back() {
    let pointer = join(&join("", "paths"), "/pets/{id}~x");
    assert_eq!(pointer, "/paths/~1pets~1{id}~0x");
    assert_eq!(steps(&pointer).collect::<Vec<_>>(), ["paths", "/pets/{id}~x"]);
}

#[test]
fn a_reference_is_a_fragment_in_percent_encoding() {
    let reference = to_reference("/paths/~1pets~1{id}/get");
    assert_eq!(reference, "#/paths/~1pets~1%7Bid%7D/get");
    assert_eq!(of_reference(&reference).unwrap(), "/paths/~1pets~1{id}/get");
    assert_eq!(of_reference("other.yaml#/a"), None);
    assert_eq!(of_reference("#anchor"), None);
}

#[test]
fn chains_of_references_end_and_circles_do_not_hang() {
    let root = json!({
        "a": {"$ref": "#/b"}, "b": {"$ref": "#/c"}, "c": {"x": 1},
        "round": {"$ref": "#/about"}, "about": {"$ref": "#/round"},
    });
    assert_eq!(follow(&root, "/a".into()).unwrap().0, "/c");
    assert!(follow(&root, "/round".into()).is_none());
    assert!(follow(&root, "/nowhere".into()).is_none());
}
