use portunus_http::{Method, ResponseHead};
use serde_json::json;

use crate::api::{Api, ApiOptions};
use crate::document::Document;
use crate::json::Bounds;
use crate::request::{BodyFault, Strictness};

const STRICT: Strictness = Strictness {
    unknown_parameters: true,
    violations_max: 10,
    json: Bounds { depth: 32, values: 10_000, duplicates: false },
};

fn api() -> Api {
    let document = json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {
        "200": {"description": "", "headers": {"X-Total": {"required": true, "schema": {"type": "integer"}}},
            "content": {"application/json": {"schema": {"type": "object", "required": ["id"],
                "properties": {"id": {"type": "integer", "readOnly": true}, "secret": {"writeOnly": true}}}}}},
        "4XX": {"description": "", "content": {"application/problem+json": {}}},
        "204": {"description": ""},
    }}}}});
    let document = Document::parse("api.json", document.to_string()).unwrap();
    Api::compile(&document, ApiOptions { answers: true, formats: true }).unwrap().0
}

fn answer(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
    let mut head = ResponseHead::default();
    head.set_status(status);
    for (name, value) in headers {
        head.headers.append(name.as_bytes(), value.as_bytes());
    }
    head
}

#[test]
fn status_and_headers_of_answers_are_checked() {
    let api = api();
    let check = |status, headers: &[(&str, &str)]| {
        let found = api.check_answer(&api.operations()[0], &answer(status, headers), &STRICT);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(check(200, &[("x-total", "7")]), [""; 0]);
    assert_eq!(check(200, &[("x-total", "x")]), ["header `X-Total` is not of type integer"]);
    assert_eq!(check(200, &[]), ["header `X-Total` is required"]);
    assert_eq!(check(404, &[]), [""; 0]);
    assert_eq!(check(500, &[]), ["status 500 is not described"]);
}

#[test]
fn bodies_of_answers_are_checked() {
    let api = api();
    let operation = &api.operations()[0];
    let check = |status, kind, body: &str| {
        let head = answer(status, &[("Content-Type", kind)]);
        api.check_answer_body(operation, &head, body.as_bytes(), &STRICT)
    };
    assert_eq!(check(200, "application/json", r#"{"id": 1}"#), Ok(()));
    assert!(matches!(check(200, "application/json", "{}"), Err(BodyFault::Unfit(_))));
    assert!(matches!(check(200, "text/html", "x"), Err(BodyFault::MediaType(_))));
    assert!(matches!(check(404, "application/problem+json", "{"), Err(BodyFault::Unreadable(_))));
    assert!(api.looks_into(operation, &answer(200, &[]), Method::Get));
    assert!(!api.looks_into(operation, &answer(200, &[]), Method::Head));
    assert!(!api.looks_into(operation, &answer(204, &[]), Method::Get));
}
