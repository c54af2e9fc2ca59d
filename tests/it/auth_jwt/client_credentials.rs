//! The filter `client_credentials`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portunus_testkit::{Origin, Program, Response, eventually, faulty};
use serde_json::json;

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use:
          - client_credentials:
              token_url: "{server}/token"
              client_id: gate
              client_secret: s3cret
              scopes: [orders]
"#;

fn program(server: &impl std::fmt::Display, origin: &Origin) -> Program {
    Program::config(CONFIG).fill("server", server).fill("origin", origin).start()
}

/// Gives `t1`, `t2` and so on.
fn server(expires_in: u64) -> Origin {
    let given = Arc::new(AtomicUsize::new(0));
    Origin::new(move |_| {
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!("t{number}");
        let answer =
            json!({"access_token": token, "token_type": "Bearer", "expires_in": expires_in});
        Response::text(answer.to_string()).header("Content-Type", "application/json")
    })
}

#[test]
fn the_upstream_gets_a_token_of_ours() {
    let (server, origin) = (server(3600), Origin::text("hello"));
    let program = program(&server, &origin);
    for _ in 0..3 {
        let mut client = program.client();
        let answer = client.request("GET", "/").header("Authorization", "Bearer client").send();
        assert_eq!(answer.text(), "hello");
        let told = origin.last();
        assert_eq!(told.headers.all("authorization").collect::<Vec<_>>(), ["Bearer t1"]);
    }
    let asked = server.request();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/token"));
    assert_eq!(asked.header("authorization"), Some("Basic Z2F0ZTpzM2NyZXQ="));
    assert_eq!(asked.text(), "grant_type=client_credentials&scope=orders");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let (server, origin) = (server(2), Origin::text("hello"));
    let program = program(&server, &origin);
    assert_eq!(program.get("/").text(), "hello");
    eventually("the next token is used", || {
        assert_eq!(program.get("/").text(), "hello");
        origin.last().header("authorization") == Some("Bearer t2")
    });
}

#[test]
fn without_a_token_the_upstream_is_not_asked() {
    let origin = Origin::text("hello");
    let unavailable = "upstream.token_unavailable";
    program(&faulty::refusing(), &origin).get("/").assert_own(503, unavailable);
    program(&faulty::silent(), &origin).get("/").assert_own(503, unavailable);
    let server = Origin::new(|_| Response::text(r#"{"error":"invalid_client"}"#).with_status(400));
    let program = program(&server, &origin);
    program.get("/").assert_own(503, unavailable);
    let told = program.wait_for_stderr(|text| text.contains("status 400 invalid_client"));
    assert!(!told.contains("s3cret"), "{told}");
    assert!(origin.requests().is_empty());
}
