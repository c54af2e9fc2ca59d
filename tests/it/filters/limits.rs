//! The filter `limits`.

use portunus_testkit::{Origin, Program};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /body: {use: [{limits: 10B}], to: "{origin}"}
      /uri: {use: [{limits: {uri_max: 20B}}], to: "{origin}"}
      /headers: {use: [{limits: {headers_max: 3}}], to: "{origin}"}
"#;

fn program(origin: &Origin) -> Program {
    Program::config(CONFIG).fill("origin", origin).start()
}

#[test]
fn a_body_that_says_that_it_is_too_long_never_reaches_the_upstream() {
    let origin = Origin::text("a");
    let program = program(&origin);
    let mut client = program.client();
    assert_eq!(client.request("POST", "/body").body("0123456789").send().status, 200);
    client.request("POST", "/body").body("0123456789a").send().assert_own(413, "limit.body");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_body_in_chunks_is_cut_at_the_limit() {
    let origin = Origin::text("a");
    let program = program(&origin);
    let mut client = program.client();
    assert_eq!(client.request("POST", "/body").chunks(&["01234", "56789"], &[]).send().status, 200);
    let chunks = ["01234", "56789", "a"];
    client.request("POST", "/body").chunks(&chunks, &[]).send().assert_own(413, "limit.body");
    let whole = origin.requests().into_iter().filter(|request| request.is_complete).count();
    assert_eq!(whole, 1, "the upstream must not take the cut body for a whole one");
}

#[test]
fn a_long_target_and_many_headers_are_refused() {
    let origin = Origin::text("a");
    let program = program(&origin);
    let mut client = program.client();
    assert_eq!(client.get("/uri?a=1").status, 200);
    client.get("/uri?a=0123456789abcdef").assert_own(414, "limit.uri");
    let many = client.request("GET", "/headers").header("A", "1").header("B", "1").header("C", "1");
    many.send().assert_own(431, "limit.headers");
}
