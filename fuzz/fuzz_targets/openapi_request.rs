//! Requests against an OpenAPI document with parameters of all styles: whatever a client sends is told in bounds, and
//! what it sent is not told back.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portunus_http::RequestHead;
use portunus_openapi::json::Bounds;
use portunus_openapi::{Api, ApiOptions, BodyFault, Document, Finder, Strictness};
use portunus_route::Params;

/// A target, the value of a header, the value of a cookie and a media type, a line each; then the body.
fn request(text: &[u8]) -> Option<(RequestHead, &[u8])> {
    let mut parts = text.splitn(5, |byte| *byte == b'\n');
    let target = parts.next()?;
    let mut head = RequestHead::default();
    head.set_method(b"POST");
    let mut target = target.splitn(2, |byte| *byte == b'?');
    let mut path = b"/all/".to_vec();
    path.extend(target.next()?.iter().filter(|byte| **byte != b'/'));
    head.set_path(&path);
    head.set_query(target.next());
    for name in [&b"X-List"[..], b"Cookie", b"Content-Type"] {
        head.headers.append(name, parts.next()?);
    }
    Some((head, parts.next()?))
}

fuzz_target!(|text: &[u8]| {
    let Some((head, body)) = request(text) else { return };
    let (api, finder) = &*API;
    let mut params = Params::default();
    let Ok((_, operation)) = api.find(finder, &head, &mut params) else { return };
    let violations = api.check_head(operation, &head, &params, &STRICT);
    assert!(violations.len() <= STRICT.violations_max);
    match api.check_body(operation, &head.headers, body, &STRICT) {
        Err(BodyFault::Unfit(violations)) => {
            assert!(!violations.is_empty() && violations.len() <= STRICT.violations_max);
            assert!(violations.iter().all(|violation| violation.message.len() < 1000));
        }
        Err(BodyFault::Unreadable(why)) => assert!(why.len() < 200),
        Err(BodyFault::MediaType(_)) | Ok(()) => {}
    }
});

const STRICT: Strictness = Strictness {
    unknown_parameters: true,
    violations_max: 10,
    json: Bounds { depth: 16, values: 1000, duplicates: false },
};

static API: LazyLock<(Api, Finder)> = LazyLock::new(|| {
    let document = Document::parse("api.yaml", DOCUMENT.to_owned()).expect("it is YAML");
    let options = ApiOptions { answers: false, formats: true };
    let (api, _) = Api::compile(&document, options).expect("it is OpenAPI");
    let finder = api.finder("").expect("it has one path");
    (api, finder)
});

const DOCUMENT: &str = r##"
openapi: 3.1.0
paths:
  /all/{matrix}:
    post:
      parameters:
        - {name: matrix, in: path, required: true, style: matrix, explode: true, schema: {$ref: '#/components/schemas/Map'}}
        - {name: list, in: query, schema: {type: array, items: {type: [integer, string]}}}
        - {name: spaced, in: query, style: spaceDelimited, explode: false, schema: {type: array, items: {type: number}}}
        - {name: piped, in: query, style: pipeDelimited, explode: false, schema: {$ref: '#/components/schemas/Map'}}
        - {name: deep, in: query, style: deepObject, schema: {$ref: '#/components/schemas/Map'}}
        - {name: json, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: free, in: query, schema: {type: object, additionalProperties: {type: boolean}}}
        - {name: X-List, in: header, schema: {type: array, maxItems: 3, items: {type: string, pattern: '^a*$'}}}
        - {name: jar, in: cookie, schema: {anyOf: [{type: integer}, {type: array, items: {type: integer}}]}}
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Tree'}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Map'}}
components:
  schemas:
    Map: {type: object, properties: {R: {type: integer}, G: {type: [integer, 'null']}, L: {type: array, items: {type: boolean}}}}
    Tree: {oneOf: [{type: string, format: date-time}, {type: array, items: {$ref: '#/components/schemas/Tree'}},
      {type: object, required: [a], additionalProperties: {$ref: '#/components/schemas/Tree'}}]}
"##;
