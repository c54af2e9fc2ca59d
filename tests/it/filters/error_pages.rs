//! The filter `error_pages`.

use portunus_testkit::{Origin, Program, Response, faulty};

const CONFIG: &str = r#"
hosts:
  "*":
    use:
      - error_pages:
          pages:
            404: {file: lost.html}
            5xx: {body: '{{"status": {status}}}', content_type: application/json}
          upstream: {upstream}
    routes:
      /origin/**: "{origin}"
      /refused: "{refusing}"
      /denied: {use: [{ip: 192.0.2.1}], respond: a}
"#;

fn program(origin: &Origin, upstream: bool) -> Program {
    Program::config(CONFIG)
        .fill("refusing", faulty::refusing())
        .fill("origin", origin)
        .fill("upstream", upstream)
        .file("lost.html", "<h1>Lost</h1>")
        .start()
}

fn lost() -> Origin {
    Origin::new(|_| Response::text("mine").with_status(404))
}

#[test]
fn an_error_of_our_own_gets_the_page_and_keeps_status_and_reason() {
    let program = program(&lost(), false);
    let answer = program.get("/refused");
    answer.assert_own(502, "upstream.connect_refused");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["status"], 502);
    program.get("/denied").assert_own(403, "ip.denied");
}

#[test]
fn errors_of_the_upstream_are_left_alone_unless_told() {
    let answer = program(&lost(), false).get("/origin/");
    assert_eq!((answer.status, answer.text()), (404, "mine"));
    let answer = program(&lost(), true).get("/origin/");
    assert_eq!((answer.status, answer.text()), (404, "<h1>Lost</h1>"));
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
}
