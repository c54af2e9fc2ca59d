use super::*;
use crate::tests::*;
use crate::{AlgorithmSet, KeySource, SigningKey};
use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, exchange, header, lines, list, resumed, shown, texts};

use portunus_identity::{Consumer, Consumers};
use portunus_spec::{Node, Value as NodeValue};
use serde_json::{Map, Value, json};

static FILTERS: &[Factory] = &[Factory::of::<JwtSpec>()];

const SECRET: &str = "a secret of thirty-two bytes, or";

fn key() -> SigningKey {
    SigningKey::secret(SECRET.as_bytes())
}

fn token(claims: &Map<String, Value>) -> String {
    key().mint(Algorithm::Hs256, claims).unwrap()
}

/// Claims that hold, with others in their place; null takes a claim away.
fn claims(others: Value) -> Map<String, Value> {
    let mut claims = good_claims();
    claims.extend(map(others));
    claims.retain(|_, value| !value.is_null());
    claims
}

/// `keys: [{secret: ...}]`, and what else is written.
fn spec(others: Vec<(&'static str, Node)>) -> Node {
    let keys = Node::seq([texts(&[("secret", SECRET)])]);
    Node::map(others.into_iter().chain([("keys", keys)]))
}

fn build(others: Vec<(&'static str, Node)>) -> Arc<dyn Filter> {
    Bench::new(FILTERS).build("jwt", spec(others)).unwrap()
}

fn bearing(token: &str) -> Exchange {
    let mut exchange = exchange("GET /");
    exchange.request.headers.append(b"Authorization", format!("Bearer {token}").as_bytes());
    exchange
}

fn flag(value: bool) -> Node {
    NodeValue::Bool(value).into()
}

/// The verdict on a token with these claims.
fn verdict(filter: &dyn Filter, claims: &Map<String, Value>) -> String {
    shown(&Rig::new().request(filter, &mut bearing(&token(claims))))
}

#[test]
fn a_good_token_passes_and_says_who_asks() {
    let filter = build(vec![
        ("issuer", Node::text("https://id.example.com")),
        ("audience", Node::text("shop")),
        ("scopes", list(&["read"])),
        ("forward_claims", texts(&[("X-User", "sub")])),
        ("consumer_claim", Node::text("azp")),
    ]);
    let mut rig = Rig::new();
    let mut consumers = Consumers::builder();
    let consumer = Consumer { id: "c-1".into(), name: "acme".into(), ..Consumer::default() };
    consumers.consumer(Arc::new(consumer));
    rig.directory.publish(Arc::new(consumers.build()));
    let mut exchange = bearing(&token(&claims(json!({"azp": "acme"}))));
    exchange.request.headers.append(b"X-User", b"mallory");
    exchange.request.headers.append(b"X_USER", b"mallory");
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    let identity = exchange.identity.as_ref().unwrap();
    assert_eq!((identity.method, &*identity.subject, identity.name()), ("jwt", "alice", "acme"));
    assert!(identity.has_scope("write"));
    assert_eq!(exchange.request.headers.values(b"X-User").collect::<Vec<_>>(), [b"alice"]);
    assert!(exchange.request.headers.value(b"X_USER").is_none());
    assert_eq!(exchange.request.headers.value(b"X-Consumer-Username"), Some(&b"acme"[..]));
    assert!(exchange.request.headers.value(b"Authorization").is_some());
    assert_eq!(rig.notes, ["the token of `alice` is good"]);
}

#[test]
fn bad_tokens_are_refused_each_for_its_reason() {
    let filter = build(vec![
        ("issuer", Node::text("https://id.example.com")),
        ("audience", Node::text("shop")),
        ("scopes", list(&["read"])),
        ("claims", Node::map([("tenant", list(&["a", "b"]))])),
    ]);
    let good = || claims(json!({"tenant": "a"}));
    assert_eq!(verdict(&*filter, &good()), "continue");
    for (others, expected) in [
        (json!({"exp": NOW - 31}), "401 auth.expired problem"),
        (json!({"exp": null}), "401 auth.invalid problem"),
        (json!({"nbf": NOW + 31}), "401 auth.invalid problem"),
        (json!({"iss": "https://attacker.example"}), "401 auth.invalid problem"),
        (json!({"aud": "other"}), "401 auth.invalid problem"),
        (json!({"scope": "write"}), "403 auth.forbidden problem"),
        (json!({"tenant": "c"}), "403 auth.forbidden problem"),
        (json!({"tenant": null}), "403 auth.forbidden problem"),
    ] {
        let mut changed = good();
        changed.extend(map(others.clone()));
        changed.retain(|_, value| !value.is_null());
        assert_eq!(verdict(&*filter, &changed), expected, "{others}");
    }
    let answer = |token: &str| {
        let verdict = Rig::new().request(&*filter, &mut bearing(token));
        let Verdict::Reply(reply) = verdict else { panic!("{verdict:?}") };
        header(&reply, "WWW-Authenticate").unwrap().to_owned()
    };
    let forged = SigningKey::secret(&[7; 32]).mint(Algorithm::Hs256, &good()).unwrap();
    assert!(answer(&forged).contains("error_description=\"The token's signature is wrong.\""));
    assert!(answer("x").contains("error=\"invalid_token\""));
    assert!(answer(&"x".repeat(9000)).contains("too long"));
}

#[test]
fn without_a_token_one_is_asked_for() {
    let filter = build(vec![]);
    let verdict = Rig::new().request(&*filter, &mut exchange("GET /"));
    let Verdict::Reply(reply) = verdict else { panic!("{verdict:?}") };
    assert_eq!((reply.status, reply.reason.unwrap().0), (401, "auth.missing"));
    assert_eq!(header(&reply, "WWW-Authenticate"), Some("Bearer realm=\"api\""));

    let optional =
        build(vec![("optional", flag(true)), ("forward_claims", texts(&[("X-User", "sub")]))]);
    let mut nobody = exchange("GET /");
    nobody.request.headers.append(b"X-User", b"mallory");
    assert_eq!(shown(&Rig::new().request(&*optional, &mut nobody)), "continue");
    assert!(nobody.identity.is_none());
    assert!(nobody.request.headers.value(b"X-User").is_none());
    let bad = shown(&Rig::new().request(&*optional, &mut bearing("x")));
    assert_eq!(bad, "401 auth.invalid problem");
}

#[test]
fn a_token_of_no_consumer_is_refused_where_only_consumers_pass() {
    let filter = build(vec![("consumers_only", flag(true)), ("consumer_claim", Node::text("azp"))]);
    let mut rig = Rig::new();
    let ask = |rig: &mut Rig| {
        shown(&rig.request(&*filter, &mut bearing(&token(&claims(json!({"azp": "acme"}))))))
    };
    assert_eq!(ask(&mut rig), "401 auth.invalid problem");
    let mut consumers = Consumers::builder();
    let consumer = Consumer { id: "c-1".into(), name: "acme".into(), ..Consumer::default() };
    consumers.consumer(Arc::new(consumer));
    rig.directory.publish(Arc::new(consumers.build()));
    assert_eq!(ask(&mut rig), "continue");
}

#[test]
fn a_token_of_the_query_is_not_logged() {
    let filter = build(vec![("from", texts(&[("query", "access_token")]))]);
    let good = token(&good_claims());
    for (query, expected) in [
        (format!("a=1&access_token={good}&b"), "a=1&access_token=[hidden]&b"),
        ("access_token=wrong".to_owned(), "access_token=[hidden]"),
        ("access%5Ftoken=other".to_owned(), "access_token=[hidden]"),
        ("token=x".to_owned(), "token=x"),
    ] {
        for is_asked in [true, false] {
            let mut exchange = exchange(&format!("GET /?{query}"));
            exchange.target = exchange.request.target_stored();
            match is_asked {
                true => drop(Rig::new().request(&*filter, &mut exchange)),
                false => filter.forget(&mut exchange),
            }
            let logged = exchange.request.headers.text(exchange.target.1.unwrap());
            assert_eq!(std::str::from_utf8(logged), Ok(expected));
        }
    }
}

#[test]
fn two_tokens_are_none() {
    let filter = build(vec![]);
    let good = token(&good_claims());
    let mut exchange = bearing(&good);
    exchange.request.headers.append(b"Authorization", format!("Bearer {good}").as_bytes());
    assert_eq!(shown(&Rig::new().request(&*filter, &mut exchange)), "401 auth.invalid problem");
}

#[test]
fn the_upstream_does_not_get_a_token_that_is_stripped() {
    let filter = build(vec![("strip", flag(true))]);
    let mut exchange = bearing(&token(&good_claims()));
    assert_eq!(shown(&Rig::new().request(&*filter, &mut exchange)), "continue");
    assert_eq!(lines(&exchange.request.headers), "Host: shop.example.com:8080");
}

#[test]
fn a_repeated_token_costs_nothing_until_its_end() {
    let filter = build(vec![("leeway", Node::text("0s"))]);
    let mut rig = Rig::new();
    let token = token(&good_claims());
    let again = |rig: &mut Rig| shown(&rig.request(&*filter, &mut bearing(&token)));
    assert_eq!(again(&mut rig), "continue");
    assert_eq!(again(&mut rig), "continue");
    assert_eq!(rig.notes, ["the token of `alice` is good", "the token was checked before"]);
    rig.wall = portunus_base::Wall((NOW + 3600) * 1_000_000);
    assert_eq!(again(&mut rig), "401 auth.expired problem");
    // Consumers are others: who asks may be somebody else.
    let mut rig = Rig::new();
    assert_eq!(again(&mut rig), "continue");
    rig.directory.publish(Arc::default());
    assert_eq!(again(&mut rig), "continue");
    assert_eq!(rig.notes.last().unwrap(), "the token of `alice` is good");
}

#[test]
fn a_token_of_another_filter_is_not_known_here() {
    let mut bench = Bench::new(FILTERS);
    let filter = bench.build("jwt", spec(vec![])).unwrap();
    let strict = bench.build("jwt", spec(vec![("scopes", list(&["admin"]))])).unwrap();
    let (mut rig, token) = (Rig::new(), token(&good_claims()));
    assert_eq!(shown(&rig.request(&*filter, &mut bearing(&token))), "continue");
    let verdict = shown(&rig.request(&*strict, &mut bearing(&token)));
    assert_eq!(verdict, "403 auth.forbidden problem");
}

#[test]
fn a_repeated_token_allocates_nothing() {
    let filter = build(vec![("forward_claims", texts(&[("X-User", "sub")]))]);
    let value = format!("Bearer {}", token(&good_claims()));
    let mut rig = Rig::new();
    let mut exchange = exchange("GET /");
    let mut run = || {
        exchange.clear();
        exchange.request.headers.append(b"Authorization", value.as_bytes());
        exchange.request.headers.append(b"X-User", b"mallory");
        rig.notes.clear();
        let mut cx = rig.cx();
        cx.notes = None;
        assert!(matches!(filter.on_request(&mut exchange, &mut cx), Verdict::Continue));
    };
    (0..4).for_each(|_| run());
    let counted = allocation_counter::measure(|| (0..100).for_each(|_| run()));
    assert_eq!(counted.count_total, 0);
}

/// A filter whose keys are fetched, with its source.
fn fetched(bench: &mut Bench) -> (Arc<dyn Filter>, Arc<KeySource>) {
    let node = texts(&[("issuer", "https://id.example.com"), ("audience", "shop")]);
    let filter = bench.build("jwt", node).unwrap();
    assert_eq!(bench.tasks.len(), 1);
    let key = format!(
        "{:?} {:?} {}",
        crate::KeyPlace {
            url: None,
            issuer: "https://id.example.com".to_owned(),
            insecure: false,
            cooldown: crate::COOLDOWN
        },
        AlgorithmSet::public(),
        portunus_identity::KeyHash::of(b"")
    );
    let source = bench.services.state(&key, || -> KeySource { panic!("there is none") });
    (filter, source)
}

fn es256(id: &str) -> SigningKey {
    private_key("RFC 7515 A.3").named(id)
}

fn publish(source: &KeySource, id: &str) {
    let mut jwk = map(private_jwk("RFC 7515 A.3"));
    jwk.insert("kid".to_owned(), json!(id));
    source.publish(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
}

#[tokio::test]
async fn a_request_waits_for_keys_and_looks_again() {
    let (filter, source) = fetched(&mut Bench::new(FILTERS));
    let mut rig = Rig::new();
    let mut exchange = bearing(&es256("k1").mint(Algorithm::Es256, &good_claims()).unwrap());
    let verdict = rig.request(&*filter, &mut exchange);
    publish(&source, "k1");
    source.end_fetch();
    let Resume::Again(_, again) = resumed(verdict) else { panic!("it does not look again") };
    assert_eq!(shown(&rig.again(&*filter, &mut exchange, again)), "continue");
    // A key that came after a rotation.
    let mut rotated = bearing(&es256("k2").mint(Algorithm::Es256, &good_claims()).unwrap());
    let verdict = rig.request(&*filter, &mut rotated);
    publish(&source, "k2");
    source.end_fetch();
    let Resume::Again(_, again) = resumed(verdict) else { panic!("it does not look again") };
    assert_eq!(shown(&rig.again(&*filter, &mut rotated, again)), "continue");
    // The old key is gone, and what was remembered of its tokens with it.
    let Verdict::Suspend(_) = rig.request(&*filter, &mut exchange) else { panic!("still known") };
    assert_eq!(
        shown(&rig.again(&*filter, &mut exchange, Again::default())),
        "401 auth.invalid problem"
    );
}

#[test]
fn nobody_is_asked_for_the_key_of_a_token_that_is_refused_all_the_same() {
    let (filter, source) = fetched(&mut Bench::new(FILTERS));
    publish(&source, "k1");
    let unknown = |claims| bearing(&es256("k2").mint(Algorithm::Es256, &claims).unwrap());
    let mut other = unknown(claims(json!({"aud": "other"})));
    assert_eq!(shown(&Rig::new().request(&*filter, &mut other)), "401 auth.invalid problem");
    let verdict = Rig::new().request(&*filter, &mut unknown(good_claims()));
    assert!(matches!(verdict, Verdict::Suspend(_)), "{verdict:?}");
}

#[test]
fn without_keys_nobody_passes() {
    let (filter, _source) = fetched(&mut Bench::new(FILTERS));
    let mut rig = Rig::new();
    let mut exchange = bearing(&es256("k1").mint(Algorithm::Es256, &good_claims()).unwrap());
    let verdict = rig.again(&*filter, &mut exchange, Again::default());
    assert_eq!(shown(&verdict), "503 auth.keys_unavailable problem");
    assert!(exchange.identity.is_none());
    // What is no good token whatever its key is told so at once.
    assert_eq!(shown(&rig.request(&*filter, &mut bearing("x"))), "401 auth.invalid problem");
}

#[test]
fn offline_everything_but_the_signature_is_checked() {
    let (filter, _source) = fetched(&mut Bench::new(FILTERS));
    let mut rig = Rig { offline: true, ..Rig::new() };
    let forged = |claims| bearing(&es256("k1").mint(Algorithm::Es256, &claims).unwrap());
    let mut exchange = forged(good_claims());
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    assert!(rig.notes[0].contains("the signature was not checked"), "{:?}", rig.notes);
    assert_eq!(&*exchange.identity.unwrap().subject, "alice");
    let other = forged(claims(json!({"aud": "other"})));
    let mut other = other;
    assert_eq!(shown(&rig.request(&*filter, &mut other)), "401 auth.invalid problem");
}

#[test]
fn filters_of_one_issuer_share_its_keys() {
    let mut bench = Bench::new(FILTERS);
    let (first, source) = fetched(&mut bench);
    bench.tasks.clear();
    let (second, same) = fetched(&mut bench);
    assert!(Arc::ptr_eq(&source, &same));
    publish(&source, "k1");
    let token = es256("k1").mint(Algorithm::Es256, &good_claims()).unwrap();
    for filter in [first, second] {
        assert_eq!(shown(&Rig::new().request(&*filter, &mut bearing(&token))), "continue");
    }
}

#[test]
fn keys_come_from_files_and_texts() {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    let mut bench = Bench::new(FILTERS);
    bench.files.insert("/k/ed.pem", pem.to_owned());
    bench.files.insert("/k/set.json", json!({"keys": [private_jwk("RFC 7515 A.3")]}).to_string());
    let keys = Node::seq([
        texts(&[("public_key", "/k/ed.pem"), ("id", "ed")]),
        texts(&[("jwks", "/k/set.json")]),
        texts(&[("secret", "base64:YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb3I=")]),
    ]);
    let filter = bench.build("jwt", Node::map([("keys", keys)])).unwrap();
    let ed = private_key("RFC 8037 A.4").named("ed");
    for (key, algorithm) in
        [(ed, Algorithm::EdDsa), (es256("x"), Algorithm::Es256), (key(), Algorithm::Hs256)]
    {
        let token = key.mint(algorithm, &good_claims()).unwrap();
        assert_eq!(shown(&Rig::new().request(&*filter, &mut bearing(&token))), "continue");
    }
    let inline = Node::map([("keys", Node::seq([texts(&[("public_key", pem)])]))]);
    assert!(bench.build("jwt", inline).is_ok());
}

#[test]
fn mistakes_are_told() {
    let mut bench = Bench::new(FILTERS);
    let mut told = |node: Node, expected: &str| {
        let told = bench.mistakes("jwt", node);
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("short!"), "the secret is shown: {told}");
    };
    told(Node::map::<&str>([]), "does not know whose tokens");
    told(texts(&[("issuer", "id.example.com")]), "keys cannot be fetched");
    told(texts(&[("issuer", "http://id.example.com")]), "write an https:// URL");
    told(texts(&[("jwks", "http://10.0.0.1/keys")]), "write an https:// URL");
    told(spec(vec![("jwks", Node::text("https://a/"))]), "`jwks` and `keys` are both there");
    told(spec(vec![("realm", Node::text("a\"b"))]), "a realm cannot hold");
    told(spec(vec![("forward_claims", texts(&[("Host", "sub")]))]), "cannot be set from a claim");
    told(spec(vec![("from", texts(&[("cookie", "a b")]))]), "is not a name");
    let with_key = |key: Node| Node::map([("keys", Node::seq([key]))]);
    told(with_key(texts(&[("secret", "short!")])), "too short");
    told(with_key(texts(&[("secret", "base64:short!")])), "no base64");
    told(with_key(texts(&[("id", "a")])), "a key is one of");
    told(with_key(texts(&[("public_key", "/nowhere")])), "cannot read /nowhere");
    told(with_key(texts(&[("jwks", "{\"keys\":[{\"kty\":\"X\"}]}")])), "none of its keys");
    let hs = Node::map([("issuer", Node::text("https://a")), ("algorithms", list(&["HS256"]))]);
    told(hs, "needs a secret");
    told(
        Node::map([("issuer", Node::text("https://a")), ("algorithms", list(&["none"]))]),
        "`none` is not",
    );
}

#[test]
fn tokens_for_everybody_are_warned_of() {
    let node = texts(&[("issuer", "https://id.example.com")]);
    let (filter, warnings) = Bench::new(FILTERS).build_with_warnings("jwt", node);
    assert!(filter.is_some());
    assert!(warnings[0].message.contains("any audience"));
}
