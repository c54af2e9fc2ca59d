use std::rc::Rc;

use portunus_base::TlsFacts;
use portunus_filter::testing::{list, texts};
use portunus_identity::CertificateMatch;
use portunus_spec::Node;
use proptest::prelude::*;

use super::*;
use crate::fixture::*;
use crate::signature::tests::vectors::HEADERS;

fn robot() -> ClientCertificate {
    ClientCertificate {
        subject: "CN=robot,O=Example".into(),
        issuer: "CN=Example CA".into(),
        dns_names: ["a.b.Example.com".into(), "robot.example.com".into()].into(),
        uris: ["spiffe://example.org/ns/prod/robot".into()].into(),
        fingerprint_sha256: "ab".repeat(32).into(),
        not_after_s: NOW_S as i64 + 10,
        ..ClientCertificate::default()
    }
}

fn shown_by(certificate: ClientCertificate) -> Exchange {
    let mut exchange = request("GET /", &[]);
    let client = Some(certificate);
    exchange.tls = Some(Rc::new(TlsFacts { client, ..TlsFacts::default() }));
    exchange
}

fn verdict(node: Node, exchange: &mut Exchange) -> String {
    let mut rig = rig(Vec::new());
    let verdict = rig.request(&*build("mtls", node), exchange);
    told(&verdict, exchange)
}

fn required(entries: &[(&str, &[&str])]) -> Node {
    let lists = entries.iter().map(|(name, texts)| (*name, list(texts)));
    Node::map([("require", Node::map(lists))])
}

#[test]
fn certificates_must_have_what_is_required() {
    let upper = "AB:".repeat(32);
    let upper = upper.trim_end_matches(':');
    for (require, fits) in [
        (vec![], true),
        (vec![("subject", &["CN=other", "CN=robot,O=Example"][..])], true),
        (vec![("subject", &["CN=robot*"])], true),
        (vec![("subject", &["CN=robot"])], false),
        (vec![("subject", &["*robot"])], false),
        (vec![("issuer", &["CN=Example CA"])], true),
        (vec![("issuer", &["CN=Other CA"])], false),
        (vec![("dns", &["*.example.com"])], true),
        (vec![("dns", &["ROBOT.example.com"])], true),
        (vec![("dns", &["*.com"])], false),
        (vec![("dns", &["example.com"])], false),
        (vec![("uri", &["spiffe://example.org/ns/prod/*"])], true),
        (vec![("uri", &["spiffe://example.org/*/robot"])], true),
        (vec![("uri", &["spiffe://example.org/ns/prod"])], false),
        (vec![("fingerprint", &[upper])], true),
        (
            vec![(
                "fingerprint",
                &["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"],
            )],
            false,
        ),
        (vec![("subject", &["CN=robot*"]), ("issuer", &["CN=Example*"])], true),
        (vec![("subject", &["CN=robot*"]), ("issuer", &["CN=Other*"])], false),
    ] {
        let expected = if fits { "mtls/CN=robot,O=Example" } else { "401 auth.invalid" };
        assert_eq!(verdict(required(&require), &mut shown_by(robot())), expected, "{require:?}");
    }
}

#[test]
fn without_a_certificate_nobody_is_known() {
    assert_eq!(verdict(Node::default(), &mut request("GET /", &[])), "401 auth.missing");
    let mut lying = request("GET /", &[("Client-Cert", HEADERS[4].1)]);
    assert_eq!(verdict(Node::default(), &mut lying), "401 auth.missing");
    assert_eq!(verdict(texts(&[("trusted_header", "true")]), &mut lying), "401 auth.missing");
    let optional = texts(&[("optional", "true")]);
    assert_eq!(verdict(optional, &mut request("GET /", &[])), "nobody");
}

#[test]
fn certificates_of_consumers_are_theirs() {
    let wanted = CertificateMatch::Uri("spiffe://example.org/ns/prod/robot".into());
    let known = vec![(certificate(wanted), None)];
    let mut rig = rig(known);
    for (consumers_only, change, expected) in [
        ("true", None, "mtls/acme"),
        ("false", None, "mtls/acme"),
        ("true", Some("spiffe://other"), "401 auth.invalid"),
        ("false", Some("spiffe://other"), "mtls/CN=robot,O=Example"),
    ] {
        let mut certificate = robot();
        certificate.uris = change.map_or(certificate.uris, |uri| [uri.into()].into());
        let mut exchange = shown_by(certificate);
        let filter = build("mtls", texts(&[("consumers_only", consumers_only)]));
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected, "{consumers_only} {change:?}");
    }
}

