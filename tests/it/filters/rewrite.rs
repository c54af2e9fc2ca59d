//! The filter `rewrite`.

use portunus_testkit::{Origin, Program};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /orders/{id}: {use: [{rewrite: "/v2/orders/{id}/full"}], to: "{origin}"}
      /api/**: {use: [{rewrite: {strip: /api, prefix: /v2}}], to: "{origin}"}
      /old/**: {use: [{rewrite: {regex: {match: "^/old/([0-9]+)$", to: "/new/$1"}}}], to: "{origin}"}
"#;

#[test]
fn each_form_changes_the_path_that_the_upstream_gets() {
    let origin = Origin::text("a");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let mut client = program.client();
    let expected = [
        ("/orders/7?a=b", "/v2/orders/7/full?a=b"),
        ("/api/users?a=b", "/v2/users?a=b"),
        ("/old/12", "/new/12"),
        ("/old/x", "/old/x"),
    ];
    for (sent, seen) in expected {
        assert_eq!(client.get(sent).status, 200, "{sent}");
        assert_eq!(origin.last().target, seen, "{sent}");
    }
}

#[test]
fn the_upstream_is_told_what_was_stripped() {
    let origin = Origin::text("a");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    program.get("/api/users");
    assert_eq!(origin.request().header("x-forwarded-prefix"), Some("/api"));
}
