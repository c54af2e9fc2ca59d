//! The filter `forward_auth`.

use portunus_testkit::{H2Client, Origin, Program, Request, Response, Transport, faulty};

use crate::python::Script;

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

const REMEMBERED: &str = r#"
workers: 1
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use:
          - forward_auth:
              to: "{auth}/verify"
              copy_answer: [X-User-*]
              cache: {ttl: 1m, deny_ttl: 1m, key: ["{header.authorization}"]}
"#;

#[test]
fn answers_are_remembered_by_key() {
    let auth = Origin::new(|request| match request.header("authorization") {
        Some("Bearer good") => Response::status(204).header("X-User-Name", "anna"),
        _ => Response::text("who are you?").with_status(401),
    });
    let origin = Origin::text("secret");
    let setup = Program::config(REMEMBERED).fill("auth", &auth).fill("origin", &origin);
    let program = setup.start();
    let mut client = program.client();
    for target in ["/a", "/b", "/c"] {
        let request = client.request("GET", target).header("Authorization", "Bearer good");
        assert_eq!(request.header("x-user-role", "root").send().text(), "secret");
        let passed = origin.last();
        assert_eq!(
            (passed.header("x-user-name"), passed.header("x-user-role")),
            (Some("anna"), None)
        );
        assert_eq!(client.request("GET", target).send().text(), "who are you?");
    }
    assert_eq!(auth.requests().len(), 2);
}

