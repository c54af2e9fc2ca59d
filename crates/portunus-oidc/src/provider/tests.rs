use portunus_testkit::Response;
use serde_json::json;

use super::*;
use crate::target::Target;
use crate::testing::{FakeProvider, Issued, claims, now, sign, sign_as_another, with_background};

/// A login whose nonce every test knows.
fn login() -> Login {
    Login { nonce: "n".to_owned(), ..Login::begin("mark", Target::root(), 0) }
}

fn redeem(
    userinfo: bool,
    token: impl Fn(&Issued) -> Response + Send + Sync + 'static,
) -> Result<Session, Refusal> {
    let provider = FakeProvider::new(token);
    let provider = provider.provider(userinfo);
    let login = login();
    with_background(&provider, provider.redeem("c", &login, "https://a/callback", now()))
}

#[test]
fn a_code_becomes_a_session() {
    let session = redeem(false, |issued| {
        assert!(issued.form.starts_with("grant_type=authorization_code&code=c&code_verifier="));
        issued.id_token(json!({"nonce": "n", "at_hash": "x", "groups": ["a"]}))
    });
    let session = session.unwrap();
    assert_eq!(session.claim("sub"), Some("anna"));
    assert!(!session.claims.contains_key("nonce") && !session.claims.contains_key("at_hash"));
    assert_eq!(session.tokens.refresh.as_deref(), Some("rt"));
}

#[test]
fn userinfo_adds_claims_and_changes_none() {
    let session = redeem(true, |issued| issued.id_token(json!({"nonce": "n"}))).unwrap();
    assert_eq!(session.claim("email"), Some("anna@example.com"));
    assert!(session.claim("iss").unwrap().starts_with("http://127.0.0.1:"));
    let other = redeem(true, |issued| issued.id_token(json!({"nonce": "n", "sub": "bert"})));
    assert_eq!(other.unwrap_err(), Refusal::IdToken("its userinfo is of another user"));
}

/// What becomes of an ID token that says this.
#[track_caller]
fn check(more: serde_json::Value, want: Refusal) {
    let shown = more.to_string();
    let found = redeem(false, move |issued| issued.id_token(more.clone()));
    assert_eq!(found.unwrap_err(), want, "{shown}");
}

#[test]
fn an_id_token_that_is_not_what_was_asked_for_is_refused() {
    check(json!({"nonce": "other"}), Refusal::Nonce);
    check(json!({}), Refusal::Nonce);
    check(
        json!({"nonce": "n", "iss": "https://evil"}),
        Refusal::IdToken("it is of another issuer"),
    );
    check(json!({"nonce": "n", "aud": "other"}), Refusal::IdToken("it is for another client"));
    check(json!({"nonce": "n", "exp": 1000}), Refusal::IdToken("it has expired"));
    check(json!({"nonce": "n", "exp": null}), Refusal::IdToken("it has no end"));
    check(json!({"nonce": "n", "sub": null}), Refusal::IdToken("a claim is missing"));
    check(json!({"nonce": "n", "iat": 1e11}), Refusal::IdToken("it is not valid yet"));
    let for_others = json!({"nonce": "n", "aud": ["shop", "other"], "azp": "other"});
    check(for_others, Refusal::IdToken("it was issued to another client"));
}

