use super::*;

const ISSUER: &str = "https://id.example.com";

fn login() -> Login {
    Login::begin("mark", Target::parse(b"/a?b").unwrap(), 1000)
}

/// What becomes of an answer to `login`, in which `{state}` stands for its state.
#[track_caller]
fn check(login: &Login, answer: &str, now: u64, want: Result<&str, Refusal>) {
    let answer = Form::parse(answer.replace("{state}", &login.state).as_bytes()).unwrap();
    let expected = Expected { login: Some(login), issuer: Some(ISSUER), names_itself: false, now };
    assert_eq!(code_of(&answer, &expected), want);
}

#[test]
fn a_login_comes_back_as_it_was() {
    let (login, sealer) = (login(), Sealer::random());
    let sealed = login.seal(&sealer, "app");
    assert_eq!(Login::open(&sealer, "app", sealed.as_bytes()), Some(login.clone()));
    assert_eq!(Login::open(&sealer, "other", sealed.as_bytes()), None);
    assert!(sealed.len() < 1000, "it fits into a cookie");
    assert_ne!(login.nonce, login.state);
}

#[test]
fn the_challenge_is_that_of_the_standard() {
    // RFC 7636 appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
    let login = Login { verifier, ..login() };
    assert_eq!(login.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn an_answer_to_this_login_brings_its_code() {
    check(&login(), "state={state}&code=c", 1000, Ok("c"));
    check(&login(), "state={state}&code=c&iss=https%3A%2F%2Fid.example.com", 1899, Ok("c"));
}

#[test]
fn an_answer_to_no_login_of_this_browser_is_refused() {
    check(&login(), "code=c", 1000, Err(Refusal::Callback));
    check(&login(), "state=other&code=c", 1000, Err(Refusal::State));
    check(&login(), "state={state}x&code=c", 1000, Err(Refusal::State));
    check(&login(), "state={state}&code=c", 1900, Err(Refusal::State));
    check(&login(), "state={state}&code=", 1000, Err(Refusal::Callback));
    let answer = Form::parse(b"state=a&code=c").unwrap();
    let expected = Expected { login: None, issuer: None, names_itself: false, now: 0 };
    assert_eq!(code_of(&answer, &expected), Err(Refusal::State));
}

#[test]
fn an_answer_of_another_provider_is_refused() {
    check(&login(), "state={state}&code=c&iss=https://evil.test", 1000, Err(Refusal::Issuer));
    let login = login();
    let answer = Form::parse(format!("state={}&code=c", login.state).as_bytes()).unwrap();
    let expected =
        Expected { login: Some(&login), issuer: Some(ISSUER), names_itself: true, now: 1000 };
    assert_eq!(code_of(&answer, &expected), Err(Refusal::Issuer));
}

#[test]
fn a_refusal_of_the_provider_is_told_without_its_text() {
    let denied = Err(Refusal::Denied("access_denied"));
    check(&login(), "state={state}&error=access_denied&error_description=x", 1000, denied);
    check(&login(), "state={state}&error=<script>", 1000, Err(Refusal::Denied("another error")));
    check(&login(), "state=other&error=access_denied", 1000, Err(Refusal::State));
}
