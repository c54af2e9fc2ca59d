//! The filter `redirect`.

use portunus_testkit::Program;

#[test]
fn the_client_is_sent_to_the_new_place_with_its_query() {
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /old/**: {redirect: "/new/{rest}"}
      /shop: {redirect: {to: "https://www.{host}{path}", status: 301}}
      /login: {redirect: {to: "https://id.example.com/", status: 302, query: drop}}
"#,
    )
    .start();
    let mut client = program.client();
    let expected = [
        ("/old/a/b?c=d", 308, "/new/a/b?c=d"),
        ("/shop", 301, "https://www.shop.test/shop"),
        ("/login?next=x", 302, "https://id.example.com/"),
    ];
    for (path, status, place) in expected {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (status, Some(place)), "{path}");
        assert_eq!(answer.header("proxy-status"), None, "it is no error: {answer:?}");
    }
}

#[test]
fn no_path_leads_to_another_host() {
    let program =
        Program::config("hosts: {\"*\": {routes: {/go/**: {redirect: \"/{rest}\"}}}}").start();
    let answer = program.get("/go//evil.test/");
    let place = answer.header("location").unwrap_or("/").to_owned();
    assert!(place.starts_with('/') && !place.starts_with("//"), "{answer:?}");
}
