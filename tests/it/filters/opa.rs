//! The filter `opa`.

use portunus_testkit::{Origin, Program, Request, Response, faulty};
use serde_json::{Value, json};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use: [{opa: {to: "{opa}/v1/data/http/allow", copy_answer: [X-User], timeout: 200ms, cache: 1m}}]
"#;

/// A policy: people see their own salary.
fn policy(request: &Request) -> Response {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/data/http/allow"));
    let document: Value = serde_json::from_str(request.text()).unwrap();
    let input = &document["input"];
    let user = input["headers"]["x-token"].as_str().unwrap_or("nobody");
    let own = json!(["salary", user]);
    let allow = input["method"] == "GET" && input["parsed_path"] == own;
    let result = match allow {
        true => json!({"result": {"allow": true, "headers": {"X-User": user}}}),
        false => json!({"result": {"allow": false, "message": "Not yours."}}),
    };
    Response::text(result.to_string()).header("Content-Type", "application/json")
}

#[test]
fn a_policy_decides() {
    let (opa, origin) = (Origin::new(policy), Origin::text("a lot"));
    let program = Program::config(CONFIG).fill("opa", &opa).fill("origin", &origin).start();
    let mut client = program.client();
    for _ in 0..2 {
        let request = client.request("GET", "/salary/ann").header("X-Token", "ann");
        assert_eq!(request.header("X-User", "root").send().text(), "a lot");
        assert_eq!(origin.last().header("x-user"), Some("ann"));
    }
    assert_eq!(opa.requests().len(), 1);
    let refused = client.request("GET", "/salary/ann").header("X-Token", "bob").send();
    refused.assert_own(403, "auth.forward_denied");
    assert_eq!(refused.json()["detail"], "Not yours.");
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn a_policy_that_cannot_be_asked_closes_the_way() {
    let origin = Origin::text("a lot");
    let start = |opa: &dyn std::fmt::Display| {
        Program::config(CONFIG).fill("opa", opa).fill("origin", &origin).start()
    };
    start(&faulty::refusing()).get("/salary/ann").assert_own(503, "auth.forward_failed");
    start(&faulty::silent()).get("/salary/ann").assert_own(503, "auth.forward_failed");
    assert!(origin.requests().is_empty());
}
