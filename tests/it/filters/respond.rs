//! The filter `respond`.

use portunus_testkit::Program;

#[test]
fn the_answer_is_what_is_written() {
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /health: {respond: ok}
      /gone: {respond: {status: 410}}
      /whoami:
        respond:
          body: '{{"ip": "{client.ip}"}}'
          content_type: application/json
          headers: {Cache-Control: no-store}
"#,
    )
    .start();
    let mut client = program.client();
    let health = client.get("/health");
    assert_eq!((health.status, health.text()), (200, "ok"));
    assert!(health.header("content-type").unwrap().starts_with("text/plain"));
    let gone = client.get("/gone");
    assert_eq!((gone.status, gone.text(), gone.header("proxy-status")), (410, "", None));
    let whoami = client.get("/whoami");
    assert_eq!(whoami.json()["ip"], "127.0.0.1");
    assert_eq!(whoami.header("cache-control"), Some("no-store"));
    let head = client.request("HEAD", "/health").send();
    assert_eq!((head.header("content-length"), head.text()), (Some("2"), ""));
}
