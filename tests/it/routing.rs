//! Which route takes a request.

use portunus_testkit::{Origin, Program};

#[test]
fn the_most_specific_path_wins_wherever_it_stands() {
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /**: {respond: rest}
      /orders/**: {respond: below}
      /orders/{id}: {respond: "one {id}"}
      /orders/new: {respond: exact}
      "~ ^/v[0-9]+/.*$": {respond: regex}
"#,
    )
    .start();
    let mut client = program.client();
    let expected = [
        ("/orders/new", "exact"),
        ("/orders/7", "one 7"),
        ("/orders/7/lines", "below"),
        ("/v2/orders", "regex"),
        ("/", "rest"),
        ("/order", "rest"),
    ];
    for (path, body) in expected {
        assert_eq!(client.get(path).text(), body, "{path}");
    }
}

#[test]
fn an_exact_host_wins_over_a_wildcard_and_that_over_the_last_resort() {
    let program = Program::config(
        r#"
hosts:
  "*": {routes: {/**: {respond: last}}}
  "*.shop.test": {routes: {/**: {respond: wildcard}}}
  a.shop.test: {routes: {/**: {respond: exact}}}
"#,
    )
    .start();
    let mut client = program.client();
    let expected = [
        ("a.shop.test", "exact"),
        ("A.Shop.Test:8080", "exact"),
        ("b.shop.test", "wildcard"),
        ("shop.test", "last"),
    ];
    for (host, body) in expected {
        assert_eq!(client.request("GET", "/").host(host).send().text(), body, "{host}");
    }
}

#[test]
fn among_rules_of_one_path_the_one_with_most_conditions_that_hold_wins() {
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /search:
        - {respond: plain}
        - {when: {header: {x-beta: "1"}}, respond: header}
        - {when: {header: {x-beta: "1"}, query: {v: "2"}}, respond: both}
        - {when: {cookie: {group: "~ ^b.*$"}}, respond: cookie}
        - {when: {method: [DELETE]}, respond: method}
"#,
    )
    .start();
    let mut client = program.client();
    assert_eq!(client.get("/search").text(), "plain");
    assert_eq!(client.get("/search?v=2").text(), "plain");
    let beta = |query: &str| {
        let mut client = program.client();
        client.request("GET", query).header("X-Beta", "1").send().text().to_owned()
    };
    assert_eq!(beta("/search?v=1"), "header");
    assert_eq!(beta("/search?a=b&v=2"), "both");
    let answer = client.request("GET", "/search").header("Cookie", "a=b; group=blue").send();
    assert_eq!(answer.text(), "cookie");
    assert_eq!(client.request("DELETE", "/search").send().text(), "method");
}

#[test]
fn a_condition_on_the_client_s_address_looks_at_the_peer() {
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /:
        - {when: {client_ip: 127.0.0.0/8}, respond: near}
        - {when: {client_ip: 10.0.0.0/8}, respond: far}
"#,
    )
    .start();
    let answer = program.client().request("GET", "/").header("X-Forwarded-For", "10.0.0.1").send();
    assert_eq!(answer.text(), "near");
}

#[test]
fn a_path_that_no_route_serves_is_answered_404_with_the_reason() {
    let program = Program::config("hosts: {shop.test: {routes: {/a: {respond: a}}}}").start();
    program.get("/b").assert_own(404, "route.none");
    let mut client = program.client();
    client.request("GET", "/a").host("other.test").send().assert_own(404, "route.no_host");
}

#[test]
fn a_path_that_is_served_for_other_methods_is_answered_405_with_allow() {
    let config = "hosts: {\"*\": {routes: {/a: {methods: [GET, PUT], respond: a}}}}";
    let program = Program::config(config).start();
    let mut client = program.client();
    let answer = client.request("DELETE", "/a").send();
    answer.assert_own(405, "route.method");
    assert!(answer.headers.has_token("allow", "GET"), "{answer:?}");
    assert!(answer.headers.has_token("allow", "PUT"), "{answer:?}");
    assert!(!answer.headers.has_token("allow", "DELETE"), "{answer:?}");
    assert_eq!(client.request("PUT", "/a").send().text(), "a");
}

#[test]
fn browsers_get_an_error_as_html() {
    let program = Program::config("hosts: {}").start();
    let mut client = program.client();
    let answer = client.request("GET", "/").header("Accept", "text/html,*/*;q=0.1").send();
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{answer:?}");
    assert!(answer.text().contains("route.no_host"), "{}", answer.text());
    assert_eq!(client.get("/").header("content-type"), Some("application/problem+json"));
}

#[test]
fn a_host_is_served_only_by_its_listeners() {
    let program = Program::config(
        r#"
listeners: {web: "127.0.0.1:0", inside: "127.0.0.1:0"}
hosts:
  shop.test: {listeners: [inside], routes: {/: {respond: inside}}}
"#,
    )
    .start();
    assert_eq!(program.get("/").status, 404);
    let mut inside = portunus_testkit::Client::connect(&program.address("inside"));
    assert_eq!(inside.get("/").text(), "inside");
}

#[test]
fn each_form_of_a_target_leads_to_its_origin() {
    let (one, two) = (Origin::text("one"), Origin::text("two"));
    let program = Program::config(
        r#"
upstreams: {named: "{one}"}
hosts:
  "*":
    routes:
      /url: "{two}"
      /named: named
      /list: ["{one}", "{two}"]
"#,
    )
    .fill("one", &one)
    .fill("two", &two)
    .start();
    let mut client = program.client();
    assert_eq!(client.get("/url").text(), "two");
    assert_eq!(client.get("/named").text(), "one");
    let mut both = [client.get("/list").text().to_owned(), client.get("/list").text().to_owned()];
    both.sort();
    assert_eq!(both, ["one", "two"]);
}

#[test]
fn the_upstream_gets_the_target_as_the_client_sent_it() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let target = "/a%2Fb/%e4/;x=1,2?q=%20&q=+&r";
    assert_eq!(program.get(target).status, 200);
    assert_eq!(origin.request().target, target);
}
