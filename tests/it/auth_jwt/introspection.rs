//! The filter `introspection`.

use portunus_testkit::{Origin, Program, Response, faulty};
use serde_json::json;

use super::send;

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use:
          - introspection:
              endpoint: "{server}/introspect"
              client_id: gate
              client_secret: s3cret
              timeout: 300ms
              scopes: [read]
              forward_claims: {X-User: sub}
"#;

fn program(server: &impl std::fmt::Display, origin: &Origin) -> Program {
    Program::config(CONFIG).fill("server", server).fill("origin", origin).start()
}

/// Knows the tokens `good` and `poor`.
fn server() -> Origin {
    Origin::new(|request| {
        if request.header("authorization") != Some("Basic Z2F0ZTpzM2NyZXQ=") {
            return Response::status(401);
        }
        let token = request.text().strip_prefix("token=").unwrap().split('&').next().unwrap();
        let answer = match token {
            "good" => json!({"active": true, "sub": "alice", "scope": "read"}),
            "poor" => json!({"active": true, "sub": "bob", "scope": "write"}),
            _ => json!({"active": false}),
        };
        Response::text(answer.to_string()).header("Content-Type", "application/json")
    })
}

#[test]
fn the_server_says_who_asks_and_is_asked_once() {
    let (server, origin) = (server(), Origin::text("secret"));
    let program = program(&server, &origin);
    // One connection is served by one worker, which remembers.
    let mut client = program.client();
    for _ in 0..3 {
        let request = client.request("GET", "/").header("Authorization", "Bearer good");
        assert_eq!(request.header("X-User", "mallory").send().text(), "secret");
    }
    assert_eq!(origin.last().headers.all("x-user").collect::<Vec<_>>(), ["alice"]);
    let asked = server.request();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/introspect"));
    assert_eq!(asked.text(), "token=good&token_type_hint=access_token");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn tokens_that_are_not_good_are_refused() {
    let (server, origin) = (server(), Origin::text("secret"));
    let program = program(&server, &origin);
    program.get("/").assert_own(401, "auth.missing");
    send(&program, "bad").assert_own(401, "auth.invalid");
    send(&program, "poor").assert_own(403, "auth.forbidden");
    assert!(origin.requests().is_empty());
}

#[test]
fn a_server_that_gives_no_answer_closes_the_way() {
    let origin = Origin::text("secret");
    let failed = "auth.introspection_failed";
    send(&program(&faulty::refusing(), &origin), "good").assert_own(503, failed);
    send(&program(&faulty::silent(), &origin), "good").assert_own(503, failed);
    let page = Origin::text("<html>");
    send(&program(&page, &origin), "good").assert_own(503, failed);
    assert!(origin.requests().is_empty());
}
