use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_filter::testing::{Rig, list, texts};
use portunus_spec::Node;
use sfv::{Dictionary, ListEntry, Parser};

use super::*;
use crate::fixture::*;
use crate::signature::SignatureInput;
use crate::signature::tests::vectors::{
    BODY, ED25519, HEADERS, RSA_PSS, SECRET as RFC_SECRET, VECTORS,
};

const SECRET: &[u8] = b"a secret of more than sixteen bytes";
const ALL: &str = r#""@method" "@target-uri""#;

/// Signs a request as a client does that has the secret.
fn signed(mut exchange: Exchange, covered: &str, params: &str) -> Exchange {
    let input = format!("({covered}){params}");
    let dictionary: Dictionary = Parser::new(&format!("sig={input}")).parse().unwrap();
    let ListEntry::InnerList(list) = &dictionary["sig"] else { panic!("{input}") };
    let text = base(&SignatureInput::of(list).unwrap(), &message(&exchange)).unwrap();
    let signature = STANDARD.encode(sign(&Key::new(HMAC_SHA256, SECRET), &text));
    let headers = &mut exchange.request.headers;
    headers.append(b"Signature-Input", format!("sig={input}").as_bytes());
    headers.append(b"Signature", format!("sig=:{signature}:").as_bytes());
    exchange
}

fn params(more: &str) -> String {
    format!(";created={NOW_S};keyid=\"robot\"{more}")
}

fn get() -> Exchange {
    request("GET /orders/7?x=1", &[("Date", "today")])
}

fn worker() -> Rig {
    rig(vec![(secret("robot", SECRET), None)])
}

fn verdict(filter: &dyn Filter, mut exchange: Exchange) -> String {
    let verdict = worker().request(filter, &mut exchange);
    told(&verdict, &exchange)
}

#[test]
fn a_signature_of_a_consumer_tells_who_it_is() {
    let filter = build("hmac", Node::default());
    let mut exchange = signed(get(), ALL, &params(""));
    let verdict = worker().request(&*filter, &mut exchange);
    assert_eq!(told(&verdict, &exchange), "hmac/acme");
    assert_eq!(&*exchange.identity.unwrap().subject, "robot");
}

