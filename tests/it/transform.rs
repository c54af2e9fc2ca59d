//! The filter `transform` over the whole program.

use portunus_testkit::{Folder, H2Client, Origin, Program, Response, Transport};
use serde_json::json;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn program(filter: &str, origin: &Origin) -> Program {
    Program::config(
        r#"
listeners: {web: {address: "127.0.0.1:0"}}
hosts:
  "*":
    routes:
      /orders/{id}:
        use: [{transform: {filter}}]
        to: "{origin}"
"#,
    )
    .fill("filter", filter)
    .fill("origin", origin)
    .start()
}

#[test]
fn a_request_goes_to_the_upstream_in_its_new_form() {
    let origin = Origin::text("a");
    let program = program(
        r#"{request: {
            method: PUT,
            query: {remove: [token], set: {v: "{header.x-version}"}},
            json: [{set: {/order/id: "{id}", /by: "{client.ip}"}}, {remove: /password}, {rename: {/old: new}}]}}"#,
        &origin,
    );
    let mut client = program.client();
    let request = client.request("POST", "/orders/7?token=secret&a=1").header("X-Version", "2 b");
    let request = request.header("Content-Type", JSON).header("Content-Digest", "sha-256=:x:");
    let body = r#"{"password":"x","old":1e400,"order":{"n":12345678901234567890.10}}"#;
    assert_eq!(request.body(body).send().status, 200);
    let seen = origin.request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/orders/7?a=1&v=2+b"));
    let made = r#"{"new":1e400,"order":{"n":12345678901234567890.10,"id":"7"},"by":"127.0.0.1"}"#;
    assert_eq!(String::from_utf8(seen.body).unwrap(), made);
    assert_eq!(seen.headers.one("content-length"), Some(made.len().to_string().as_str()));
    assert_eq!(
        (seen.headers.one("transfer-encoding"), seen.headers.one("content-digest")),
        (None, None)
    );
    // A body in pieces is one body.
    let request = client.request("POST", "/orders/8").header("Content-Type", JSON);
    assert_eq!(request.chunks(&["{\"a\"", ":1", "}"], &[]).send().status, 200);
    assert_eq!(origin.last().body, br#"{"a":1,"order":{"id":"8"},"by":"127.0.0.1"}"#);
}

#[test]
fn a_form_becomes_json() {
    let origin = Origin::text("a");
    let program = program("{request: {form_to_json: true, json: [{default: {/c: 1}}]}}", &origin);
    let mut client = program.client();
    let request = client.request("POST", "/orders/7").header("Content-Type", FORM);
    request.body("a=1&b=x+y&b=%C3%A9").send();
    let seen = origin.request();
    assert_eq!(seen.headers.one("content-type"), Some(JSON));
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&seen.body).unwrap(),
        json!({"a": "1", "b": ["x y", "\u{e9}"], "c": 1})
    );
}

