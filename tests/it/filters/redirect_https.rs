//! The filter `redirect_https`.

use portunus_testkit::Client;

use crate::tls::Site;

#[test]
fn clients_without_tls_are_sent_to_the_same_place_at_https() {
    let site = Site::new();
    let config = r#"
listeners:
  web: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
  plain: "127.0.0.1:0"
hosts:
  "*":
    routes:
      /default/**: {use: [redirect_https], respond: fine}
      /other: {use: [redirect_https: {status: 302, port: 8443}], respond: fine}
"#;
    let program = site.config(config).start();
    let mut plain = Client::connect(&program.address("plain"));
    let answer = plain.request("GET", "/default/a%20b?c=d&e").host("shop.test:8080").send();
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), Some("https://shop.test/default/a%20b?c=d&e"));
    let answer = plain.get("/other");
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("https://shop.test:8443/other"))
    );
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    for path in ["/default/a", "/other"] {
        assert_eq!(client.get(path).text(), "fine");
    }
}
