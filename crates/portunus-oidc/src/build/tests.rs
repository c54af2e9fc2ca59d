use portunus_filter::Factory;
use portunus_filter::testing::{Bench, list, texts};
use portunus_spec::Node;

use super::*;

static FILTERS: &[Factory] = &[Factory::of::<OidcSpec>()];

fn with(more: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    let own = [("issuer", Node::text("https://id.example.com")), ("client_id", Node::text("shop"))];
    Node::map(own.into_iter().chain(more))
}

#[track_caller]
fn mistake(more: (&'static str, Node), want: &str) {
    let found = Bench::new(FILTERS).mistakes("oidc", with([more]));
    assert!(found.contains(want), "{found}");
}

#[test]
fn a_provider_and_a_client_are_enough() {
    let mut bench = Bench::new(FILTERS);
    assert!(bench.build("oidc", with([])).is_ok());
    assert_eq!(bench.tasks.len(), 3, "its endpoints, its keys, and refreshes");
}

#[test]
fn who_the_provider_is_must_be_said() {
    let mut bench = Bench::new(FILTERS);
    let found = bench.mistakes("oidc", Node::map([("client_id", Node::text("shop"))]));
    assert!(found.contains("does not know where users log in"), "{found}");
    let found = bench.mistakes("oidc", texts(&[("issuer", "https://id.example.com")]));
    assert!(found.contains("no `client_id`"), "{found}");
    let found =
        bench.mistakes("oidc", texts(&[("issuer", "http://id.example.com"), ("client_id", "a")]));
    assert!(found.contains("https://"), "{found}");
    let plain = [("issuer", "http://id.example.com"), ("client_id", "a"), ("insecure", "true")];
    assert!(bench.build("oidc", texts(&plain)).is_ok());
    assert!(
        bench.build("oidc", texts(&[("issuer", "http://127.0.0.1:1"), ("client_id", "a")])).is_ok()
    );
}

#[test]
fn mistakes_are_found() {
    mistake(("prefix", Node::text("/auth/")), "not a path for pages");
    mistake(("prefix", Node::text("//auth")), "not a path for pages");
    mistake(("prefix", Node::text("auth")), "not a path for pages");
    mistake(("origin", Node::text("shop.example.com")), "not an origin");
    mistake(("origin", Node::text("https://shop.example.com/a")), "not an origin");
    mistake(("logout", texts(&[("to", "//evil.test")])), "no place to go to");
    mistake(("logout", texts(&[("to", "javascript:alert(1)")])), "no place to go to");
    mistake(("cookie", texts(&[("name", "a b")])), "not the name of a cookie");
    mistake(("cookie", texts(&[("domain", "com;x")])), "not a domain");
    mistake(("cookie", Node::map([("secrets", list(&["short"]))])), "32 characters");
    mistake(("session", texts(&[("idle", "0s")])), "a second or more");
    mistake(("parameters", texts(&[("nonce", "1")])), "written by the filter itself");
    mistake(("forward_claims", texts(&[("Authorization", "sub")])), "cannot be set from a claim");
    mistake(("ca", Node::text("missing.pem")), "cannot read missing.pem");
    mistake(("default_provider", Node::text("defualt")), "no provider `defualt`");
    mistake(
        (
            "providers",
            Node::seq([texts(&[("name", "a"), ("issuer", "https://a"), ("client_id", "b")])]),
        ),
        "both there",
    );
}

#[test]
fn providers_have_names_of_their_own() {
    let provider =
        |name: &str| texts(&[("name", name), ("issuer", "https://a"), ("client_id", "b")]);
    let build = |names: [&str; 2]| {
        let providers = Node::seq(names.map(provider));
        Bench::new(FILTERS).mistakes("oidc", Node::map([("providers", providers)]))
    };
    assert!(build(["one", "one"]).contains("two providers `one`"));
    assert!(build(["one", "a/b"]).contains("part of a path"));
}

#[test]
fn secrets_are_not_in_the_normal_form() {
    let factory = FILTERS.first().unwrap();
    let node = with([
        ("client_secret", Node::text("hush-hush")),
        ("cookie", Node::map([("secrets", list(&["0123456789abcdef0123456789abcdef"]))])),
    ]);
    let mut reader = portunus_spec::Reader::new(&portunus_spec::NoLookup);
    let normal = (factory.normal)(&node, &mut reader).unwrap();
    let text = portunus_spec::yaml::inline(&normal);
    assert!(!text.contains("hush") && !text.contains("0123456789abcdef"), "{text}");
}

#[test]
fn openid_is_always_asked_for() {
    assert_eq!(scope(&["email".to_owned()]), "openid email");
    assert_eq!(scope(&["openid".to_owned(), "a".to_owned()]), "openid a");
}
