use portunus_jwt::{Algorithm, Header};
use serde_json::json;

use super::*;

fn verified(claims: Value) -> Verified {
    let header = Header { algorithm: Algorithm::Rs256, key_id: None, kind: None };
    Verified { header, claims: claims.as_object().unwrap().clone() }
}

#[test]
fn an_id_token_is_of_this_login_and_for_us() {
    let check = |claims: Value| check(verified(claims), "shop", "n");
    assert_eq!(check(json!({"sub": "anna", "nonce": "n"})).unwrap()["sub"], "anna");
    assert!(check(json!({"sub": "anna", "nonce": "n", "azp": "shop"})).is_ok());
    assert_eq!(check(json!({"sub": "anna", "nonce": "m"})), Err(Refusal::Nonce));
    assert_eq!(check(json!({"sub": "anna"})), Err(Refusal::Nonce));
    let other = check(json!({"sub": "anna", "nonce": "n", "azp": "other"}));
    assert_eq!(other, Err(Refusal::IdToken("it was issued to another client")));
    let several = check(json!({"sub": "anna", "nonce": "n", "aud": ["shop", "other"]}));
    assert_eq!(several, Err(Refusal::IdToken("it was issued to another client")));
    assert!(check(json!({"sub": "anna", "nonce": "n", "aud": ["shop"]})).is_ok());
    let nobody = check(json!({"sub": "", "nonce": "n"}));
    assert_eq!(nobody, Err(Refusal::IdToken("it names no subject")));
}

#[test]
fn new_tokens_are_of_the_same_user() {
    let before = json!({"sub": "anna"});
    let again = |claims: Value| check_again(verified(claims), "shop", before.as_object().unwrap());
    assert!(again(json!({"sub": "anna"})).is_ok());
    assert!(again(json!({"sub": "bert"})).is_err());
    assert!(again(json!({})).is_err());
    assert!(again(json!({"sub": "anna", "azp": "other"})).is_err());
}

fn logout_token() -> Value {
    json!({"sub": "anna", "sid": "s", "iat": 1000, "events": {LOGOUT_EVENT: {}}})
}

fn logout_at(change: impl FnOnce(&mut Value), now: u64) -> Result<Logout, Refusal> {
    let mut claims = logout_token();
    change(&mut claims);
    logout(&verified(claims), now)
}

#[test]
fn a_logout_token_ends_a_session_or_all_of_a_user() {
    let want = Logout { sid: Some("s".to_owned()), subject: Some("anna".to_owned()), at: 1000 };
    assert_eq!(logout_at(|_| {}, 1000), Ok(want.clone()));
    assert_eq!(logout_at(|claims| claims["iat"] = json!(1000.7), 1300), Ok(want));
    let alone = logout_at(|claims| drop(claims.as_object_mut().unwrap().remove("sid")), 1000);
    assert_eq!(alone.unwrap().sid, None);
}

#[test]
fn what_is_no_logout_token_ends_nothing() {
    let without = |name: &'static str| {
        move |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name))
    };
    assert!(logout_at(without("events"), 1000).is_err());
    assert!(logout_at(|claims| claims["events"] = json!({LOGOUT_EVENT: true}), 1000).is_err());
    assert!(logout_at(|claims| claims["events"] = json!([LOGOUT_EVENT]), 1000).is_err());
    assert!(logout_at(|claims| claims["nonce"] = json!("n"), 1000).is_err());
    assert!(logout_at(|_| {}, 1301).is_err(), "too old");
    let nobody = |claims: &mut Value| {
        without("sid")(claims);
        without("sub")(claims);
    };
    assert!(logout_at(nobody, 1000).is_err());
    let mut other = verified(logout_token());
    other.header.kind = Some("at+jwt".to_owned());
    assert!(logout(&other, 1000).is_err());
    other.header.kind = Some("logout+JWT".to_owned());
    assert!(logout(&other, 1000).is_ok());
}
