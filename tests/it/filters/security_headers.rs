//! The filter `security_headers`.

use portunus_testkit::{Origin, Program, Response};

const CONFIG: &str = r#"
hosts:
  "*":
    use: [{security_headers: {content_security_policy: "default-src 'self'", hide_server: true}}]
    routes:
      /page: "{origin}"
      /own: {respond: {status: 200, body: ok}}
      /framed: {use: [{security_headers: {frame_options: off}}], to: "{origin}"}
"#;

#[test]
fn browsers_are_told_by_every_answer() {
    let origin = Origin::new(|_| {
        let response = Response::text("page").header("Server", "legacy/1.0");
        response.header("X-Powered-By", "x").header("X-Frame-Options", "ALLOWALL")
    });
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    for target in ["/page", "/own", "/framed"] {
        let answer = program.get(target);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("content-security-policy", "default-src 'self'"),
            ("x-frame-options", "SAMEORIGIN"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{target}");
        }
        assert_eq!((answer.header("server"), answer.header("x-powered-by")), (None, None));
    }
}
