use serde_json::json;

use crate::tests::mistakes;

#[test]
fn each_mistake_is_told_at_its_place() {
    let of = |operations| mistakes(&json!({"request": {"json": operations}}));
    assert!(of(json!([{}])).contains("one kind of operation"));
    assert!(of(json!([{"set": {"/a": 1}, "remove": "/b"}])).contains("one kind of operation"));
    assert!(of(json!([{"set": {"a": 1}}])).contains("`a` is no place in a document"));
    assert!(of(json!([{"set": {"/a": "{nobody}"}}])).contains("unknown variable `nobody`"));
    assert!(of(json!([{"remove": ""}])).contains("the whole document"));
    assert!(of(json!([{"rename": {"/a": "/b"}}])).contains("not a place"));
    assert!(of(json!([{"move": {"/a": "/a/b"}}])).contains("into itself"));
    assert!(of(json!([{"copy": {"/*/a": "/b"}}])).contains("`*` means many"));
    assert!(of(json!([{"replace": {"/a": 1}}])).contains("unknown key `replace`"));
    let all = of(json!([{"remove": ["a", "b"]}, {"set": {"/c": {"d": ["{x}"]}, "e": 1}}]));
    assert_eq!(all.lines().count(), 4, "{all}");
}
