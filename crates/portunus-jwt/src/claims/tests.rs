use super::*;
use crate::tests::map;
use portunus_filter::testing::{exchange, lines};
use portunus_identity::{Consumer, CredentialKind};
use portunus_spec::{NoLookup, Span};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

fn rule(consumer_claim: Option<&str>) -> IdentityRule {
    let consumer_claim = consumer_claim.map(str::to_owned);
    let groups_claim = "groups".to_owned();
    IdentityRule { method: "jwt", consumer_claim, groups_claim, consumers_only: false }
}

/// Two consumers, and a credential that a claim proves.
fn consumers(not_after: Option<Wall>) -> Consumers {
    let mut table = Consumers::builder();
    for name in ["acme", "other"] {
        let groups = [name.into(), "all".into()].into();
        let consumer =
            Consumer { id: name.into(), name: name.into(), groups, ..Consumer::default() };
        table.consumer(Arc::new(consumer));
    }
    let table = table.build();
    let mut builder = Consumers::builder();
    for consumer in table.iter() {
        builder.consumer(Arc::clone(consumer));
    }
    let consumer = Arc::clone(table.by_name("acme").unwrap());
    let claim = |issuer: Option<&str>, value: &str| CredentialKind::Claim {
        issuer: issuer.map(Box::from),
        claim: "client_id".into(),
        value: value.into(),
    };
    let kind = claim(Some("https://a"), "c2");
    let of_one = Arc::clone(&consumer);
    builder.credential(Credential { id: "of a".into(), consumer: of_one, kind, not_after: None });
    let kind = claim(None, "c1");
    builder.credential(Credential { id: "acme-claim".into(), consumer, kind, not_after });
    builder.build()
}

fn identity(rule: &IdentityRule, claims: Value, not_after: Option<Wall>) -> Identity {
    judged(rule, claims, not_after).unwrap()
}

fn judged(rule: &IdentityRule, claims: Value, not_after: Option<Wall>) -> Result<Identity, Fault> {
    rule.identity(map(claims), Some(Wall(900)), &consumers(not_after), Wall(100))
}

#[test]
fn a_token_says_who_asks() {
    let claims =
        json!({"sub": "alice", "jti": "j1", "scope": "read write", "groups": ["g1", "g2", "g1"]});
    let found = identity(&rule(None), claims.clone(), None);
    assert_eq!((found.method, &*found.subject, &*found.credential), ("jwt", "alice", "j1"));
    assert_eq!(&*found.groups, &["g1".into(), "g2".into()]);
    assert_eq!(&*found.scopes, &["read".into(), "write".into()]);
    assert_eq!((found.expires, found.consumer), (Some(Wall(900)), None));
    assert_eq!(Value::Object(found.claims), claims);
    let found = identity(&rule(None), json!({"client_id": "x", "groups": "g1"}), None);
    assert_eq!((&*found.subject, &*found.groups), ("x", &["g1".into()][..]));
}

#[test]
fn a_consumer_is_found_by_a_credential_then_by_name() {
    let by_claim = json!({"client_id": "c1", "azp": "other", "groups": ["g1", "all"]});
    let found = identity(&rule(Some("azp")), by_claim, Some(Wall(500)));
    assert_eq!((found.name(), &*found.credential), ("acme", "acme-claim"));
    assert_eq!(&*found.groups, &["acme".into(), "all".into(), "g1".into()]);
    assert_eq!(found.expires, Some(Wall(500)));
    let found = identity(&rule(Some("azp")), json!({"azp": "other"}), None);
    assert_eq!((found.name(), &*found.credential), ("other", ""));
    let unknown = identity(&rule(Some("azp")), json!({"azp": "nobody", "sub": "s"}), None);
    assert_eq!((unknown.name(), unknown.consumer.is_none()), ("s", true));
    // A list, a number or nothing names nobody.
    for azp in [json!(["other"]), json!(1), json!(null)] {
        assert!(identity(&rule(Some("azp")), json!({"azp": azp}), None).consumer.is_none());
    }
}

