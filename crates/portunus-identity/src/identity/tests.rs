use serde_json::json;

use super::Identity;

fn identity() -> Identity {
    let claims = json!({
        "sub": "u-1", "n": 7, "a.b": "exact", "a": {"b": "deep", "c": {"d": true}}, "list": [1]
    });
    Identity { claims: claims.as_object().unwrap().clone(), ..Identity::default() }
}

#[test]
fn claims_are_found_by_name_and_by_steps() {
    let identity = identity();
    let text = |path| identity.claim_text(path).map(std::borrow::Cow::into_owned);
    assert_eq!(text("sub").as_deref(), Some("u-1"));
    assert_eq!(text("n").as_deref(), Some("7"));
    assert_eq!(text("a.b").as_deref(), Some("exact"));
    assert_eq!(text("a.c.d").as_deref(), Some("true"));
    assert_eq!(text("list"), None);
    assert_eq!(identity.claim("a.c.e"), None);
    assert_eq!(identity.claim(""), None);
    assert_eq!(identity.claim("sub.x"), None);
}

#[test]
fn the_name_is_the_consumers_where_there_is_one() {
    let mut identity = Identity { subject: "u-1".into(), ..Identity::default() };
    assert_eq!(identity.name(), "u-1");
    let acme = crate::Consumer { name: "acme".into(), ..Default::default() };
    identity.consumer = Some(acme.into());
    assert_eq!(identity.name(), "acme");
}