#[test]
fn the_method_and_the_whole_target_must_be_signed() {
    let filter = build("hmac", Node::default());
    for (line, covered, fine) in [
        ("GET /a?x=1", r#""@method" "@target-uri""#, true),
        ("GET /a?x=1", r#""@target-uri" "date" "@method""#, true),
        ("GET /a?x=1", r#""@method" "@authority" "@path" "@query""#, true),
        ("GET /a?x=1", r#""@method" "@authority" "@request-target""#, true),
        ("GET /a", r#""@method" "@authority" "@path""#, true),
        ("GET /a?", r#""@method" "@authority" "@path""#, false),
        ("GET /a?x=1", r#""@method" "@authority" "@path""#, false),
        ("GET /a?x=1", r#""@method" "@authority" "@path" "@query-param";name="x""#, false),
        ("GET /a?x=1", r#""@method" "@path" "@query""#, false),
        ("GET /a?x=1", r#""@target-uri""#, false),
        ("GET /a?x=1", "", false),
    ] {
        let exchange = signed(request(line, &[("Date", "today")]), covered, &params(""));
        let expected = if fine { "hmac/acme" } else { "401 auth.invalid" };
        assert_eq!(verdict(&*filter, exchange), expected, "{line} {covered}");
    }
}

#[test]
fn other_components_can_be_asked_for() {
    for (wanted, covered, fine) in [
        (&["date"][..], r#""date""#, true),
        (&["date"], r#""date";bs"#, true),
        (&["date"], r#""@method""#, false),
        (&["date", "@method"], r#""@method" "date""#, true),
        (&[r#""@query-param";name="x""#], r#""@query-param";name="x""#, true),
        (&[r#""@query-param";name="x""#], r#""@query""#, false),
        (&[], "", true),
    ] {
        let filter = build("hmac", Node::map([("components", list(wanted))]));
        let expected = if fine { "hmac/acme" } else { "401 auth.invalid" };
        let exchange = signed(get(), covered, &params(""));
        assert_eq!(verdict(&*filter, exchange), expected, "{wanted:?} {covered}");
        assert_eq!(filter.interest().request_body, BodyNeed::None);
    }
}

#[test]
fn what_is_tampered_with_does_not_fit() {
    let filter = build("hmac", Node::default());
    let fine = || signed(get(), r#""@method" "@target-uri" "date""#, &params(""));
    assert_eq!(verdict(&*filter, fine()), "hmac/acme");
    let changes: [fn(&mut Exchange); 9] = [
        |it| it.request.set_method(b"PUT"),
        |it| it.request.headers.set(b"Date", b"tomorrow"),
        |it| it.request.headers.append(b"Date", b"today"),
        |it| _ = it.request.headers.remove(b"Date"),
        |it| it.request.headers.set(b"Host", b"other.example.com"),
        |it| it.client.scheme = portunus_exchange::Scheme::Https,
        |it| it.target.1 = Some(it.request.headers.store(b"x=2")),
        |it| it.target.0 = it.request.headers.store(b"/orders/8"),
        |it| {
            let input = it.request.headers.value(b"signature-input").unwrap().to_vec();
            let other = String::from_utf8(input).unwrap().replace("robot\"", "robot\";tag=\"x\"");
            it.request.headers.set(b"signature-input", other.as_bytes());
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut exchange = fine();
        change(&mut exchange);
        assert_eq!(verdict(&*filter, exchange), "401 auth.invalid", "change {at}");
    }
    let mut rewritten = fine();
    rewritten.request.set_path(b"/internal");
    rewritten.request.set_query(None);
    assert_eq!(verdict(&*filter, rewritten), "hmac/acme", "a filter before it rewrote the path");
}

#[test]
fn a_signature_is_young() {
    let filter = build("hmac", texts(&[("window", "1m"), ("leeway", "5s")]));
    for (created, more, expected) in [
        (Some(0), "", "hmac/acme"),
        (Some(-60), "", "hmac/acme"),
        (Some(-61), "", "401 auth.expired"),
        (Some(5), "", "hmac/acme"),
        (Some(6), "", "401 auth.invalid"),
        (None, "", "401 auth.invalid"),
        (Some(0), ";expires=1800000000", "hmac/acme"),
        (Some(0), ";expires=1799999999", "401 auth.expired"),
        (Some(-61), ";expires=1900000000", "401 auth.expired"),
        (Some(i64::from(i32::MIN)), "", "401 auth.expired"),
    ] {
        let created = created.map(|by| format!(";created={}", NOW_S as i64 + by));
        let params = format!("{};keyid=\"robot\"{more}", created.unwrap_or_default());
        let exchange = signed(get(), ALL, &params);
        assert_eq!(verdict(&*filter, exchange), expected, "{params}");
    }
}

#[test]
fn keys_and_labels_are_looked_for() {
    for (node, params, expected) in [
        (Node::default(), r#";created=1800000000;keyid="nobody""#, "401 auth.invalid"),
        (Node::default(), ";created=1800000000", "401 auth.invalid"),
        (Node::default(), r#";created=1800000000;keyid="robot";alg="hmac-sha256""#, "hmac/acme"),
        (Node::default(), r#";created=1800000000;keyid="robot";alg="ed25519""#, "401 auth.invalid"),
        (Node::default(), r#";created=1800000000;keyid="robot";alg="none""#, "401 auth.invalid"),
        (texts(&[("label", "sig")]), r#";created=1800000000;keyid="robot""#, "hmac/acme"),
        (texts(&[("label", "other")]), r#";created=1800000000;keyid="robot""#, "401 auth.invalid"),
        (texts(&[("tag", "app")]), r#";created=1800000000;keyid="robot";tag="app""#, "hmac/acme"),
        (
            texts(&[("tag", "app")]),
            r#";created=1800000000;keyid="robot";tag="x""#,
            "401 auth.invalid",
        ),
        (texts(&[("tag", "app")]), r#";created=1800000000;keyid="robot""#, "401 auth.invalid"),
    ] {
        let filter = build("hmac", node);
        assert_eq!(verdict(&*filter, signed(get(), ALL, params)), expected, "{params}");
    }
    let filter = build("hmac", Node::default());
    assert_eq!(verdict(&*filter, get()), "401 auth.missing");
    assert_eq!(verdict(&*build("hmac", texts(&[("optional", "true")])), get()), "nobody");
    let mut expired = rig(vec![(secret("robot", SECRET), Some(NOW_S))]);
    let mut exchange = signed(get(), ALL, &params(""));
    let verdict = expired.request(&*filter, &mut exchange);
    assert_eq!(told(&verdict, &exchange), "401 auth.expired");
    let mut weak = rig(vec![(secret("robot", b""), None)]);
    let verdict = weak.request(&*filter, &mut signed(get(), ALL, &params("")));
    assert_eq!(told(&verdict, &exchange), "401 auth.invalid", "an empty secret is no key");
}

#[test]
fn a_nonce_is_taken_once_also_after_a_reload() {
    let mut bench = bench();
    let filter = bench.build("hmac", Node::default()).unwrap();
    let with = |nonce: &str| signed(get(), ALL, &params(&format!(";nonce=\"{nonce}\"")));
    assert_eq!(verdict(&*filter, with("a")), "hmac/acme");
    assert_eq!(verdict(&*filter, with("a")), "401 auth.invalid");
    assert_eq!(verdict(&*filter, with("b")), "hmac/acme");
    assert_eq!(verdict(&*filter, signed(get(), ALL, &params(""))), "hmac/acme", "none is needed");
    let reloaded = bench.build("hmac", texts(&[("nonce", "required")])).unwrap();
    assert_eq!(verdict(&*reloaded, with("a")), "401 auth.invalid");
    assert_eq!(verdict(&*reloaded, with("c")), "hmac/acme");
    let without = signed(get(), ALL, &params(""));
    assert_eq!(verdict(&*reloaded, without), "401 auth.invalid", "one is needed");
    let ignoring = build("hmac", texts(&[("nonce", "ignored")]));
    for _ in 0..2 {
        assert_eq!(verdict(&*ignoring, with("a")), "hmac/acme");
    }
}

#[test]
fn a_stricter_filter_may_follow() {
    let mut bench = bench();
    let first = bench.build("hmac", Node::default()).unwrap();
    let second = bench.build("hmac", texts(&[("nonce", "required")])).unwrap();
    let mut rig = worker();
    let mut exchange = signed(get(), ALL, &params(";nonce=\"a\""));
    for filter in [&first, &second] {
        let verdict = rig.request(&**filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), "hmac/acme");
    }
    let again = signed(get(), ALL, &params(";nonce=\"a\""));
    assert_eq!(verdict(&*second, again), "401 auth.invalid");
}

#[test]
fn a_bad_signature_and_an_explanation_take_no_nonce() {
    let filter = build("hmac", Node::default());
    let with = || signed(get(), ALL, &params(";nonce=\"a\""));
    let mut tampered = with();
    tampered.request.set_method(b"PUT");
    assert_eq!(verdict(&*filter, tampered), "401 auth.invalid");
    let mut explaining = worker();
    explaining.offline = true;
    let mut exchange = with();
    let explained = explaining.request(&*filter, &mut exchange);
    assert_eq!(told(&explained, &exchange), "hmac/acme");
    assert_eq!(verdict(&*filter, with()), "hmac/acme");
}

#[test]
fn a_full_table_of_nonces_lets_nobody_in() {
    let filter = build("hmac", texts(&[("nonces_max", "1")]));
    let with = |at: usize| signed(get(), ALL, &params(&format!(";nonce=\"{at}\"")));
    let verdicts: Vec<_> = (0..17).map(|at| verdict(&*filter, with(at))).collect();
    assert!(verdicts[..16].iter().all(|it| it == "hmac/acme"));
    assert_eq!(verdicts[16], "503 auth.busy");
}

#[test]
fn the_body_is_that_of_its_digest() {
    let filter = build("hmac", texts(&[("body_max", "1KiB")]));
    assert_eq!(filter.interest().request_body, BodyNeed::Buffered(1024));
    let digest_of =
        |body: &str| format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body.as_bytes())));
    let all = format!("{ALL} \"content-digest\"");
    for (told_body, covered, body, expected) in [
        (Some("hello"), all.as_str(), "hello", "hmac/acme"),
        (Some("hello"), &all, "hell0", "401 auth.invalid"),
        (Some("hello"), &all, "", "401 auth.invalid"),
        (Some("hello"), ALL, "hello", "401 auth.invalid"),
        (None, ALL, "hello", "401 auth.invalid"),
        (None, ALL, "", "hmac/acme"),
        (Some(""), &all, "", "hmac/acme"),
    ] {
        let digest = told_body.map(digest_of);
        let lines: Vec<_> = digest.iter().map(|it| ("Content-Digest", it.as_str())).collect();
        let mut exchange = signed(request("POST /", &lines), covered, &params(""));
        let mut rig = worker();
        assert!(matches!(rig.request(&*filter, &mut exchange), Verdict::Continue));
        assert!(filter.needs_body(Way::Request, &exchange));
        let verdict = rig.body(&*filter, &mut exchange, body);
        assert_eq!(told(&verdict, &exchange), expected, "{told_body:?} {covered} {body:?}");
    }
    let optional = build("hmac", texts(&[("optional", "true")]));
    let mut unsigned = request("POST /", &[]);
    let mut rig = worker();
    rig.request(&*optional, &mut unsigned);
    assert!(!optional.needs_body(Way::Request, &unsigned), "nobody signed: nothing is held");
    assert!(matches!(rig.body(&*optional, &mut unsigned, "any"), Verdict::Continue));
}

#[test]
fn own_keys_and_the_vectors_of_the_standard() {
    let key = |kind: &str, text: &str| Node::map([(kind, Node::text(text))]);
    let keys = Node::map([
        ("test-key-rsa-pss", key("public", RSA_PSS)),
        ("test-key-ed25519", key("public", ED25519)),
        ("test-shared-secret", key("secret", &format!("base64:{RFC_SECRET}"))),
    ]);
    let filter =
        build("hmac", Node::map([("keys", keys), ("components", list(&["content-digest"]))]));
    for vector in VECTORS.iter().filter(|it| it.host == "example.com") {
        let mut exchange = request("POST /foo?param=Value&Pet=dog", HEADERS);
        exchange.request.headers.set(b"Host", b"example.com");
        exchange.client.scheme = portunus_exchange::Scheme::Https;
        let (label, _) = vector.input.split_once('=').unwrap();
        let signature = format!("{label}=:{}:", vector.signature);
        exchange.request.headers.append(b"Signature-Input", vector.input.as_bytes());
        exchange.request.headers.append(b"Signature", signature.as_bytes());
        let mut rig = worker();
        rig.wall = portunus_base::Wall(1_618_884_500_000_000);
        let verdict = rig.request(&*filter, &mut exchange);
        assert!(told(&verdict, &exchange).starts_with("hmac/test-"), "{}", vector.input);
        let body = std::str::from_utf8(BODY).unwrap();
        let verdict = rig.body(&*filter, &mut exchange, body);
        let covered = vector.input.contains("content-digest");
        assert_eq!(matches!(verdict, Verdict::Continue), covered, "{}", vector.input);
    }
}

#[test]
fn a_key_may_be_bound_to_one_algorithm() {
    let key = |algorithm: &str| {
        let rsa = [("public", Node::text(RSA_PSS)), ("algorithm", Node::text(algorithm))];
        Node::map([("keys", Node::map([("k", Node::map(rsa))]))])
    };
    assert!(bench().build("hmac", key("rsa-v1_5-sha256")).is_ok());
    let wrong = bench().mistakes("hmac", key("hmac-sha256"));
    assert!(wrong.contains("rsa-pss-sha512 or rsa-v1_5-sha256"), "{wrong}");
}

#[test]
fn mistakes_are_told() {
    let key = |entries: &[(&str, &str)]| Node::map([("keys", Node::map([("k", texts(entries))]))]);
    for (node, expected) in [
        (key(&[]), "either `secret` or `public`"),
        (key(&[("secret", "0123456789abcdef"), ("public", "x")]), "either `secret` or `public`"),
        (key(&[("secret", "short")]), "shorter than 16 bytes"),
        (key(&[("secret", "base64:c2hvcnQ=")]), "shorter than 16 bytes"),
        (key(&[("secret", "base64:*")]), "not base64"),
        (key(&[("public", "no key")]), "no public key"),
        (Node::map([("components", list(&["Date", "@status"]))]), "`@status` is no component"),
        (texts(&[("window", "0s")]), "one second to a day"),
        (texts(&[("window", "2d")]), "one second to a day"),
        (texts(&[("nonce", "maybe")]), "one of required"),
    ] {
        let found = bench().mistakes("hmac", node);
        assert!(found.contains(expected), "{found}");
        assert!(!found.contains("c2hvcnQ"), "a secret is not shown: {found}");
    }
}
