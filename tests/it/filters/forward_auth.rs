//! The filter `forward_auth`.

use portunus_testkit::{Origin, Program, Response, faulty};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use:
          - forward_auth: {to: "{auth}/verify", copy_answer: [X-User], timeout: 200ms, fail: {fail}}
"#;

fn program(auth: &impl std::fmt::Display, origin: &Origin, fail: &str) -> Program {
    Program::config(CONFIG).fill("auth", auth).fill("origin", origin).fill("fail", fail).start()
}

/// Lets `Bearer good` in as anna, and sends all others away.
fn auth() -> Origin {
    Origin::new(|request| match request.header("authorization") {
        Some("Bearer good") => Response::status(204).header("X-User", "anna"),
        _ => Response::text("who are you?").with_status(401).header("WWW-Authenticate", "Bearer"),
    })
}

#[test]
fn a_request_passes_with_what_the_service_says_of_it() {
    let (auth, origin) = (auth(), Origin::text("secret"));
    let program = program(&auth, &origin, "closed");
    let mut client = program.client();
    let request = client.request("PUT", "/a?b=c").header("Authorization", "Bearer good");
    assert_eq!(request.header("X-User", "root").body("d").send().text(), "secret");
    let asked = auth.request();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", "/verify"));
    assert_eq!(asked.header("x-forwarded-method"), Some("PUT"));
    assert_eq!(asked.header("x-forwarded-uri"), Some("/a?b=c"));
    assert_eq!(asked.header("x-forwarded-host"), Some("shop.test"));
    let passed = origin.request();
    assert_eq!((passed.header("x-user"), passed.text()), (Some("anna"), "d"));
}

#[test]
fn a_refusal_is_the_client_s_answer_and_the_origin_sees_nothing() {
    let (auth, origin) = (auth(), Origin::text("secret"));
    let program = program(&auth, &origin, "closed");
    let answer = program.client().request("GET", "/").header("X-User", "root").send();
    assert_eq!((answer.status, answer.text()), (401, "who are you?"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert!(answer.header("proxy-status").unwrap().contains("auth.forward_denied"), "{answer:?}");
    assert!(origin.requests().is_empty());
}

#[test]
fn a_service_that_cannot_be_asked_closes_the_way() {
    let origin = Origin::text("secret");
    program(&faulty::refusing(), &origin, "closed").get("/").assert_own(503, "auth.forward_failed");
    program(&faulty::silent(), &origin, "closed").get("/").assert_own(503, "auth.forward_failed");
    assert!(origin.requests().is_empty());
}

#[test]
fn fail_open_lets_requests_in_without_what_the_client_claims() {
    let origin = Origin::text("open");
    let program = program(&faulty::refusing(), &origin, "open");
    let answer = program.client().request("GET", "/").header("X-User", "root").send();
    assert_eq!(answer.text(), "open");
    assert_eq!(origin.request().header("x-user"), None);
}
