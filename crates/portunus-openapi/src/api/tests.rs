use serde_json::{Value, json};

use super::{Api, ApiOptions, server_path};
use crate::document::Document;

const OPTIONS: ApiOptions = ApiOptions { answers: true, formats: true };

fn faults(document: Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(&document).unwrap();
    let document = Document::parse("api.json", text).unwrap();
    let faults = match Api::compile(&document, OPTIONS) {
        Ok((_, warnings)) => warnings,
        Err(faults) => faults,
    };
    faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message)).collect()
}

#[test]
fn mistakes_in_documents_are_told_together() {
    let found = faults(json!({"openapi": "3.0.0", "paths": {
        "pets": {},
        "/a/{id}": {"get": {
            "parameters": [{"in": "query"}, {"name": "b", "in": "body"}, {"name": "c", "in": "path"}],
            "requestBody": {"content": {"json": {}}},
            "responses": {"2000000": {}},
        }},
    }}));
    assert_eq!(
        found,
        [
            "/paths/pets: `pets` is no path",
            "/paths/~1a~1{id}/get/parameters/0: a parameter without a name",
            "/paths/~1a~1{id}/get/parameters/1: the parameter `b` is nowhere",
            "/paths/~1a~1{id}/get/parameters: the path has no part `{c}`",
            "/paths/~1a~1{id}/get/requestBody/content/json: `json` is no media type, and no body is of it",
            "/paths/~1a~1{id}/get/responses/2000000: `2000000` is no status",
        ]
    );
}

#[test]
fn parameters_of_an_operation_replace_those_of_its_path() {
    let document = json!({"openapi": "3.0.0", "paths": {"/a": {
        "parameters": [{"name": "n", "in": "query", "required": true}, {"name": "m", "in": "query"}],
        "get": {"parameters": [{"$ref": "#/components/parameters/n"}]},
    }}, "components": {"parameters": {"n": {"name": "n", "in": "query"}}}});
    let document = Document::parse("api.json", document.to_string()).unwrap();
    let (api, _) = Api::compile(&document, OPTIONS).unwrap();
    let parameters = &api.operations()[0].parameters;
    let names: Vec<_> =
        parameters.iter().map(|parameter| (&*parameter.name, parameter.required)).collect();
    assert_eq!(names, [("n", false), ("m", false)]);
}

#[test]
fn two_paths_of_one_shape_cannot_be_told_apart() {
    let document =
        json!({"openapi": "3.0.0", "paths": {"/a/{x}": {"get": {}}, "/a/{y}": {"get": {}}}});
    let document = Document::parse("api.json", document.to_string()).unwrap();
    let (api, _) = Api::compile(&document, OPTIONS).unwrap();
    let faults = api.finder("").unwrap_err();
    assert_eq!(faults, ["/paths/~1a~1{y}/get: takes the same requests as /a/{x}"]);
}

#[test]
fn the_path_of_the_first_server_is_the_base() {
    let check = |server: Value, expected: &str| {
        let text = json!({"openapi": "3.0.0", "servers": [server]}).to_string();
        assert_eq!(server_path(&Document::parse("a.json", text).unwrap()), expected);
    };
    check(json!({"url": "https://api.example.com"}), "");
    check(json!({"url": "https://api.example.com/v1/"}), "/v1");
    check(json!({"url": "/api/v3"}), "/api/v3");
    check(json!({"url": "/"}), "");
    check(
        json!({"url": "https://{h}/{v}", "variables": {"h": {"default": "a"}, "v": {"default": "v2"}}}),
        "/v2",
    );
    check(json!({"url": "relative"}), "");
}
