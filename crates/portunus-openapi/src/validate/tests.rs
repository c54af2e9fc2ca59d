use portunus_exchange::Exchange;
use portunus_filter::testing::{Bench, Rig, exchange, shown, texts};
use portunus_filter::{BodyNeed, Factory, Filter, Verdict, Way};
use portunus_spec::{Node, Value};
use serde_json::json;

use super::ValidateSpec;

static REGISTRY: &[Factory] = &[Factory::of::<ValidateSpec>()];

const DOCUMENT: &str = r##"
openapi: 3.0.3
servers: [{url: https://shop.example.com/v1}]
paths:
  /orders:
    post:
      operationId: addOrder
      parameters: [{name: X-Token, in: header, schema: {type: string, maxLength: 3}}]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Order'}}
      responses:
        '201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
  /orders/{id}:
    get: {operationId: getOrder, parameters: [{name: id, in: path, required: true, schema: {type: integer}}]}
components:
  schemas:
    Order: {type: object, required: [price], properties: {price: {type: number}}}
"##;

fn bench() -> Bench {
    let mut bench = Bench::new(REGISTRY);
    bench.files.insert("api.yaml", DOCUMENT.to_owned());
    bench.files.insert(
        "order.json",
        json!({"required": ["a"], "properties": {"a": {"type": "integer"}}}).to_string(),
    );
    bench
        .files
        .insert("broken.yaml", "openapi: 3.0.0\npaths:\n  /a: {$ref: 'other.yaml'}\n".to_owned());
    bench
}

fn build(entries: &[(&str, &str)]) -> std::sync::Arc<dyn Filter> {
    bench().build("validate", texts(entries)).unwrap()
}

fn post(body_headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = exchange("POST /v1/orders");
    for (name, value) in body_headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn asked(filter: &dyn Filter, mut exchange: Exchange, body: &str) -> (String, Exchange) {
    let mut rig = Rig::new();
    let verdict = match rig.request(filter, &mut exchange) {
        Verdict::Continue => rig.body(filter, &mut exchange, body),
        verdict => verdict,
    };
    (shown(&verdict), exchange)
}

fn check(filter: &dyn Filter, exchange: Exchange, body: &str, expected: &str) {
    assert_eq!(asked(filter, exchange, body).0.trim_end(), expected);
}

#[test]
fn a_request_that_fits_goes_on() {
    let filter = build(&[("openapi", "api.yaml")]);
    let (verdict, exchange) = asked(&*filter, post(&[JSON]), r#"{"price": 1}"#);
    assert_eq!(verdict, "continue");
    assert_eq!(exchange.attributes.value("operation"), Some(&b"addOrder"[..]));
    check(&*filter, exchange_of("GET /v1/orders/7"), "", "continue");
}

fn exchange_of(line: &str) -> Exchange {
    exchange(line)
}

#[test]
fn a_request_that_does_not_fit_is_told_what_is_wrong() {
    let filter = build(&[("openapi", "api.yaml")]);
    check(
        &*filter,
        post(&[JSON]),
        r#"{"price": "secret"}"#,
        r#"400 validate.request {"type":"about:blank","title":"Bad Request","status":400,"reason":"validate.request","detail":"The body at /price is not of type number.","errors":[{"in":"body","pointer":"/price","message":"is not of type number"}]}"#,
    );
    check(
        &*filter,
        post(&[JSON, ("X-Token", "secret")]),
        "{}",
        r#"400 validate.request {"type":"about:blank","title":"Bad Request","status":400,"reason":"validate.request","detail":"The header `X-Token` is longer than 3 characters.","errors":[{"in":"header","name":"X-Token","message":"is longer than 3 characters"}]}"#,
    );
    let starts = |exchange, body: &str, expected: &str| {
        let verdict = asked(&*filter, exchange, body).0;
        assert!(verdict.starts_with(expected), "{verdict}");
    };
    starts(post(&[JSON]), "{", "400 validate.body ");
    starts(post(&[("Content-Type", "text/plain")]), "x", "415 validate.media_type ");
    starts(post(&[JSON, ("Content-Encoding", "gzip")]), "x", "415 validate.media_type ");
    starts(post(&[]), r#"{"price": 1}"#, "415 validate.media_type ");
    starts(exchange("GET /v1/nothing"), "", "404 validate.operation ");
    starts(exchange("GET /orders/7"), "", "404 validate.operation ");
    starts(exchange("DELETE /v1/orders"), "", "405 validate.method ");
    starts(exchange("GET /v1/orders/x"), "", "400 validate.request ");
}

#[test]
fn what_is_let_through_is_a_choice() {
    let filter = build(&[
        ("openapi", "api.yaml"),
        ("unknown", "pass"),
        ("encoded", "pass"),
        ("base", "/v1"),
    ]);
    check(&*filter, exchange("GET /nothing"), "", "continue");
    check(&*filter, post(&[JSON, ("Content-Encoding", "gzip")]), "\u{1}", "continue");
    let lenient = build(&[("openapi", "api.yaml"), ("duplicate_keys", "pass")]);
    let twice = r#"{"price": 1, "price": 2}"#;
    check(&*lenient, post(&[JSON]), twice, "continue");
    assert!(asked(&*filter, post(&[JSON]), twice).0.contains("a key is there twice"));
    let strict = build(&[("openapi", "api.yaml"), ("unknown_parameters", "refuse")]);
    assert!(asked(&*strict, exchange("GET /v1/orders/7?x=1"), "").0.contains("query `x`"));
    let unseen = build(&[("openapi", "api.yaml"), ("body", "pass")]);
    assert_eq!(unseen.interest().request_body, BodyNeed::None);
    assert_eq!(
        build(&[("openapi", "api.yaml"), ("body_max", "10KiB")]).interest().request_body,
        BodyNeed::Buffered(10 << 10)
    );
}

#[test]
fn the_path_that_the_client_sent_may_count() {
    let mut rewritten = exchange("GET /v1/orders/7?x=1");
    rewritten.target = rewritten.request.target_stored();
    rewritten.request.set_path(b"/orders/7");
    let original = build(&[("openapi", "api.yaml"), ("path", "original")]);
    assert_eq!(shown(&Rig::new().request(&*original, &mut rewritten)), "continue");
    assert_eq!(rewritten.request.path(), b"/orders/7", "the request stays as it was");
    let current = build(&[("openapi", "api.yaml")]);
    let verdict = shown(&Rig::new().request(&*current, &mut rewritten));
    assert!(verdict.starts_with("404 validate.operation"), "{verdict}");
}

#[test]
fn reports_let_everything_through_and_tell() {
    let filter = build(&[("openapi", "api.yaml"), ("request", "report"), ("body_max", "30B")]);
    assert_eq!(filter.interest().request_body, BodyNeed::Stream);
    let (mut rig, mut exchange) = (Rig::new(), post(&[JSON]));
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    for (piece, end) in [(r#"{"price""#, false), (r#": "secret"}"#, false), ("", true)] {
        let mut bytes = piece.as_bytes().to_vec();
        assert_eq!(shown(&rig.piece(&*filter, &mut exchange, true, &mut bytes, end)), "continue");
        assert_eq!(bytes, piece.as_bytes(), "pieces are passed on as they came");
    }
    let notes = "operation addOrder (POST /orders)\n\
        would refuse with validate.request: The body at /price is not of type number.";
    assert_eq!(rig.notes.join("\n"), notes);
    let told = exchange.attributes.value("violation").unwrap();
    assert_eq!(told, b"The body at /price is not of type number.");
    // One that is too long to be heard out is not judged.
    let (mut rig, mut exchange) = (Rig::new(), post(&[JSON]));
    rig.request(&*filter, &mut exchange);
    let mut bytes = vec![b'x'; 31];
    assert_eq!(shown(&rig.piece(&*filter, &mut exchange, true, &mut bytes, true)), "continue");
    assert_eq!(rig.notes.len(), 1);
}

fn answered(filter: &dyn Filter, status: u16, body: &str) -> (String, Rig) {
    let (mut rig, mut exchange) = (Rig::new(), post(&[JSON]));
    rig.request(filter, &mut exchange);
    exchange.endpoint_name = Some("origin".into());
    exchange.response.set_status(status);
    exchange.response.headers.append(b"Content-Type", b"application/json");
    let verdict = match rig.response(filter, &mut exchange) {
        Verdict::Continue => {
            let mut bytes = body.as_bytes().to_vec();
            let verdict = rig.piece(filter, &mut exchange, false, &mut bytes, true);
            assert_eq!(bytes, body.as_bytes());
            verdict
        }
        verdict => verdict,
    };
    (shown(&verdict), rig)
}

#[test]
fn answers_are_reported_or_refused() {
    let report = build(&[("openapi", "api.yaml"), ("response", "report")]);
    let check = |status, body, note: &str| {
        let (verdict, rig) = answered(&*report, status, body);
        assert_eq!((verdict.as_str(), rig.notes.last().unwrap().as_str()), ("continue", note));
    };
    check(201, r#"{"price": 1}"#, "operation addOrder (POST /orders)");
    check(201, r#"{"price": "x"}"#, "the answer's body at /price is not of type number");
    check(500, "{}", "the answer's status 500 is not described");
    let enforce = build(&[("openapi", "api.yaml"), ("response", "enforce")]);
    assert_eq!(enforce.interest().response_body, BodyNeed::Buffered(1 << 20));
    assert_eq!(answered(&*enforce, 201, r#"{"price": 1}"#).0, "continue");
    assert_eq!(answered(&*enforce, 201, "{}").0, "502 validate.response problem");
}

#[test]
fn our_own_answers_are_not_judged() {
    let filter = build(&[("openapi", "api.yaml"), ("response", "enforce")]);
    let (mut rig, mut exchange) = (Rig::new(), post(&[JSON]));
    rig.request(&*filter, &mut exchange);
    exchange.response.set_status(418);
    assert_eq!(shown(&rig.response(&*filter, &mut exchange)), "continue");
    exchange.endpoint_name = Some("origin".into());
    assert_eq!(shown(&rig.response(&*filter, &mut exchange)), "502 validate.response problem");
    exchange.reason = Some(portunus_exchange::Reason("validate.response"));
    assert_eq!(shown(&rig.response(&*filter, &mut exchange)), "continue");
}

#[test]
fn a_plain_schema_holds_for_all_bodies() {
    let filter =
        bench().build("validate", Node::map([("schema", Node::text("order.json"))])).unwrap();
    check(&*filter, post(&[JSON]), r#"{"a": 1}"#, "continue");
    check(&*filter, exchange("GET /x"), "", "continue");
    assert!(asked(&*filter, post(&[JSON]), r#"{"a": "x"}"#).0.contains("/a"));
    assert!(asked(&*filter, post(&[JSON]), "").0.contains("body is required"));
    assert!(asked(&*filter, post(&[("Content-Type", "text/xml")]), "x").0.starts_with("415 "));
}

#[test]
fn mistakes_are_told_with_their_place_in_the_document() {
    let mistakes = |entries: &[(&str, &str)]| bench().mistakes("validate", texts(entries));
    assert_eq!(
        mistakes(&[("openapi", "broken.yaml")]),
        "broken.yaml:3:8: `other.yaml` is another document (bundle all of it into one file: nothing is fetched)"
    );
    assert_eq!(mistakes(&[("openapi", "none.yaml")]), "cannot read none.yaml ()");
    assert!(mistakes(&[]).starts_with("nothing to check against"));
    assert!(mistakes(&[("openapi", "api.yaml"), ("schema", "order.json")]).starts_with("either"));
    assert!(
        mistakes(&[("openapi", "api.yaml"), ("base", "v1")]).contains("not the start of a path")
    );
    assert!(mistakes(&[("openapi", "api.yaml"), ("depth_max", "500")]).contains("from 1 to 127"));
    assert!(mistakes(&[("openapi", "api.yaml"), ("errors_max", "0")]).contains("from 1 to 100"));
    assert!(mistakes(&[("openapi", "api.yaml"), ("body_max", "1GiB")]).contains("64MiB"));
    let wrong = Node::map([("openapi", Value::Int(1).into()), ("unknown", Node::text("drop"))]);
    assert!(bench().mistakes("validate", wrong).contains("refuse, pass"));
}

const FILES: &str = r#"
openapi: 3.0.3
paths:
  /files:
    put:
      requestBody:
        required: true
        content: {image/png: {}, application/json: {schema: {type: object}}}
  /images:
    put: {requestBody: {required: true, content: {image/png: {}}}}
"#;

/// Whether a request's body is held, and what is said of its head.
fn head_of(line: &str, headers: &[(&str, &str)]) -> (String, bool) {
    let mut bench = bench();
    bench.files.insert("files.yaml", FILES.to_owned());
    let filter = bench.build("validate", texts(&[("openapi", "files.yaml")])).unwrap();
    let mut exchange = exchange(line);
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    let verdict = shown(&Rig::new().request(&*filter, &mut exchange));
    let start = verdict.split(" {").next().unwrap().to_owned();
    (start, filter.needs_body(Way::Request, &exchange))
}

#[test]
fn a_body_that_nobody_looks_into_is_not_held() {
    let png = ("Content-Type", "image/png");
    assert_eq!(head_of("PUT /files", &[JSON]), ("continue".to_owned(), true));
    assert_eq!(head_of("PUT /files", &[png]), ("continue".to_owned(), false));
    assert_eq!(head_of("PUT /images", &[png]), ("continue".to_owned(), false));
}

#[test]
fn it_has_to_be_there_and_to_say_what_it_is() {
    let png = ("Content-Type", "image/png");
    let refused = |code: &str| (code.to_owned(), false);
    let empty = [png, ("Content-Length", "0")];
    assert_eq!(head_of("PUT /images", &empty), refused("400 validate.request"));
    let unnamed = [("Content-Length", "3")];
    assert_eq!(head_of("PUT /images", &unnamed), refused("415 validate.media_type"));
    let twice = [JSON, png];
    assert_eq!(head_of("PUT /files", &twice), refused("400 validate.request"));
}

#[test]
fn more_cookies_than_may_be_are_refused() {
    let many = "a=b; ".repeat(1001);
    let (verdict, _) = head_of("PUT /images", &[("Content-Type", "image/png"), ("Cookie", &many)]);
    assert_eq!(verdict, "400 validate.request");
}
