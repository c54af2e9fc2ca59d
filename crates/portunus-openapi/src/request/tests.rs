use portunus_http::RequestHead;
use portunus_route::Params;
use serde_json::{Value, json};

use super::{BodyFault, Strictness};
use crate::api::{Api, ApiOptions};
use crate::document::Document;
use crate::json::Bounds;

const STRICT: Strictness = Strictness {
    unknown_parameters: true,
    violations_max: 10,
    json: Bounds { depth: 32, values: 10_000, duplicates: false },
};

fn api() -> Api {
    let order = json!({"type": "object", "required": ["items"], "properties": {
        "items": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
        "id": {"type": "integer", "readOnly": true},
    }});
    let document = json!({
        "openapi": "3.1.0",
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}},
        "paths": {
            "/orders/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "get": {"operationId": "getOrder", "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object",
                        "additionalProperties": {"type": "integer"}}},
                    {"name": "X-Trace", "in": "header", "required": true, "schema": {"type": "string", "pattern": "^[0-9a-f]+$"}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string", "minLength": 3}},
                    {"name": "flag", "in": "query", "allowEmptyValue": true, "schema": {"type": "integer"}},
                ]},
            },
            "/orders": {"post": {"requestBody": {"required": true, "content": {
                "application/json": {"schema": order},
                "application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": false,
                    "required": ["n"], "properties": {"n": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}}},
                "multipart/form-data": {},
                "image/*": {},
            }}}},
        },
    });
    let document = Document::parse("api.json", document.to_string()).unwrap();
    Api::compile(&document, ApiOptions { answers: false, formats: true }).unwrap().0
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> RequestHead {
    let mut head = RequestHead::default();
    head.set_method(method.as_bytes());
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    head.set_path(path.as_bytes());
    head.set_query(query.map(str::as_bytes));
    for (name, value) in headers {
        head.headers.append(name.as_bytes(), value.as_bytes());
    }
    head
}

fn head_violations(target: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let (api, request) = (api(), request("GET", target, headers));
    let mut params = Params::default();
    let finder = api.finder("/v1").unwrap();
    let (_, operation) = api.find(&finder, &request, &mut params).unwrap();
    let violations = api.check_head(operation, &request, &params, &STRICT);
    violations.iter().map(ToString::to_string).collect()
}

fn body(content_type: &str, body: &str) -> Result<(), BodyFault> {
    let (api, request) = (api(), request("POST", "/orders", &[("Content-Type", content_type)]));
    let operation = &api.operations()[1];
    api.check_body(operation, &request.headers, body.as_bytes(), &STRICT)
}

fn unfit(content_type: &str, text: &str) -> Vec<String> {
    match body(content_type, text) {
        Err(BodyFault::Unfit(violations)) => violations.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn parameters_of_all_places_are_checked() {
    let fine = [("X-Trace", "ab12"), ("Cookie", "a=b; session=xyz")];
    let none: [&str; 0] = [];
    assert_eq!(head_violations("/v1/orders/7?limit=5&filter[a]=1&flag=&api_key=k", &fine), none);
    let wrong = [("X-Trace", "xyz"), ("Cookie", "session=x")];
    assert_eq!(
        head_violations("/v1/orders/seven?limit=500&filter[a]=x&other=1", &wrong),
        [
            "query `limit` is more than 100",
            "query `filter` at /a is not of type integer",
            "header `X-Trace` does not match ^[0-9a-f]+$",
            "cookie `session` is shorter than 3 characters",
            "path `id` is not of type integer",
            "query `other` is no parameter of this operation",
        ]
    );
    assert_eq!(head_violations("/v1/orders/7", &[]), ["header `X-Trace` is required"]);
}

#[test]
fn a_request_of_no_operation_is_told_apart() {
    let api = api();
    let finder = api.finder("").unwrap();
    let find = |method, path| {
        let mut params = Params::default();
        let found = api.find(&finder, &request(method, path, &[]), &mut params);
        found.map(|(_, operation)| operation.name.to_string()).map_err(|none| none.allow)
    };
    assert_eq!(find("GET", "/orders/1").unwrap(), "getOrder");
    assert_eq!(find("HEAD", "/orders/1").unwrap(), "getOrder");
    assert_eq!(find("POST", "/orders").unwrap(), "POST /orders");
    assert_eq!(find("DELETE", "/orders").unwrap_err(), "POST");
    assert_eq!(find("GET", "/nothing").unwrap_err(), "");
}

#[test]
fn json_bodies_are_checked_and_pointed_into() {
    assert_eq!(body("application/json; charset=UTF-8", r#"{"items": [{"price": 1}]}"#), Ok(()));
    assert_eq!(
        unfit("application/json", r#"{"items": [{"price": 1}, {"price": "secret"}]}"#),
        ["body at /items/1/price is not of type number"]
    );
    assert_eq!(unfit("application/json", "{}"), ["body lacks the key `items`"]);
    assert_eq!(unfit("application/json", ""), ["body is required"]);
    let unreadable = |text| matches!(body("application/json", text), Err(BodyFault::Unreadable(_)));
    assert!(
        unreadable("{") && unreadable(r#"{"items": 1, "items": 2}"#) && unreadable("\u{feff}{}")
    );
}

#[test]
fn media_types_are_those_described() {
    let list = "application/json, application/x-www-form-urlencoded, multipart/form-data, image/*";
    assert_eq!(body("text/plain", "x"), Err(BodyFault::MediaType(list.to_owned())));
    assert_eq!(body("image/png", "\u{1}"), Ok(()));
    assert_eq!(body("multipart/form-data; boundary=x", "--x--"), Ok(()));
    let other = Err(BodyFault::MediaType("application/json; charset=utf-8".to_owned()));
    assert_eq!(body("application/json; charset=utf-16", "{}"), other);
}

#[test]
fn forms_are_read_by_their_schema() {
    let form = "application/x-www-form-urlencoded";
    assert_eq!(body(form, "n=7&tags=a&tags=b"), Ok(()));
    assert_eq!(body(form, "n=7&tags=a"), Ok(()));
    assert_eq!(unfit(form, "n=x"), ["body at /n is not of type integer"]);
    assert_eq!(unfit(form, "n=1&x=secret"), ["body has keys that are not allowed: `x`"]);
    let twice = Err(BodyFault::Unreadable("the key `n` is given more than once".to_owned()));
    assert_eq!(body(form, "n=1&n=2"), twice);
}

#[test]
fn the_list_is_bounded() {
    let items: Vec<Value> = (0..500).map(|_| json!({"price": "x"})).collect();
    assert_eq!(unfit("application/json", &json!({"items": items}).to_string()).len(), 10);
}

#[test]
fn operations_may_be_told_apart_by_the_query() {
    let text = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"operationId": "a"}}, "/a?beta=true": {"get": {"operationId": "b"}}}});
    let document = Document::parse("api.json", text.to_string()).unwrap();
    let (api, _) = Api::compile(&document, ApiOptions { answers: false, formats: true }).unwrap();
    let finder = api.finder("").unwrap();
    let find = |target| {
        let (request, mut params) = (request("GET", target, &[]), Params::default());
        let (_, operation) = api.find(&finder, &request, &mut params).unwrap();
        assert_eq!(api.check_head(operation, &request, &params, &STRICT), []);
        operation.name.to_string()
    };
    assert_eq!((find("/a").as_str(), find("/a?beta=true").as_str()), ("a", "b"));
}
