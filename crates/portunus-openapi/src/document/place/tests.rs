use super::find;

#[test]
fn a_pointer_is_found_in_yaml_and_json() {
    let yaml = "paths:\n  /pets/{id}:\n    get:\n      parameters:\n        - name: a\n        - {name: b, in: query}\n";
    let check =
        |text: &str, pointer: &str, at| assert_eq!(find(text, pointer), Some(at), "{pointer}");
    check(yaml, "/paths/~1pets~1{id}/get/parameters/1/in", (6, 21));
    check(yaml, "/paths/~1pets~1{id}/get/parameters/1", (6, 11));
    check(yaml, "/paths/~1pets~1{id}/get", (3, 5));
    // What is not there is looked for as far as possible.
    check(yaml, "/paths/~1pets~1{id}/put/x", (3, 5));
    let json = "{\n\t\"a\": {\"b\": [1, {\"c\": 2}]}\n}";
    check(json, "/a/b/1/c", (2, 18));
}

#[test]
fn broken_text_has_no_places() {
    assert_eq!(find("{\"a\": [", "/a/3"), None);
}
