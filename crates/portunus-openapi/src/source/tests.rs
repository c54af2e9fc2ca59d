use serde_json::json;

use super::routes;
use crate::document::Document;

#[test]
fn each_operation_asks_for_a_route() {
    let text = json!({"openapi": "3.0.0", "paths": {
        "/pets/{petId}": {"get": {"operationId": "getPet", "x-portunus": {"use": ["request_id"]}}, "put": {}},
        "/a/{b-c}.{1}": {"post": {"operationId": "x", "requestBody": {"content": {"application/json": {}}}}},
        "/pets?beta=true&x": {"get": {"operationId": "beta"}},
    }});
    let document = Document::parse("a.json", text.to_string()).unwrap();
    let routes = routes(&document, "/v1").unwrap();
    let shown: Vec<String> = routes
        .iter()
        .map(|route| {
            format!(
                "{} {} {} [{}] {}",
                route.method, route.path, route.name, route.key, route.has_body
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "GET /v1/pets/{petId} getPet [getPet] false",
            "PUT /v1/pets/{petId} PUT [PUT /pets/{petId}] false",
            r"POST ~ /v1/a/(?<b_c>[^/]+?)\.(?<p3_1>[^/]+?) x [x] true",
            "GET /v1/pets beta [beta] false",
        ]
    );
    assert_eq!(
        routes[3].query,
        [("beta".to_owned(), "true".to_owned()), ("x".to_owned(), "*".to_owned())]
    );
    assert_eq!(routes[0].extension, Some(json!({"use": ["request_id"]})));
}

#[test]
fn a_document_with_mistakes_has_no_routes() {
    let document =
        Document::parse("a.json", json!({"openapi": "3.0.0", "paths": {"a": {}}}).to_string())
            .unwrap();
    assert_eq!(routes(&document, "").unwrap_err()[0].message, "`a` is no path");
}