#[test]
fn a_credential_past_its_life_lets_nobody_in() {
    for rule in [rule(None), rule(Some("azp"))] {
        let claims = json!({"client_id": "c1", "azp": "other"});
        let found = judged(&rule, claims.clone(), Some(Wall(100)));
        assert_eq!(found.unwrap_err(), Fault::CredentialExpired);
        assert_eq!(judged(&rule, claims, Some(Wall(101))).unwrap().name(), "acme");
    }
}

#[test]
fn a_credential_of_one_issuer_is_none_of_another() {
    let name = |claims: Value| identity(&rule(None), claims, None).name().to_owned();
    assert_eq!(name(json!({"sub": "s", "client_id": "c2", "iss": "https://a"})), "acme");
    assert_eq!(name(json!({"sub": "s", "client_id": "c2", "iss": "https://b"})), "s");
    assert_eq!(name(json!({"sub": "s", "client_id": "c2"})), "s");
}

#[test]
fn where_only_consumers_are_let_through_others_are_not() {
    let rule = IdentityRule { consumers_only: true, ..rule(Some("azp")) };
    let judge = |claims: Value| judged(&rule, claims, None).map(|found| found.name().to_owned());
    assert_eq!(judge(json!({"client_id": "c1"})).as_deref(), Ok("acme"));
    assert_eq!(judge(json!({"azp": "other"})).as_deref(), Ok("other"));
    assert_eq!(judge(json!({"sub": "s"})), Err(Fault::NoConsumer));
}

fn forwarded(headers: &[(&str, &str)]) -> Option<ForwardedClaims> {
    let name = |name: &str| Spanned::new(Span::NONE, name.to_owned());
    let headers = headers.iter().map(|(header, claim)| (name(header), (*claim).to_owned()));
    ForwardedClaims::build(&Named(headers.collect()), &mut Reader::new(&NoLookup))
}

#[test]
fn claims_become_headers() {
    let forward = forwarded(&[("X-User", "sub"), ("X-Roles", "realm.roles")]).unwrap();
    let told = |claims: Value| {
        let mut exchange = exchange("GET /");
        set_headers(&forward.ready(&map(claims)), &mut exchange);
        lines(&exchange.request.headers).replace("Host: shop.example.com:8080", "")
    };
    let both = json!({"sub": "alice", "realm": {"roles": ["a", 1, true]}});
    assert_eq!(told(both), "; X-User: alice; X-Roles: a, 1, true");
    assert_eq!(told(json!({"sub": 7})), "; X-User: 7");
    assert_eq!(told(json!({"sub": {"a": [1]}})), "; X-User: {\"a\":[1]}");
    assert_eq!(told(json!({"sub": [{"a": 1}]})), "; X-User: [{\"a\":1}]");
    assert_eq!(told(json!({"sub": "zoë"})), "; X-User: zoë");
    for bad in [json!("a\r\nX-Admin: 1"), json!("a\u{0}"), json!(""), json!(" a"), json!(null)] {
        assert_eq!(told(json!({"sub": bad})), "");
    }
    assert_eq!(told(json!({"realm": {"roles": ["a,b", "c"]}})), "");
}

#[test]
fn what_the_client_says_under_these_names_is_removed() {
    let forward = forwarded(&[("X-User", "sub"), ("X-Two-Parts", "b")]).unwrap();
    let mut exchange = exchange("GET /");
    for name in ["X-User", "x-user", "X_User", "x_two-parts", "X-Two_Parts", "X-Users", "XUser"] {
        exchange.request.headers.append(name.as_bytes(), b"evil");
    }
    forward.remove_copies(&mut exchange);
    let left = "Host: shop.example.com:8080; X-Users: evil; XUser: evil";
    assert_eq!(lines(&exchange.request.headers), left);
}

#[test]
fn headers_of_others_cannot_be_set() {
    for name in ["", "X User", "Host", "authorization", "X-Consumer-Id", "Content-Length"] {
        assert!(forwarded(&[(name, "sub")]).is_none(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_claim_breaks_out_of_a_header(value in ".*", list in prop::collection::vec(".*", 0..4)) {
        let forward = forwarded(&[("X-A", "a"), ("X-B", "b")]).unwrap();
        for (_, value) in forward.ready(&map(json!({"a": value, "b": list}))) {
            prop_assert!(is_field_value(&value));
        }
    }
}