const GRPC: &str = r#"
upstreams: {auth: {endpoints: "{auth}", http: 2}}
hosts:
  "*":
    routes:
      /**: {to: "{origin}", use: [{forward_auth: {to: auth, grpc: true, copy_answer: [X-User]}}]}
"#;

/// `CheckResponse { status { code: 0 } ok_response { headers { header { key: "x-user" value: "anna" } } } }`
const ALLOWED: &[u8] = b"\x0a\x00\x1a\x12\x12\x10\x0a\x0e\x0a\x06x-user\x12\x04anna";

/// `CheckResponse { status { code: 7 } denied_response { body: "who?" } }`
const DENIED: &[u8] = b"\x0a\x02\x08\x07\x12\x06\x1a\x04who?";

/// A service of Envoy's protocol that knows one token.
fn check(request: &Request) -> Response {
    assert_eq!(request.target, "/envoy.service.auth.v3.Authorization/Check");
    assert_eq!(request.header("content-type"), Some("application/grpc"));
    assert_eq!(request.header("te"), Some("trailers"));
    let knows = request.body.windows(b"Bearer good".len()).any(|part| part == b"Bearer good");
    let message = if knows { ALLOWED } else { DENIED };
    let mut frame = vec![0, 0, 0, 0, message.len() as u8];
    frame.extend_from_slice(message);
    let frame = std::str::from_utf8(&frame).unwrap();
    Response::chunks(&[frame], &[("grpc-status", "0")]).header("Content-Type", "application/grpc")
}

#[test]
fn envoy_s_protocol_over_grpc() {
    let (auth, origin) = (Origin::over(Transport::h2(), check), Origin::text("secret"));
    let program = Program::config(GRPC).fill("auth", &auth).fill("origin", &origin).start();
    let mut client = program.client();
    let request = client.request("GET", "/a").header("Authorization", "Bearer good");
    assert_eq!(request.header("X-User", "root").send().text(), "secret");
    assert_eq!(origin.request().header("x-user"), Some("anna"));
    let refused = client.request("GET", "/a").header("X-User", "root").send();
    assert_eq!((refused.status, refused.text()), (403, "who?"));
    assert_eq!(origin.requests().len(), 1);
}

const PEER: &str = include_str!("../../python/ext_authz_peer.py");

/// The service is `grpcio` from the Python package index.
#[test]
fn a_real_grpc_server_is_asked() {
    let Some(mut peer) = Script::start(PEER, &[]) else { return };
    let auth = format!("http://127.0.0.1:{}", peer.json()["port"]);
    let origin = Origin::text("secret");
    let program = Program::config(GRPC).fill("auth", auth).fill("origin", &origin).start();
    let mut client = program.client();
    let request = client.request("PUT", "/a?b=c").header("Authorization", "Bearer good");
    let answer = request.header("X-User", "root").body("d").send();
    assert_eq!((answer.text(), answer.header("x-seen")), ("secret", Some("1")));
    let told = peer.json();
    let expected = ["PUT", "/a?b=c", "shop.test", "127.0.0.1"];
    let names = ["method", "path", "host", "client"];
    assert_eq!(names.map(|name| told[name].as_str().unwrap()), expected);
    assert_eq!(told["headers"]["authorization"], "Bearer good");
    assert_eq!(told["headers"].get("x-user"), None);
    let passed = origin.request();
    assert_eq!((passed.header("x-user"), passed.header("authorization")), (Some("anna"), None));
    let refused = client.get("/a");
    assert_eq!((refused.status, refused.text()), (401, "who are you?"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let failed = client.request("GET", "/a").header("Authorization", "Bearer broken").send();
    failed.assert_own(503, "auth.forward_failed");
    assert_eq!(origin.requests().len(), 1);
}

const BEFORE_ANSWERS: &str = r#"
hosts:
  "*":
    use: [{forward_auth: {to: "{auth}/verify", forward_body: true}}]
    routes:
      /secret: {respond: secret}
      /moved: {redirect: /secret}
"#;

/// Lets in who knows the word.
fn by_body() -> Origin {
    Origin::new(|request| match request.text() {
        "sesame" => Response::status(204),
        _ => Response::text("who are you?").with_status(401),
    })
}

#[test]
fn the_service_has_the_body_before_a_later_filter_answers() {
    let auth = by_body();
    let program = Program::config(BEFORE_ANSWERS).fill("auth", &auth).start();
    let mut client = program.client();
    for target in ["/secret", "/moved", "/none"] {
        for method in ["GET", "POST"] {
            let refused = client.request(method, target).body("guess").send();
            assert_eq!((refused.status, refused.text()), (401, "who are you?"), "{target}");
        }
        assert_eq!(client.get(target).status, 401, "{target} without a body");
    }
    let mut ask = |target| client.request("POST", target).body("sesame").send();
    assert_eq!((ask("/secret").status, ask("/secret").text()), (200, "secret"));
    assert_eq!(ask("/moved").status, 308);
    ask("/none").assert_own(404, "route.none");
    let large = client.request("POST", "/secret").body("x".repeat(70_000)).send();
    large.assert_own(413, "limit.body");
}

#[test]
fn a_body_that_waits_to_be_wanted_is_asked_for_before_the_answer() {
    let auth = by_body();
    let program = Program::config(BEFORE_ANSWERS).fill("auth", &auth).start();
    let mut client = program.client();
    client.send(
        "POST /secret HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 6\r\n\
         Expect: 100-continue\r\n\r\n",
    );
    assert!(client.read_head().line.starts_with("HTTP/1.1 100 "));
    client.send("sesame");
    assert_eq!(client.read().text(), "secret");
    assert_eq!(client.get("/secret").status, 401, "the connection goes on");
}

#[test]
fn over_http2_too() {
    let auth = by_body();
    let program = Program::config(BEFORE_ANSWERS).fill("auth", &auth).start();
    let client = H2Client::connect(&program.address("web"));
    assert_eq!(client.request("POST", "/secret").body("guess").send().status, 401);
    assert_eq!(client.request("POST", "/secret").body("sesame").send().text(), "secret");
    assert_eq!(client.get("/secret").status, 401);
}

#[test]
fn explain_asks_the_service_before_a_later_filter_answers() {
    let config = BEFORE_ANSWERS.replace("{auth}", "http://127.0.0.1:1");
    let folder = portunus_testkit::Folder::with(&config);
    for target in ["/secret", "/none"] {
        let url = format!("http://shop.test{target}");
        let arguments = ["explain", "-c", "portunus.yaml", "POST", &url, "-d", "guess"];
        let shown = folder.run_with(&arguments).with_code(0).stdout;
        assert!(shown.contains("POST /verify"), "{shown}");
    }
}
