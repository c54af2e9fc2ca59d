//! The filter `ip`.

use portunus_testkit::Program;

#[test]
fn the_most_specific_prefix_lets_in_or_keeps_out() {
    let program = Program::config(
        r#"
trusted_proxies: [127.0.0.1]
hosts:
  "*":
    use: [{ip: {allow: [10.0.0.0/8, 10.1.2.3, "2001:db8::/32"], deny: [10.1.0.0/16]}}]
    routes: {/: {respond: in}}
"#,
    )
    .start();
    let mut client = program.client();
    let mut ask =
        |address: &str| client.request("GET", "/").header("X-Forwarded-For", address).send();
    for inside in ["10.9.9.9", "10.1.2.3", "2001:db8::7"] {
        assert_eq!(ask(inside).status, 200, "{inside}");
    }
    for outside in ["10.1.2.4", "192.0.2.1", "2001:db9::1"] {
        ask(outside).assert_own(403, "ip.denied");
    }
}
