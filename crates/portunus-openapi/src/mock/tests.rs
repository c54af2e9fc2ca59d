use portunus_exchange::{Reply, ReplyBody};
use portunus_filter::testing::{Bench, Rig, exchange, header, shown, texts};
use portunus_filter::{Factory, Verdict};

use super::MockSpec;

static REGISTRY: &[Factory] = &[Factory::of::<MockSpec>()];

const DOCUMENT: &str = r##"
openapi: 3.1.0
servers: [{url: /v1}]
paths:
  /early: {get: {responses: {'101': {description: no answer yet}}}}
  /pets/{id}:
    get:
      operationId: getPet
      responses:
        '404': {description: none, content: {application/problem+json: {example: {title: none}}}}
        '200':
          description: a pet
          headers: {X-Rate: {schema: {type: integer}, example: 7}, Content-Length: {example: 9}, X-Object: {schema: {type: object}}}
          content:
            application/json:
              examples:
                cat: {value: {name: Tom}}
                dog: {$ref: '#/components/examples/dog'}
            text/plain: {example: Tom}
            image/*: {}
        5XX: {description: bad}
    delete: {responses: {'204': {description: gone, content: {application/json: {example: 1}}}}}
    head: {}
  /made: {get: {responses: {default: {description: any, content: {'*/*': {schema: {type: array, items: {type: integer, minimum: 3}}}}}}}}
components: {examples: {dog: {value: {name: Rex}}}}
"##;

fn ask(line: &str, headers: &[(&str, &str)]) -> Reply {
    let mut bench = Bench::new(REGISTRY);
    bench.files.insert("api.yaml", DOCUMENT.to_owned());
    let filter = bench.build("mock", texts(&[("openapi", "api.yaml")])).unwrap();
    let mut exchange = exchange(line);
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    match Rig::new().request(&*filter, &mut exchange) {
        Verdict::Reply(reply) => *reply,
        other => panic!("{other:?}"),
    }
}

fn check(line: &str, headers: &[(&str, &str)], expected: &str) {
    assert_eq!(shown(&Verdict::reply(ask(line, headers))), expected, "{line} {headers:?}");
}

#[test]
fn examples_of_the_document_are_the_answers() {
    let reply = ask("GET /v1/pets/7", &[]);
    assert_eq!(header(&reply, "Content-Type"), Some("application/json"));
    assert_eq!(header(&reply, "X-Rate"), Some("7"));
    assert_eq!(header(&reply, "X-Object"), None);
    assert_eq!(header(&reply, "Preference-Applied"), None);
    check("GET /v1/pets/7", &[], "200 - {\"name\":\"Tom\"}");
    check("GET /v1/made", &[], "200 - [3]");
    check("DELETE /v1/pets/7", &[], "204 - -");
    assert!(matches!(ask("DELETE /v1/pets/7", &[]).body, ReplyBody::Empty));
}

#[test]
fn preferences_are_kept_where_the_document_allows() {
    let prefer = |value| ask("GET /v1/pets/7", &[("Prefer", value)]);
    let reply = prefer("code=404");
    assert_eq!((reply.status, header(&reply, "Preference-Applied")), (404, Some("code=404")));
    let reply = prefer("example=dog");
    assert_eq!(shown(&Verdict::reply(reply.clone())), "200 - {\"name\":\"Rex\"}");
    assert_eq!(header(&reply, "Preference-Applied"), Some("example=\"dog\""));
    assert_eq!(prefer("code=503").status, 503);
    // What the document does not describe cannot be had.
    for unknown in ["code=418", "code=99999", "example=cow", "code=x", "wait=1"] {
        let reply = prefer(unknown);
        assert_eq!((reply.status, header(&reply, "Preference-Applied")), (200, None), "{unknown}");
    }
}

#[test]
fn the_client_chooses_the_media_type() {
    let accept = |value| [("Accept", value)];
    check("GET /v1/pets/7", &accept("text/plain"), "200 - Tom");
    check("GET /v1/pets/7", &accept("text/*;q=0.5, application/json;q=0.1"), "200 - Tom");
    check("GET /v1/pets/7", &accept("*/*"), "200 - {\"name\":\"Tom\"}");
    check("GET /v1/pets/7", &accept("application/json;q=0, */*"), "200 - Tom");
    check("GET /v1/pets/7", &accept("application/xml"), "406 mock.not_acceptable problem");
}

#[test]
fn what_comes_before_an_answer_is_none_and_framing_is_not_made_up() {
    check("GET /v1/early", &[], "501 mock.no_answer problem");
    assert_eq!(header(&ask("GET /v1/pets/7", &[]), "Content-Length"), None);
}

#[test]
fn requests_of_no_operation_are_refused() {
    check("GET /v1/nothing", &[], "404 mock.operation problem");
    check("POST /v1/pets/7", &[], "405 mock.method problem");
    check("HEAD /v1/pets/7", &[], "501 mock.no_answer problem");
    assert_eq!(header(&ask("POST /v1/made", &[]), "Allow"), Some("GET, HEAD"));
}
