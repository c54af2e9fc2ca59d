//! gRPC through the program: all kinds of calls, deadlines, errors, retries, health.
//!
//! Both ends are `grpcio` from the Python package index; where bytes matter, our own client of
//! HTTP/2 stands in.

use portunus_testkit::{
    Authority, H2Client, Origin, Program, Response, TlsClient, Transport, eventually,
};
use serde_json::Value;

use crate::python::Script;

const PEER: &str = include_str!("../python/grpc_peer.py");

const CONFIG: &str = r#"
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
upstreams: {shop: {endpoints: "{upstream}", http: 2{tls}}}
hosts:
  "*":
    routes:
      /shop.Shop/UnavailableTwice: {to: shop, retry: {attempts: 3, on: [unavailable], budget: 100%}}
      /shop.Shop/**: shop
      /grpc.health.v1.Health/**: shop
"#;

/// The program between two peers.
struct Shop {
    server: Script,
    program: Program,
}

impl Shop {
    /// `None` where the packages are not there.
    fn start(has_tls: bool) -> Option<Self> {
        let authority = Authority::new("the test's");
        let setup = Program::config(CONFIG).file("ca.pem", &authority.pem());
        let setup = setup.identity("site", &authority.issue(&["shop.test", "127.0.0.1"]));
        let folder = portunus_testkit::Folder::new();
        folder.write_identity("server", &authority.issue(&["127.0.0.1"]));
        let path = |name| folder.path(name).display().to_string();
        let files = [path("server.pem"), path("server.key")];
        let mut server = match has_tls {
            true => Script::start(PEER, &["serve", &files[0], &files[1]]),
            false => Script::start(PEER, &["serve"]),
        }?;
        let port = server.json()["port"].as_u64().unwrap();
        let scheme = if has_tls { "https" } else { "http" };
        let setup = setup.fill("upstream", format!("{scheme}://127.0.0.1:{port}"));
        let program = setup.fill("tls", if has_tls { ", tls: {ca: ca.pem}" } else { "" }).start();
        Some(Self { server, program })
    }

    /// What a call gives, over the plain listener or the one with TLS.
    fn call(&self, listener: &str, case: &str) -> Value {
        let address = self.program.address(listener);
        let authority = self.program.path("ca.pem").display().to_string();
        let mut script = match listener {
            "secure" => Script::start(PEER, &["call", &address, case, &authority]),
            _ => Script::start(PEER, &["call", &address, case]),
        };
        script.as_mut().expect("the packages are there").json()
    }
}

/// Both listeners, before a server without and one with TLS.
fn everywhere(check: impl Fn(&mut Shop, &str)) {
    for has_tls in [false, true] {
        let Some(mut shop) = Shop::start(has_tls) else { return };
        for listener in ["web", "secure"] {
            check(&mut shop, listener);
        }
        crate::hostile::wait_for_rest(&shop.program);
    }
}

#[test]
fn all_four_kinds_of_calls_pass() {
    everywhere(|shop, listener| {
        let unary = shop.call(listener, "unary");
        assert_eq!((&unary["value"], &unary["code"]), (&"cba".into(), &"OK".into()), "{unary}");
        assert_eq!(unary["initial"]["x-initial"], "hello", "{unary}");
        assert_eq!(unary["trailing"]["x-trailing"], "1", "{unary}");
        assert_eq!(unary["trailing"]["x-bytes-bin"], "00ff", "{unary}");
        for (case, value) in [
            ("server_stream", Value::from(true)),
            ("client_stream", "500000".into()),
            ("bidi", true.into()),
        ] {
            let outcome = shop.call(listener, case);
            assert_eq!((&outcome["value"], &outcome["code"]), (&value, &"OK".into()), "{outcome}");
        }
    });
}

#[test]
fn large_messages_and_many_calls_at_once_pass() {
    everywhere(|shop, listener| {
        let large = shop.call(listener, "large");
        assert_eq!(large["value"], serde_json::json!([3_000_000, true]), "{large}");
        let parallel = shop.call(listener, "parallel");
        assert_eq!(parallel["value"], true, "{parallel}");
    });
}

#[test]
fn errors_of_the_server_arrive_as_they_were_told() {
    everywhere(|shop, listener| {
        let fail = shop.call(listener, "fail");
        assert_eq!(fail["code"], "FAILED_PRECONDITION", "{fail}");
        assert_eq!(fail["details"], "not today: 100 % \u{e4}", "{fail}");
        assert_eq!(fail["trailing"]["x-why"], "told", "{fail}");
        let late = shop.call(listener, "fail_late");
        assert_eq!(
            (&late["value"], &late["code"]),
            (&serde_json::json!(["first"]), &"DATA_LOSS".into())
        );
        assert_eq!(late["details"], "the rest is gone");
    });
}

#[test]
fn a_deadline_ends_the_call_at_both_ends() {
    everywhere(|shop, listener| {
        let outcome = shop.call(listener, "deadline");
        assert_eq!(outcome["code"], "DEADLINE_EXCEEDED", "{outcome}");
        let server = shop.server.json();
        assert_eq!(server["gone"], true, "{server}");
        let remaining = server["remaining"].as_f64().unwrap_or_default();
        assert!(remaining > 0.0 && remaining <= 1.0, "the server knew of the deadline: {server}");
    });
}

#[test]
fn a_call_that_is_cancelled_ends_at_the_server_too() {
    everywhere(|shop, listener| {
        let outcome = shop.call(listener, "cancel");
        assert_eq!(outcome["code"], "CANCELLED", "{outcome}");
        let server = shop.server.json();
        assert_eq!(server["gone"], true, "{server}");
    });
}

#[test]
fn unavailable_is_tried_again_where_the_route_says_so() {
    everywhere(|shop, listener| {
        let outcome = shop.call(listener, "retry");
        assert_eq!((&outcome["code"], &outcome["value"]), (&"OK".into(), &"3".into()), "{outcome}");
    });
}

#[test]
fn errors_of_our_own_are_statuses_of_grpc() {
    let Some(shop) = Shop::start(false) else { return };
    let unknown = shop.call("web", "unknown");
    assert_eq!(unknown["code"], "UNIMPLEMENTED", "{unknown}");
    assert!(unknown["details"].as_str().is_some_and(|text| text.contains("route")), "{unknown}");
    drop(shop.server);
    let gone = {
        let address = shop.program.address("web");
        let mut script = Script::start(PEER, &["call", &address, "unary"]).unwrap();
        script.json()
    };
    assert_eq!(gone["code"], "UNAVAILABLE", "{gone}");
}

#[test]
fn an_endpoint_that_says_it_does_not_serve_gets_no_calls() {
    let (Some(mut one), Some(mut two)) =
        (Script::start(PEER, &["serve"]), Script::start(PEER, &["serve"]))
    else {
        return;
    };
    let port = |script: &mut Script| script.json()["port"].as_u64().unwrap();
    let config = r#"
upstreams:
  shop:
    endpoints: ["http://127.0.0.1:{one}", "http://127.0.0.1:{two}"]
    http: 2
    health: {grpc: shop.Shop, every: 50ms, healthy_after: 1, unhealthy_after: 1}
hosts: {"*": {routes: {/**: shop}}}
"#;
    let setup = Program::config(config).fill("one", port(&mut one));
    let program = setup.fill("two", port(&mut two)).start();
    let client = H2Client::connect(&program.address("web"));
    // The second one says NOT_SERVING from now on.
    two.say("2");
    assert!(two.json()["checks"].as_u64().is_some());
    eventually("all calls go to the first one", || (0..6).all(|_| is_serving(&client)));
}

/// Asks one endpoint through the program for its health; whether it says SERVING.
fn is_serving(client: &H2Client) -> bool {
    let mut stream = call(client, "/grpc.health.v1.Health/Check").open();
    stream.send([0, 0, 0, 0, 0]);
    stream.end();
    let answer = stream.finish();
    assert_eq!(answer.trailers.one("grpc-status"), Some("0"), "{answer:?}");
    answer.body == [0, 0, 0, 0, 2, 8, 1]
}

/// Calls by our own client, before an origin that acts.
fn call<'c>(client: &'c H2Client, path: &str) -> portunus_testkit::H2Sending<'c> {
    let sending = client.request("POST", path).header("content-type", "application/grpc+proto");
    sending.header("te", "trailers")
}

const BY_HTTP_2: &str =
    "upstreams: {up: {endpoints: \"{origin}\", http: 2}}\nhosts: {\"*\": {routes: {/a/**: up}}}\n";

#[test]
fn an_answer_of_our_own_is_trailers_alone() {
    let refusing = portunus_testkit::faulty::refusing();
    let program = Program::config(BY_HTTP_2).fill("origin", &refusing).start();
    let client = H2Client::connect(&program.address("web"));
    for (path, status, reason) in
        [("/b/Nowhere", "12", "route.none"), ("/a/B", "14", "upstream.connect_refused")]
    {
        let answer = call(&client, path).chunks(&["\0\0\0\0\0"], &[]).send();
        assert_eq!((answer.status, answer.text()), (200, ""), "{answer:?}");
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/grpc"), "{answer:?}");
        assert_eq!(answer.header("grpc-status"), Some(status), "{answer:?}");
        assert!(answer.header("grpc-message").is_some_and(|text| !text.is_empty()), "{answer:?}");
        assert!(
            answer.headers.all("proxy-status").any(|value| value.contains(reason)),
            "{answer:?}"
        );
    }
    // Who does not speak gRPC gets the usual answer.
    client.get("/b/Nowhere").assert_own(404, "route.none");
}

#[test]
fn a_deadline_is_kept_even_by_an_origin_that_never_answers() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.record();
        exchange.wait_for_reset();
        exchange.record();
    });
    let program = Program::config(BY_HTTP_2).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    for timeout in ["100m", "100000u", "99999999n"] {
        let sending = call(&client, "/a/B").header("grpc-timeout", timeout);
        let answer = sending.chunks(&["\0\0\0\0\0"], &[]).send();
        assert_eq!(answer.header("grpc-status"), Some("4"), "{timeout}: {answer:?}");
    }
    // The origin is told the deadline, and the end.
    origin.wait_for(6);
    let told = origin.requests()[0].header("grpc-timeout").map(str::to_owned);
    assert!(told.is_some_and(|told| told != "0m"));
}

#[test]
fn te_and_trailers_reach_the_origin_and_come_back() {
    let origin = Origin::over(Transport::h2(), |_| {
        Response::chunks(&["\0\0\0\0\0"], &[("grpc-status", "0")])
            .header("content-type", "application/grpc+proto")
    });
    let program = Program::config(BY_HTTP_2).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let answer = call(&client, "/a/B").chunks(&["\0\0\0\0\0"], &[]).send();
    assert_eq!(answer.trailers.one("grpc-status"), Some("0"));
    let request = origin.request();
    assert_eq!(request.header("te"), Some("trailers"));
    assert_eq!((request.header("content-length"), request.body.len()), (None, 5));
}

#[test]
fn a_call_over_tls_is_one_over_alpn_h2() {
    let authority = Authority::new("the test's");
    let origin = Origin::over(Transport::h2(), |_| {
        Response::chunks(&["\0\0\0\0\0"], &[("grpc-status", "0")])
    });
    let listener =
        "listeners: {web: {address: \"127.0.0.1:0\", tls: [{cert: site.pem, key: site.key}]}}\n";
    let setup = Program::config(&format!("{listener}{BY_HTTP_2}")).fill("origin", &origin);
    let program = setup.identity("site", &authority.issue(&["shop.test"])).start();
    let client = TlsClient::trusting(&authority).h2(&program.address("web"), "shop.test");
    assert_eq!(client.tls().alpn.as_deref(), Some("h2"));
    let answer = call(&client, "/a/B").chunks(&["\0\0\0\0\0"], &[]).send();
    assert_eq!(answer.trailers.one("grpc-status"), Some("0"));
}
