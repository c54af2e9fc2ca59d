//! The filter `csrf`.

use portunus_testkit::{Origin, Program};

const CONFIG: &str = r#"
hosts:
  "*":
    use: [{csrf: [https://app.shop.test]}]
    routes: {/**: "{origin}"}
"#;

#[test]
fn pages_of_other_origins_may_not_act() {
    let origin = Origin::text("fine");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let mut client = program.client();
    let mut send = |method: &str, headers: &[(&str, &str)]| {
        let request = client.request(method, "/transfer");
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let evil = [("Origin", "https://evil.test"), ("Sec-Fetch-Site", "cross-site")];
    send("POST", &evil).assert_own(403, "csrf.cross_origin");
    send("DELETE", &evil[..1]).assert_own(403, "csrf.cross_origin");
    let socket = [
        evil[0],
        evil[1],
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
    ];
    send("GET", &socket).assert_own(403, "csrf.cross_origin");
    assert!(origin.requests().is_empty());
    for (method, headers) in [
        ("GET", &evil[..]),
        ("POST", &[]),
        ("POST", &[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://shop.test")]),
        ("POST", &[("Origin", "http://shop.test")]),
        ("POST", &[("Origin", "https://app.shop.test"), ("Sec-Fetch-Site", "same-site")]),
    ] {
        assert_eq!(send(method, headers).text(), "fine", "{method} {headers:?}");
    }
}