#[test]
fn a_request_without_a_body_may_get_one() {
    let origin = Origin::text("a");
    let program = program(
        r#"{request: {method: POST, body: '{"id": {{ params.id }}, "q": {{ query.q }} }'}}"#,
        &origin,
    );
    assert_eq!(program.get("/orders/7?q=%22x%22").status, 200);
    let seen = origin.request();
    assert_eq!((seen.method.as_str(), seen.headers.one("content-type")), ("POST", Some(JSON)));
    assert_eq!(seen.body, br#"{"id": "7", "q": "\"x\"" }"#);
}

#[test]
fn bad_and_large_bodies_are_answered_and_nothing_goes_on() {
    let origin = Origin::text("a");
    let program = program("{request: {json: [{remove: /a}], body_max: 1KiB}}", &origin);
    let deep = format!("{}{}", "[".repeat(400), "]".repeat(400));
    let large = format!("[{}]", "9".repeat(2000));
    for (body, status, reason) in [
        ("{\"a\":1,\"a\":2}", 400, "transform.body_invalid"),
        ("{\"a\":", 400, "transform.body_invalid"),
        (deep.as_str(), 400, "transform.body_invalid"),
        (large.as_str(), 413, "limit.body"),
    ] {
        let mut client = program.client();
        let request = client.request("POST", "/orders/7").header("Content-Type", JSON);
        request.body(body).send().assert_own(status, reason);
    }
    assert!(origin.requests().is_empty());
    let mut client = program.client();
    let request = client.request("POST", "/orders/7").header("Content-Type", "text/plain");
    assert_eq!(request.body("{\"a\":").send().status, 200);
    assert_eq!(origin.request().body, b"{\"a\":");
}

#[test]
fn an_answer_goes_to_the_client_in_its_new_form() {
    let origin = Origin::new(|request| {
        let whole = r#"{"items":[{"id":1,"secret":"x"},{"id":2,"secret":"y"}]}"#;
        let answer = match request.target.as_str() {
            "/orders/chunked" => Response::chunks(&[whole], &[]),
            "/orders/missing" => Response::text(r#"{"secret":1}"#).with_status(404),
            "/orders/html" => Response::text("<p>secret</p>").header("Content-Type", "text/html"),
            _ => Response::text(whole),
        };
        let answer = answer.header("ETag", "\"v1\"");
        if request.target == "/orders/html" { answer } else { answer.header("Content-Type", JSON) }
    });
    let program = program(
        r#"{response: {status: 203, json: [{remove: "/items/*/secret"}, {move: {"": /data}}]}}"#,
        &origin,
    );
    let mut client = program.client();
    let made = r#"{"data":{"items":[{"id":1},{"id":2}]}}"#;
    for target in ["/orders/7", "/orders/chunked"] {
        let request = client.request("GET", target).header("Range", "bytes=0-9");
        let answer = request.header("Accept-Encoding", "gzip").send();
        assert_eq!((answer.status, answer.text()), (203, made));
        assert_eq!(answer.header("content-length"), Some(made.len().to_string().as_str()));
        assert_eq!(answer.header("etag"), Some("W/\"v1\""));
        let seen = origin.last();
        assert_eq!((seen.headers.one("range"), seen.headers.one("accept-encoding")), (None, None));
    }
    let missing = client.get("/orders/missing");
    assert_eq!((missing.status, missing.text()), (404, r#"{"secret":1}"#));
    assert_eq!(client.get("/orders/html").text(), "<p>secret</p>");
    let head = client.request("HEAD", "/orders/7").send();
    assert_eq!((head.status, head.header("content-length"), head.text()), (203, None, ""));
}

#[test]
fn an_answer_that_is_not_what_it_says_becomes_502() {
    let origin = Origin::new(|_| Response::text("<html>").header("Content-Type", JSON));
    let program = program("{response: {json: [{remove: /a}]}}", &origin);
    program.get("/orders/7").assert_own(502, "transform.answer_invalid");
}

#[test]
fn a_template_makes_an_answer_of_an_error() {
    let origin = Origin::new(|_| Response::text("no such <order>").with_status(404));
    let program = program(
        r#"{response: {when: [4xx], status: 200,
            body: {template: "<e code=\"{{ response.status }}\">{{ body }}</e>", type: application/xml}}}"#,
        &origin,
    );
    let answer = program.get("/orders/7");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/xml")));
    assert_eq!(answer.text(), "<e code=\"200\">no such &lt;order&gt;</e>");
}

#[test]
fn both_ways_over_http2() {
    let origin = Origin::over(Transport::h2(), |request| {
        Response::text(&request.body).header("Content-Type", JSON)
    });
    let program = Program::config(
        r#"
listeners: {web: {address: "127.0.0.1:0"}}
upstreams: {echo: {endpoints: "{origin}", http: 2}}
hosts:
  "*":
    routes:
      /**:
        use: [{transform: {request: {json: [{set: {/a: 1}}]}, response: {json: [{set: {/b: 2}}]}}}]
        to: echo
"#,
    )
    .fill("origin", &origin)
    .start();
    let client = H2Client::connect(&program.address("web"));
    let request = client.request("POST", "/").header("content-type", JSON);
    let answer = request.body("{}").send();
    assert_eq!((answer.status, answer.text()), (200, r#"{"a":1,"b":2}"#));
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    let folder = Folder::with(
        "hosts:\n  a.test:\n    routes:\n      /:\n        use:\n          - transform:\n              request:\n                json:\n                  - {set: {user: 1}}\n                body: '{{ bdy }}'\n        to: http://127.0.0.1:1\n",
    );
    let finished = folder.run("check -c portunus.yaml");
    assert_eq!(finished.code, Some(1));
    let said = finished.stderr;
    assert!(said.contains(":9:28") && said.contains("`user` is no place in a document"), "{said}");
    assert!(said.contains(":10:23") && said.contains("did you mean `body`"), "{said}");
}

#[test]
fn bodies_of_other_types_pass_whatever_their_size() {
    let large = "x".repeat(3 << 20);
    let origin = Origin::new(|request| Response::text(&request.body));
    let filter = "{request: {json: [{remove: /a}]}, response: {json: [{remove: /a}]}}";
    let program = program(filter, &origin);
    let mut client = program.client();
    let request = client.request("POST", "/orders/7").header("Content-Type", "text/plain");
    let answer = request.body(&large).send();
    assert_eq!((answer.status, answer.body.len()), (200, large.len()));
    assert_eq!(origin.request().body.len(), large.len());
    let request = client.request("POST", "/orders/7").header("Content-Type", JSON);
    request.body(format!("\"{large}\"")).send().assert_own(413, "limit.body");
}
