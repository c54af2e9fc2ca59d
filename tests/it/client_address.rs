//! Who the client is, and what upstreams are told of it.

use portunus_testkit::{Client, Origin, Program, Request};

/// Says what the program takes for the client's address.
const TELLING: &str = r#"
trusted_proxies: [{trusted}]
listeners: {web: {address: "127.0.0.1:0", proxy_protocol: {mode}}}
hosts: {"*": {routes: {/**: {respond: "{client.ip}"}}}}
"#;

fn telling(trusted: &str, mode: &str) -> Program {
    Program::config(TELLING).fill("trusted", trusted).fill("mode", mode).start()
}

fn forwarded(trusted: &str, headers: &[(&str, &str)]) -> Request {
    let origin = Origin::text("a");
    let config = "trusted_proxies: [{trusted}]\nhosts: {\"*\": {routes: {/: \"{origin}\"}}}\n";
    let program = Program::config(config).fill("trusted", trusted).fill("origin", &origin).start();
    let mut client = program.client();
    let request = client.request("GET", "/").host("shop.test:8080");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    assert_eq!(request.send().status, 200);
    origin.request()
}

#[test]
fn an_upstream_is_told_the_peer_the_scheme_the_host_and_the_port() {
    let request = forwarded("", &[]);
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    assert_eq!(request.header("x-forwarded-host"), Some("shop.test:8080"));
    assert!(request.header("x-forwarded-port").is_some(), "{request:?}");
    assert_eq!(request.header("x-real-ip"), Some("127.0.0.1"));
}

#[test]
fn what_an_unknown_client_claims_is_dropped() {
    let claims = [
        ("X-Forwarded-For", "203.0.113.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Real-IP", "203.0.113.1"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", "for=203.0.113.1"),
    ];
    let request = forwarded("10.0.0.0/8", &claims);
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    assert_eq!(request.header("x-forwarded-host"), Some("shop.test:8080"));
    assert_eq!(request.header("x-real-ip"), Some("127.0.0.1"));
    assert_eq!((request.header("x-forwarded-prefix"), request.header("forwarded")), (None, None));
}

#[test]
fn what_a_trusted_proxy_tells_is_kept_and_the_peer_appended() {
    let told = [
        ("X-Forwarded-For", "198.51.100.1, 203.0.113.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "outside.test"),
    ];
    let request = forwarded("127.0.0.0/8", &told);
    let chain: Vec<_> = request.headers.all("x-forwarded-for").collect();
    assert_eq!(chain.join(", "), "198.51.100.1, 203.0.113.1, 127.0.0.1");
    assert_eq!(request.header("x-forwarded-proto"), Some("https"));
    assert_eq!(request.header("x-forwarded-host"), Some("outside.test"));
    assert_eq!(request.header("x-real-ip"), Some("203.0.113.1"));
}

#[test]
fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
    let program = telling("127.0.0.0/8, 10.0.0.0/8", "off");
    let mut client = program.client();
    let chains = [
        ("203.0.113.1", "203.0.113.1"),
        ("1.1.1.1, 203.0.113.1, 10.0.0.9", "203.0.113.1"),
        ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
    ];
    for (chain, address) in chains {
        let answer = client.request("GET", "/").header("X-Forwarded-For", chain).send();
        assert_eq!(answer.text(), address, "{chain}");
    }
    let answer = client.request("GET", "/").header("Forwarded", "for=203.0.113.7;proto=https");
    assert_eq!(answer.send().text(), "203.0.113.7");
    assert_eq!(client.get("/").text(), "127.0.0.1");
}

const GET: &str = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";

#[test]
fn version_1_of_the_proxy_protocol_tells_the_client() {
    let program = telling("127.0.0.1", "required");
    let mut client = program.client();
    client.send(format!("PROXY TCP4 203.0.113.5 10.0.0.1 1234 80\r\n{GET}"));
    assert_eq!(client.read().text(), "203.0.113.5");
    assert_eq!(client.get("/").text(), "203.0.113.5");
    let mut client = program.client();
    client.send(format!("PROXY TCP6 2001:db8::5 2001:db8::1 1234 80\r\n{GET}"));
    assert_eq!(client.read().text(), "2001:db8::5");
}

#[test]
fn version_2_of_the_proxy_protocol_tells_the_client() {
    let program = telling("127.0.0.1", "required");
    let mut client = program.client();
    let mut head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    head.extend([203, 0, 113, 6, 10, 0, 0, 1, 4, 210, 0, 80]);
    // In two pieces, as a slow network brings them.
    client.send(&head[..10]);
    client.send(&head[10..]);
    client.send(GET);
    assert_eq!(client.read().text(), "203.0.113.6");
}

#[test]
fn a_connection_without_the_required_head_is_closed_unheard() {
    let program = telling("127.0.0.1", "required");
    let mut client = program.client();
    client.send(GET);
    client.wait_for_close();
}

#[test]
fn an_optional_head_may_be_left_out() {
    let program = telling("127.0.0.1", "optional");
    assert_eq!(program.get("/").text(), "127.0.0.1");
    let mut client = program.client();
    client.send(format!("PROXY TCP4 203.0.113.5 10.0.0.1 1234 80\r\n{GET}"));
    assert_eq!(client.read().text(), "203.0.113.5");
}

#[test]
fn the_head_of_a_peer_that_nobody_trusts_counts_for_nothing() {
    let program = telling("10.0.0.0/8", "required");
    let mut client = Client::connect(&program.address("web"));
    client.send(format!("PROXY TCP4 203.0.113.5 10.0.0.1 1234 80\r\n{GET}"));
    client.wait_for_close();
}