#[test]
fn what_a_certificate_says_can_be_asked_for() {
    let mut exchange = shown_by(robot());
    verdict(Node::default(), &mut exchange);
    let identity = exchange.identity.unwrap();
    assert_eq!(identity.claim_text("issuer").as_deref(), Some("CN=Example CA"));
    assert_eq!(identity.claim("uri").unwrap()[0], "spiffe://example.org/ns/prod/robot");
    assert_eq!(identity.expires, Some(Wall((NOW_S + 10) * 1_000_000)));
}

#[test]
fn certificates_end() {
    let ended = ClientCertificate { not_after_s: NOW_S as i64 - 1, ..robot() };
    assert_eq!(verdict(Node::default(), &mut shown_by(ended)), "401 auth.expired");
    let wanted = CertificateMatch::Subject("CN=robot,O=Example".into());
    let mut rig = rig(vec![(certificate(wanted), Some(NOW_S))]);
    let mut exchange = shown_by(robot());
    let verdict = rig.request(&*build("mtls", Node::default()), &mut exchange);
    assert_eq!(told(&verdict, &exchange), "401 auth.expired");
}

#[test]
fn a_certificate_without_a_subject_goes_by_its_uri() {
    let nameless = ClientCertificate { subject: "".into(), ..robot() };
    let mut exchange = shown_by(nameless);
    assert_eq!(verdict(Node::default(), &mut exchange), "mtls/spiffe://example.org/ns/prod/robot");
}

/// The certificate of RFC 9440 ended in 2021, so here it is 2020.
#[test]
fn a_trusted_proxy_tells_the_certificate() {
    let told_by = |values: &[&str], trusted: bool| {
        let lines: Vec<_> = values.iter().map(|value| ("Client-Cert", *value)).collect();
        let mut exchange = request("GET /", &lines);
        exchange.client.trusted = trusted;
        exchange.tls = shown_by(robot()).tls;
        exchange
    };
    let cert = HEADERS[4].1;
    let cut = format!(":{}:", &cert[1..cert.len() - 9]);
    let filter = build("mtls", texts(&[("trusted_header", "true")]));
    for (values, trusted, expected) in [
        (&[cert][..], true, "mtls/CN=BC"),
        (&[cert], false, "mtls/CN=robot,O=Example"),
        (&[], true, "401 auth.missing"),
        (&[cert, cert], true, "401 auth.invalid"),
        (&[&cert[1..]], true, "401 auth.invalid"),
        (&[&cut], true, "401 auth.invalid"),
        (&["::"], true, "401 auth.invalid"),
    ] {
        let mut rig = rig(Vec::new());
        rig.wall = Wall(1_590_000_000_000_000);
        let mut exchange = told_by(values, trusted);
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected, "{values:?} {trusted}");
    }
}

#[test]
fn mistakes_are_told() {
    let short = bench().mistakes("mtls", required(&[("fingerprint", &["abcd"])]));
    assert!(short.contains("openssl x509"), "{short}");
}

proptest! {
    #[test]
    fn a_pattern_is_as_a_search_of_all_ways(
        pattern in "[ab.*]{0,7}",
        text in "[ab.]{0,8}",
        stops in prop::sample::select(vec![&b""[..], b"."]),
    ) {
        let expected = naive(pattern.as_bytes(), text.as_bytes(), stops);
        prop_assert_eq!(Pattern::new(&pattern, stops).fits(&text), expected);
    }
}

fn naive(pattern: &[u8], text: &[u8], stops: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => naive(rest, text, stops),
        (Some((b'*', rest)), Some((next, after))) => {
            naive(rest, text, stops) || (!stops.contains(next) && naive(pattern, after, stops))
        }
        (Some((one, rest)), Some((other, after))) => one == other && naive(rest, after, stops),
        _ => false,
    }
}
