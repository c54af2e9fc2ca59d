//! The filter `hsts`.

use portunus_testkit::{Client, Origin, Response};

use crate::tls::Site;

#[test]
fn answers_over_tls_say_it_whoever_makes_them_and_others_do_not() {
    let site = Site::new();
    let origin =
        Origin::new(|_| Response::text("a").header("Strict-Transport-Security", "max-age=1"));
    let config = r#"
listeners:
  web: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
  plain: "127.0.0.1:0"
hosts: {"*": {use: [hsts: {max_age: 30d, preload: true}], routes: {/origin: "{origin}", /own: {respond: b}}}}
"#;
    let program = site.config(config).fill("origin", &origin).start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    for path in ["/origin", "/own"] {
        let answer = client.get(path);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=2592000; preload"));
    }
    let mut plain = Client::connect(&program.address("plain"));
    assert_eq!(plain.get("/own").header("strict-transport-security"), None);
}
