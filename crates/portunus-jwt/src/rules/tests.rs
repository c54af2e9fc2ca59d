use super::*;
use crate::tests::*;
use proptest::prelude::*;
use serde_json::json;

fn check(rules: &Rules, claims: Value) -> Result<(), Fault> {
    rules.check(&map(claims), now())
}

#[test]
fn times_have_a_leeway() {
    let rules = Rules::default();
    let leeway = LEEWAY.as_secs();
    for (claims, expected) in [
        (json!({"exp": NOW + 1}), Ok(())),
        (json!({"exp": NOW - leeway + 1}), Ok(())),
        (json!({"exp": NOW - leeway}), Err(Fault::Expired)),
        (json!({"exp": 0}), Err(Fault::Expired)),
        (json!({"exp": -5}), Err(Fault::Expired)),
        (json!({"exp": NOW as f64 + 0.5}), Ok(())),
        (json!({"exp": 1e300}), Ok(())),
        (json!({"exp": u64::MAX}), Ok(())),
        (json!({"exp": (NOW + 1).to_string()}), Err(Fault::BadTime("exp"))),
        (json!({"exp": null}), Err(Fault::BadTime("exp"))),
        (json!({}), Err(Fault::NoExpiry)),
        (json!({"exp": NOW + 9, "nbf": NOW + leeway}), Ok(())),
        (json!({"exp": NOW + 99, "nbf": NOW + leeway + 1}), Err(Fault::NotYet)),
        (json!({"exp": NOW + 99, "nbf": "x"}), Err(Fault::BadTime("nbf"))),
        (json!({"exp": NOW + 99, "iat": NOW + leeway}), Ok(())),
        (json!({"exp": NOW + 99, "iat": NOW + leeway + 1}), Err(Fault::IssuedLater)),
        (json!({"exp": NOW + 99, "iat": {}}), Err(Fault::BadTime("iat"))),
    ] {
        assert_eq!(check(&rules, claims.clone()), expected, "{claims}");
    }
    let lax = Rules { needs_expiry: false, ..Rules::default() };
    assert_eq!(check(&lax, json!({})), Ok(()));
    assert_eq!(check(&lax, json!({"exp": 1})), Err(Fault::Expired));
    let strict = Rules { leeway: Duration::ZERO, ..Rules::default() };
    assert_eq!(check(&strict, json!({"exp": NOW})), Err(Fault::Expired));
    assert_eq!(check(&strict, json!({"exp": NOW + 9, "nbf": NOW + 1})), Err(Fault::NotYet));
}

#[test]
fn issuer_and_audience_must_fit() {
    let rules = Rules {
        issuer: Some("https://id.example.com".to_owned()),
        audiences: vec!["shop".to_owned(), "api".to_owned()],
        needs_expiry: false,
        ..Rules::default()
    };
    for (iss, aud, expected) in [
        (json!("https://id.example.com"), json!("shop"), Ok(())),
        (json!("https://id.example.com"), json!(["x", "api"]), Ok(())),
        (json!("https://id.example.com/"), json!("shop"), Err(Fault::Issuer)),
        (json!(["https://id.example.com"]), json!("shop"), Err(Fault::Issuer)),
        (json!(null), json!("shop"), Err(Fault::Issuer)),
        (json!("https://id.example.com"), json!("Shop"), Err(Fault::Audience)),
        (json!("https://id.example.com"), json!([]), Err(Fault::Audience)),
        (json!("https://id.example.com"), json!("shop api"), Err(Fault::Audience)),
        (json!("https://id.example.com"), json!({"shop": true}), Err(Fault::Audience)),
    ] {
        assert_eq!(check(&rules, json!({"iss": iss, "aud": aud})), expected, "{iss} {aud}");
    }
    assert_eq!(check(&rules, json!({"aud": "shop"})), Err(Fault::Issuer));
    assert_eq!(check(&rules, json!({"iss": "https://id.example.com"})), Err(Fault::Audience));
}

#[test]
fn claims_and_scopes_are_required() {
    let wanted = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Rules { needs_expiry: false, claims: vec![(name.to_owned(), values)], ..Rules::default() }
    };
    let fails = |name: &str| Err(Fault::Claim(name.into()));
    assert_eq!(check(&wanted("tenant", &["a", "b"]), json!({"tenant": "b"})), Ok(()));
    assert_eq!(check(&wanted("tenant", &["a"]), json!({"tenant": "b"})), fails("tenant"));
    assert_eq!(check(&wanted("tenant", &[]), json!({"tenant": {}})), Ok(()));
    assert_eq!(check(&wanted("tenant", &[]), json!({"tenant": null})), fails("tenant"));
    assert_eq!(check(&wanted("tenant", &[]), json!({})), fails("tenant"));
    assert_eq!(check(&wanted("groups", &["a"]), json!({"groups": ["x", "a"]})), Ok(()));
    assert_eq!(check(&wanted("verified", &["true"]), json!({"verified": true})), Ok(()));
    assert_eq!(check(&wanted("level", &["2"]), json!({"level": 2})), Ok(()));
    let nested = json!({"realm_access": {"roles": ["admin"]}});
    assert_eq!(check(&wanted("realm_access.roles", &["admin"]), nested), Ok(()));
    let url = json!({"https://example.com/roles": "a"});
    assert_eq!(check(&wanted("https://example.com/roles", &["a"]), url), Ok(()));

    let scopes = vec!["read".to_owned(), "write".to_owned()];
    let rules = Rules { needs_expiry: false, scopes, ..Rules::default() };
    for claims in [
        json!({"scope": "a write read"}),
        json!({"scope": ["read", "write"]}),
        json!({"scp": ["write", "read"]}),
        json!({"scp": "read write"}),
    ] {
        assert_eq!(check(&rules, claims), Ok(()));
    }
    for (claims, missing) in [
        (json!({}), "read"),
        (json!({"scope": "read"}), "write"),
        (json!({"scope": "read writes"}), "write"),
        (json!({"scope": 7}), "read"),
    ] {
        assert_eq!(check(&rules, claims), Err(Fault::Scope(missing.into())));
    }
}

#[test]
fn types_are_compared_without_case() {
    let rules = Rules { kind: Some("at+jwt".to_owned()), ..Rules::default() };
    assert_eq!(rules.check_kind(Some("AT+JWT")), Ok(()));
    assert_eq!(rules.check_kind(Some("application/at+jwt")), Ok(()));
    assert_eq!(rules.check_kind(Some("JWT")), Err(Fault::Type));
    assert_eq!(rules.check_kind(None), Err(Fault::Type));
    assert_eq!(Rules::default().check_kind(None), Ok(()));
}

proptest! {
    #[test]
    fn a_token_holds_exactly_until_its_end(exp in NOW - 100..NOW + 100, leeway in 0..60u64, at in NOW - 200..NOW + 200) {
        let rules = Rules { leeway: Duration::from_secs(leeway), ..Rules::default() };
        let claims = map(json!({"exp": exp}));
        let at = Wall(at * 1_000_000);
        let end = rules.end(&claims).unwrap();
        prop_assert_eq!(rules.check(&claims, at).is_ok(), at < end);
    }

    #[test]
    fn any_numbers_are_times(exp: f64, nbf: i64) {
        let _ = Rules::default().check(&map(json!({"exp": exp, "nbf": nbf})), now());
    }
}
