//! The filter `cors`.

use portunus_testkit::{Answer, Origin, Program, Response};

const CONFIG: &str = r#"
consumers: [{name: acme, keys: [key-of-acme-and-more]}]
hosts:
  "*":
    use:
      - cors: {origins: ["https://*.shop.test"], headers: [X-Api-Key], expose: [X-Total], credentials: true, max_age: 1h}
      - api_key
    routes:
      /orders/{id}: {methods: [GET, PUT], to: "{origin}"}
      /open: {use: [{headers: {request: {remove: [Origin]}}}], to: "{origin}"}
"#;

const APP: &str = "https://app.shop.test";

fn program(origin: &Origin) -> Program {
    Program::config(CONFIG).fill("origin", origin).start()
}

/// An upstream with ideas of its own.
fn origin() -> Origin {
    Origin::new(|_| {
        let response = Response::text("fine").header("Access-Control-Allow-Origin", "*");
        response.header("Access-Control-Allow-Methods", "TRACE").header("Vary", "Accept")
    })
}

fn cors(answer: &Answer, name: &str) -> Option<String> {
    answer.header(&format!("access-control-{name}")).map(str::to_owned)
}

/// Everything that an answer varies by, in one line.
fn vary(answer: &Answer) -> String {
    answer.headers.all("vary").collect::<Vec<_>>().join(", ")
}

/// A preflight needs no key, and no route that lists OPTIONS.
#[test]
fn preflights_are_answered_before_anybody_asks_who_it_is() {
    let origin = origin();
    let program = program(&origin);
    let mut client = program.client();
    for target in ["/orders/7", "/open", "/nothing/here"] {
        let request = client.request("OPTIONS", target).header("Origin", APP);
        let request = request.header("Access-Control-Request-Method", "PUT");
        let answer = request.header("Access-Control-Request-Headers", "x-api-key").send();
        assert_eq!(answer.status, 204, "{target} {answer:?}");
        assert_eq!(cors(&answer, "allow-origin").as_deref(), Some(APP));
        assert_eq!(cors(&answer, "allow-credentials").as_deref(), Some("true"));
        assert_eq!(cors(&answer, "allow-headers").as_deref(), Some("X-Api-Key"));
        assert_eq!(cors(&answer, "max-age").as_deref(), Some("3600"));
        assert!(cors(&answer, "allow-methods").unwrap().contains("PUT"));
        let expected = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        assert_eq!(vary(&answer), expected);
        assert_eq!(answer.text(), "");
    }
    assert!(origin.requests().is_empty());
    let request = client.request("OPTIONS", "/orders/7").header("Origin", "https://shop.test");
    let other = request.header("Access-Control-Request-Method", "PUT").send();
    other.assert_own(403, "cors.origin");
    assert_eq!(cors(&other, "allow-origin"), None);
    assert!(vary(&other).contains("Origin"), "{other:?}");
}

#[test]
fn answers_tell_pages_and_caches() {
    let origin = origin();
    let program = program(&origin);
    let mut client = program.client();
    for target in ["/orders/7", "/open"] {
        let mut get = |page: Option<&str>, key: &str| {
            let request = client.request("GET", target).header("X-Api-Key", key);
            match page {
                Some(page) => request.header("Origin", page).send(),
                None => request.send(),
            }
        };
        let allowed = get(Some(APP), "key-of-acme-and-more");
        assert_eq!((allowed.status, vary(&allowed).as_str()), (200, "Accept, Origin"));
        assert_eq!(cors(&allowed, "allow-origin").as_deref(), Some(APP));
        assert_eq!(cors(&allowed, "expose-headers").as_deref(), Some("X-Total"));
        assert_eq!(cors(&allowed, "allow-methods"), None);
        for page in [None, Some("https://evil.test"), Some("null")] {
            let other = get(page, "key-of-acme-and-more");
            assert_eq!((other.status, vary(&other).as_str()), (200, "Accept, Origin"));
            assert_eq!(cors(&other, "allow-origin"), None, "{page:?}");
        }
        // The page may read that it needs a key.
        let refused = get(Some(APP), "wrong");
        assert_eq!(refused.status, 401);
        assert_eq!(cors(&refused, "allow-origin").as_deref(), Some(APP));
    }
}

#[test]
fn a_request_that_no_route_takes_is_answered_to_the_page_too() {
    let program = program(&origin());
    let mut client = program.client();
    let key = "key-of-acme-and-more";
    for (method, target, status) in [("DELETE", "/orders/7", 405), ("GET", "/nothing", 404)] {
        let request = client.request(method, target).header("Origin", APP);
        let answer = request.header("X-Api-Key", key).send();
        assert_eq!(answer.status, status);
        assert_eq!(cors(&answer, "allow-origin").as_deref(), Some(APP), "{answer:?}");
        assert_eq!(vary(&answer), "Origin");
    }
}
