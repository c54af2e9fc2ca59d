use super::*;

const LIFETIMES: Lifetimes = Lifetimes { absolute_s: 1000, idle_s: 100 };

fn session() -> Session {
    let claims = json!({"sub": "anna", "groups": ["a", "b"]});
    let tokens = Tokens {
        access: Some("at".to_owned()),
        access_ends: Some(5060),
        refresh_at: Some(5030),
        refresh: Some("rt".to_owned()),
        id: Some("it".to_owned()),
        scope: None,
    };
    Session::begin("mark", claims.as_object().unwrap().clone(), tokens, 5000)
}

#[test]
fn a_session_comes_back_as_it_was() {
    let (session, sealer) = (session(), Sealer::random());
    let sealed = session.seal(&sealer, "app");
    assert_eq!(Session::open(&sealer, "app", sealed.as_bytes()), Some(session.clone()));
    assert_eq!(Session::open(&sealer, "other", sealed.as_bytes()), None);
    assert_eq!(Session::open(&Sealer::random(), "app", sealed.as_bytes()), None);
    let bare = Session { tokens: Tokens::default(), ..session };
    let sealed = bare.seal(&sealer, "app");
    assert_eq!(Session::open(&sealer, "app", sealed.as_bytes()), Some(bare));
}

#[test]
fn what_is_sealed_but_no_session_is_none() {
    let sealer = Sealer::random();
    for text in ["", "{}", "[]", "[1,2,3,4,5,6]", r#"["a","b",1,2,[null],{}]"#] {
        let sealed = sealer.seal(&purpose("app"), text.as_bytes());
        assert_eq!(Session::open(&sealer, "app", sealed.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_session_ages_is_refreshed_and_ends() {
    let mut session = session();
    let check = |session: &Session, now: u64, want| {
        assert_eq!(session.standing(&LIFETIMES, now), want, "{now}");
    };
    check(&session, 5000, Standing::Good);
    check(&session, 5009, Standing::Good);
    check(&session, 5010, Standing::Aging);
    check(&session, 5029, Standing::Aging);
    check(&session, 5030, Standing::Refresh);
    check(&session, 5099, Standing::Refresh);
    check(&session, 5100, Standing::Over);
    // Without a refresh token, the session outlives its access token.
    session.tokens.refresh = None;
    check(&session, 5099, Standing::Aging);
    session.seen = 5990;
    check(&session, 5999, Standing::Good);
    check(&session, 6000, Standing::Over);
    // A clock that was set back ends nothing.
    check(&session, 4000, Standing::Good);
}

#[test]
fn new_tokens_take_the_place_of_old_ones_as_far_as_they_come() {
    let mut session = session();
    let tokens = Tokens {
        access: Some("at2".to_owned()),
        access_ends: Some(5120),
        refresh_at: Some(5090),
        ..Tokens::default()
    };
    session.claims.insert("sid".to_owned(), json!("s1"));
    let claims = json!({"sub": "anna", "email": "a@example.com"}).as_object().cloned();
    session.renew(&Fresh { tokens, claims }, 5040);
    assert_eq!(session.tokens.access.as_deref(), Some("at2"));
    assert_eq!(session.tokens.refresh.as_deref(), Some("rt"), "the old one still holds");
    assert_eq!(
        (session.claim("sub"), session.claim("email")),
        (Some("anna"), Some("a@example.com"))
    );
    assert!(!session.claims.contains_key("groups"), "what is said no more holds no more");
    assert_eq!(session.claim("sid"), Some("s1"), "the login is the same");
    session.renew(&Fresh::default(), 5040);
    assert_eq!(session.claim("email"), Some("a@example.com"), "nothing was said");
    session.tokens.access_ends = Some(5120);
    session.tokens.refresh_at = Some(5090);
    assert_eq!(session.standing(&LIFETIMES, 5041), Standing::Good);
    assert!(session.has_access(5119) && !session.has_access(5120));
}

#[test]
fn a_browser_keeps_it_no_longer_than_it_lasts() {
    let mut session = session();
    assert_eq!(session.keep_s(&LIFETIMES), 100);
    session.seen = 5950;
    assert_eq!(session.keep_s(&LIFETIMES), 50);
    session.seen = 7000;
    assert_eq!(session.keep_s(&LIFETIMES), 0);
}
