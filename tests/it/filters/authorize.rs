//! The filter `authorize`.

use portunus_testkit::{Origin, Program};

const CONFIG: &str = r#"
consumers:
  - {name: acme, id: c-1, keys: [key-of-acme-and-more], groups: [partners], plan: gold}
  - {name: guest, id: c-2, keys: [key-of-guest-and-more]}
plans: {gold: {rate: 1000/s}}
hosts:
  "*":
    use: [{api_key: {optional: true}}]
    routes:
      /groups: {use: [{authorize: {groups: [partners, staff]}}], to: "{origin}"}
      /consumers: {use: [{authorize: {consumers: [acme], message: "Partners alone."}}], to: "{origin}"}
      /orders/{id}:
        use:
          - authorize: >-
              request.method == "GET" ||
              identity.plan == "gold" && params.id.matches("^[0-9]+$") && ip_in(client.ip, "127.0.0.0/8")
        to: "{origin}"
      /hidden: {use: [{authorize: {when: 'has(identity.plan)', deny_status: 404}}], to: "{origin}"}
      /costly: {use: [{authorize: 'request.query.all(a, request.query.all(b, a != b || true))'}], to: "{origin}"}
tests:
  - {name: nobody may order, request: POST http://shop.test/orders/7, expect: {status: 401, reason: auth.missing}}
"#;

const ACME: &str = "key-of-acme-and-more";
const GUEST: &str = "key-of-guest-and-more";

/// Status and reason of the answer to a request with that key.
fn answer(program: &Program, method: &str, target: &str, key: Option<&str>) -> (u16, String) {
    let mut client = program.client();
    let request = client.request(method, target);
    let request = match key {
        Some(key) => request.header("X-Api-Key", key),
        None => request,
    };
    let answer = request.send();
    let details = answer.header("proxy-status").and_then(|text| text.split("details=").nth(1));
    (answer.status, details.unwrap_or("").trim_matches('"').to_owned())
}

#[test]
fn rules_let_the_right_ones_pass() {
    let origin = Origin::text("fine");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let (fine, missing, forbidden) = ((200, ""), (401, "auth.missing"), (403, "auth.forbidden"));
    for (method, target, key, expected) in [
        ("GET", "/groups", Some(ACME), fine),
        ("GET", "/groups", Some(GUEST), forbidden),
        ("GET", "/groups", None, missing),
        ("GET", "/consumers", Some(ACME), fine),
        ("GET", "/consumers", Some(GUEST), forbidden),
        ("GET", "/orders/7", None, fine),
        ("PUT", "/orders/7", Some(ACME), fine),
        ("PUT", "/orders/x", Some(ACME), forbidden),
        ("PUT", "/orders/7", Some(GUEST), forbidden),
        ("PUT", "/orders/7", None, missing),
        ("GET", "/hidden", Some(ACME), fine),
        ("GET", "/hidden", Some(GUEST), (404, "auth.forbidden")),
        ("GET", "/hidden", None, (404, "auth.missing")),
    ] {
        let got = answer(&program, method, target, key);
        assert_eq!((got.0, got.1.as_str()), expected, "{method} {target} {key:?}");
    }
    assert_eq!(origin.requests().len(), 5);
    let mut client = program.client();
    let refused = client.request("GET", "/consumers").header("X-Api-Key", GUEST).send();
    assert_eq!(refused.json()["detail"], "Partners alone.");
}

/// What a client sends cannot make a rule run long.
#[test]
fn a_rule_that_costs_too_much_ends() {
    let origin = Origin::text("fine");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let query: Vec<String> = (0..900).map(|at| format!("p{at}")).collect();
    let got = answer(&program, "GET", &format!("/costly?{}", query.join("&")), None);
    assert_eq!((got.0, got.1.as_str()), (403, "auth.expression_cost"));
    assert_eq!(answer(&program, "GET", "/costly?a&b", None).0, 200);
}

#[test]
fn explain_and_tests_tell_why() {
    let origin = Origin::text("fine");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let folder = program.folder();
    let key = format!("X-Api-Key: {GUEST}");
    let arguments =
        ["explain", "-c", "portunus.yaml", "PUT", "http://shop.test/orders/7", "-H", &key];
    let shown = folder.run_with(&arguments).stdout;
    assert!(
        shown.contains("`identity.plan == \"gold\"`: false, as `identity.plan` is missing"),
        "{shown}"
    );
    assert!(shown.contains("`request.method == \"GET\"`: false"), "{shown}");
    assert!(shown.contains("403") && shown.contains("auth.forbidden"), "{shown}");
    let tested = folder.run_with(&["test", "-c", "portunus.yaml"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.stdout, tested.stderr);
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let folder = portunus_testkit::Folder::new();
    let config = "hosts:\n  \"*\":\n    use: [{authorize: 'request.method == GET'}]\n    routes: {/: http://127.0.0.1:1}\n";
    folder.write("portunus.yaml", config);
    let checked = folder.run_with(&["check", "-c", "portunus.yaml"]);
    assert_eq!(checked.code, Some(1));
    let shown = format!("{}{}", checked.stdout, checked.stderr);
    assert!(shown.contains("unknown variable `GET`"), "{shown}");
    assert!(shown.contains("portunus.yaml:3:42"), "{shown}");
}
