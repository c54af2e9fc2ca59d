use serde_json::json;

use super::*;

fn metadata(wants_secret_in_body: bool) -> Metadata {
    Metadata {
        authorization: "https://id/auth".to_owned(),
        token: "https://id/token".to_owned(),
        userinfo: None,
        end_session: None,
        names_itself: false,
        wants_secret_in_body,
    }
}

/// The body and the credentials of a request.
fn sent(in_body: Option<bool>, provider_wants: bool) -> (String, Option<String>) {
    let node = portunus_spec::Node::text("s:c/r");
    let mut reader = portunus_spec::Reader::new(&portunus_spec::NoLookup);
    let secret = <portunus_spec::Secret as portunus_spec::Spec>::read(&node, &mut reader);
    let client = Client { id: "a b".to_owned(), secret, in_body, timeout: Duration::MAX };
    let fetch = client.redeem(&metadata(provider_wants), "c&d", "v", "https://a/b");
    let header = fetch.headers.iter().find(|(name, _)| name == "Authorization");
    let body = String::from_utf8(fetch.body.to_vec()).unwrap();
    (body, header.map(|(_, value)| value.clone()))
}

const FORM: &str =
    "grant_type=authorization_code&code=c%26d&code_verifier=v&redirect_uri=https%3A%2F%2Fa%2Fb";

#[test]
fn the_secret_stands_where_it_is_taken() {
    // `a+b:s%3Ac%2Fr`, as RFC 6749 appendix B writes it.
    let header = Some("Basic YStiOnMlM0FjJTJGcg==".to_owned());
    assert_eq!(sent(None, false), (FORM.to_owned(), header.clone()));
    assert_eq!(sent(Some(false), true), (FORM.to_owned(), header));
    let body = format!("{FORM}&client_id=a%20b&client_secret=s%3Ac%2Fr");
    assert_eq!(sent(None, true), (body.clone(), None));
    assert_eq!(sent(Some(true), false), (body, None));
}

#[test]
fn a_public_client_says_who_it_is() {
    let client =
        Client { id: "spa".to_owned(), secret: None, in_body: None, timeout: Duration::MAX };
    let fetch = client.refresh(&metadata(false), "r t");
    assert_eq!(fetch.body, "grant_type=refresh_token&refresh_token=r%20t&client_id=spa");
    assert!(fetch.headers.iter().all(|(name, _)| name != "Authorization"));
}

fn answer(status: u16, body: &str) -> Result<Tokens, Refusal> {
    let headers = Default::default();
    read(&Fetched { status, headers, body: body.as_bytes().to_vec().into() }, 1000, 20)
}

#[test]
fn tokens_are_read() {
    let body = json!({
        "access_token": "at", "token_type": "bearer", "expires_in": 60, "refresh_token": "rt",
        "id_token": "a.b.c", "scope": "openid email",
    });
    let tokens = answer(200, &body.to_string()).unwrap();
    assert_eq!((tokens.access.as_deref(), tokens.access_ends), (Some("at"), Some(1060)));
    assert_eq!(tokens.refresh_at, Some(1040));
    assert_eq!((tokens.refresh.as_deref(), tokens.id.as_deref()), (Some("rt"), Some("a.b.c")));
    let tokens = answer(200, r#"{"access_token": "a\r\nb", "expires_in": "5"}"#).unwrap();
    assert_eq!((tokens.access, tokens.access_ends), (None, Some(1005)), "no header can hold it");
    assert_eq!(tokens.refresh_at, Some(1002), "a short one is not asked for all the time");
}

#[test]
fn refusals_and_nonsense_are_told_apart() {
    let refused = r#"{"error": "invalid_grant", "error_description": "x"}"#;
    assert_eq!(answer(400, refused), Err(Refusal::Code("invalid_grant")));
    assert_eq!(answer(401, r#"{"error": "hush"}"#), Err(Refusal::Code("another error")));
    for (status, body) in [
        (500, refused),
        (200, refused),
        (200, "<html>"),
        (200, "[]"),
        (302, "{}"),
        (200, r#"{"access_token": "a", "token_type": "DPoP"}"#),
    ] {
        assert_eq!(answer(status, body), Err(Refusal::Unavailable), "{status} {body}");
    }
}