#[test]
fn an_id_token_that_nobody_signed_is_refused() {
    let forged = redeem(false, |issued| {
        issued.tokens(&sign_as_another(&claims(&issued.issuer, json!({"nonce": "n"}))))
    });
    assert_eq!(forged.unwrap_err(), Refusal::IdToken("its signature is wrong"));
    let unsigned = redeem(false, |issued| {
        let token = sign(&claims(&issued.issuer, json!({"nonce": "n"})));
        let body = token.split('.').nth(1).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        issued.tokens(&format!("{header}.{body}."))
    });
    assert_eq!(unsigned.unwrap_err(), Refusal::IdToken("its algorithm is not accepted"));
    let none = redeem(false, |_| Response::text(r#"{"access_token": "at"}"#));
    assert_eq!(none.unwrap_err(), Refusal::IdToken("there is none"));
}

#[test]
fn refusals_and_failures_of_the_token_endpoint_are_told_apart() {
    let refused =
        redeem(false, |_| Response::text(r#"{"error": "invalid_grant"}"#).with_status(400));
    assert_eq!(refused.unwrap_err(), Refusal::Code("invalid_grant"));
    let down = redeem(false, |_| Response::text("<html>").with_status(502));
    assert_eq!(down.unwrap_err(), Refusal::Unavailable);
}

#[test]
fn new_tokens_are_those_of_the_same_user() {
    let refresh = |more: serde_json::Value, userinfo: bool| {
        let fake = FakeProvider::new(move |issued| {
            assert!(issued.form.starts_with("grant_type=refresh_token&refresh_token=rt"));
            issued.id_token(more.clone())
        });
        let provider = fake.provider(userinfo);
        let tokens = Tokens { refresh: Some("rt".to_owned()), ..Tokens::default() };
        let claims = json!({"sub": "anna"}).as_object().unwrap().clone();
        let session = Session::begin("mark", claims, tokens, 0);
        with_background(&provider, provider.refresh(&session, now()))
    };
    let fresh = refresh(json!({"groups": ["b"]}), false).unwrap();
    assert_eq!(fresh.claims.as_ref().unwrap()["groups"], json!(["b"]));
    assert!(!fresh.claims.as_ref().unwrap().contains_key("email"));
    let of_another = Err(Refusal::IdToken("it is of another user"));
    assert_eq!(refresh(json!({"sub": "bert"}), false), of_another);
    let fresh = refresh(json!({"groups": ["b"]}), true).unwrap();
    assert_eq!(fresh.claims.as_ref().unwrap()["email"], json!("anna@example.com"));
}

/// What is known of a user after a refresh without an ID token, from a provider that is asked for its userinfo too.
fn refreshed_without_id_token(access: &'static str, id: Option<String>) -> Arc<Fresh> {
    let fake = FakeProvider::new(move |_| {
        Response::text(json!({"access_token": access, "token_type": "Bearer"}).to_string())
    });
    let provider = fake.provider(true);
    let tokens = Tokens { refresh: Some("rt".to_owned()), id, ..Tokens::default() };
    let claims = json!({"sub": "anna", "phone": "1", "groups": ["a"]});
    let session = Session::begin("mark", claims.as_object().unwrap().clone(), tokens, 0);
    with_background(&provider, provider.refresh(&session, now())).unwrap()
}

#[test]
fn userinfo_is_asked_again_also_without_a_new_id_token() {
    let id = sign(&claims("https://a", json!({"groups": ["a"]})));
    let fresh = refreshed_without_id_token("at", Some(id));
    let said = fresh.claims.as_ref().unwrap();
    assert_eq!(said["email"], json!("anna@example.com"));
    assert_eq!(said["groups"], json!(["a"]), "the ID token said so");
    assert!(!said.contains_key("phone"), "the userinfo endpoint says it no more");
    let fresh = refreshed_without_id_token("at", None);
    assert!(!fresh.claims.as_ref().unwrap().contains_key("groups"));
    // The new tokens are good also where the endpoint does not answer.
    let fresh = refreshed_without_id_token("other", None);
    assert_eq!((&fresh.claims, fresh.tokens.access.as_deref()), (&None, Some("other")));
}

#[test]
fn a_browser_is_told_everything_that_a_provider_must_know() {
    let fake = FakeProvider::new(|_| Response::status(500));
    let provider = fake.provider(false);
    let metadata = with_background(&provider, provider.remote.known()).unwrap();
    let login = login();
    let url = provider.login_url(&metadata, &login, "https://a/callback");
    let want = format!(
        "{}/auth?response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fa%2Fcallback\
         &scope=openid&state={}&nonce=n&code_challenge={}&code_challenge_method=S256",
        fake.issuer(),
        login.state,
        login.challenge(),
    );
    assert_eq!(url, want);
    let url = provider.logout_url(&metadata, Some("t"), "https://a/bye").unwrap();
    let want =
        "/end?x=y&id_token_hint=t&client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fa%2Fbye";
    assert_eq!(url, format!("{}{want}", fake.issuer()));
}

#[test]
fn a_query_is_added_to_what_is_there() {
    assert_eq!(with_query("https://a/b", "c=d"), "https://a/b?c=d");
    assert_eq!(with_query("https://a/b?x=y", "c=d"), "https://a/b?x=y&c=d");
    assert_eq!(with_query("https://a/b?", "c=d"), "https://a/b?c=d");
    assert_eq!(with_query("https://a/b#f", "c=d"), "https://a/b?c=d");
}

#[test]
fn a_mark_is_short_and_of_one_client_of_one_issuer() {
    assert_eq!(mark("https://a", "b").len(), 16);
    assert_ne!(mark("https://a", "b"), mark("https://a", "c"));
    assert_ne!(mark("https://a", "b"), mark("https://b", "b"));
}
