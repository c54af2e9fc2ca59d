use proptest::prelude::*;

use super::*;

fn cookies() -> Cookies {
    Cookies::new("portunus", None, true, SameSite::Lax)
}

fn headers(lines: &[&str]) -> HeaderList {
    let mut headers = HeaderList::default();
    for line in lines {
        headers.append(b"Cookie", line.as_bytes());
    }
    headers
}

fn carried(line: &str) -> Carried {
    cookies().take(&mut headers(&[line]))
}

/// What a browser brings back of these lines.
fn returned(lines: &[String]) -> Carried {
    let kept = lines.iter().filter(|line| !line.contains("Max-Age=0"));
    let pairs: Vec<&str> = kept.map(|line| line.split(';').next().unwrap()).collect();
    carried(&pairs.join("; "))
}

#[test]
fn names_and_attributes_are_as_strict_as_they_can_be() {
    let lines = cookies().keep_session("abc", 60, &Carried::default()).unwrap();
    let want = "__Host-portunus=1.abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60";
    assert_eq!(lines, [want]);
    let shared = Cookies::new("app", Some("example.com"), true, SameSite::None);
    let want = "__Secure-app=1.abc; Path=/; HttpOnly; SameSite=None; Secure; Domain=example.com; \
                Max-Age=60";
    assert_eq!(shared.keep_session("abc", 60, &Carried::default()).unwrap(), [want]);
    let plain = Cookies::new("app", None, false, SameSite::Lax);
    let want = "app=1.abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60";
    assert_eq!(plain.keep_session("abc", 60, &Carried::default()).unwrap(), [want]);
}

#[test]
fn a_session_that_shrinks_leaves_no_piece_behind() {
    let cookies = cookies();
    let long = "a".repeat(PIECE_BYTES * 2 + 1);
    let lines = cookies.keep_session(&long, 60, &Carried::default()).unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.len() <= 4096));
    let browser = returned(&lines);
    let lines = cookies.keep_session("b", 60, &browser).unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with("__Host-portunus.1=; ") && lines[1].ends_with("Max-Age=0"));
    assert_eq!(cookies.session(&returned(&lines)).unwrap(), b"b");
    assert_eq!(cookies.end_session(&browser).len(), 3);
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let most = "a".repeat(PIECE_BYTES * PIECES_MAX);
    assert!(cookies().keep_session(&most, 60, &Carried::default()).is_some());
    assert!(cookies().keep_session(&(most + "a"), 60, &Carried::default()).is_none());
}

#[test]
fn pieces_that_are_missing_or_miscounted_are_no_session() {
    for line in [
        "__Host-portunus=2.a",
        "__Host-portunus=2.a; __Host-portunus.2=b",
        "__Host-portunus=0.a",
        "__Host-portunus=9.a",
        "__Host-portunus=99999999999999999999.a",
        "__Host-portunus=a",
        "__Host-portunus",
        "portunus=1.a",
    ] {
        assert_eq!(cookies().session(&carried(line)), None, "{line}");
    }
    let mut two = headers(&["__Host-portunus.1=b", "x=y; __Host-portunus=2.a"]);
    assert_eq!(cookies().session(&cookies().take(&mut two)).unwrap(), b"ab");
}

#[test]
fn the_upstream_sees_the_other_cookies_alone() {
    let mut headers = headers(&[
        "a=1; __Host-portunus=1.x; __Host-portunus.1=y;b=2",
        "__Host-portunus-login.abc=z; __Host-portunusX=3",
    ]);
    assert_eq!(cookies().take(&mut headers).0.len(), 3);
    let left: Vec<_> = headers.values_of(HeaderId::Cookie).collect();
    assert_eq!(left, [b"a=1; b=2; __Host-portunusX=3".as_slice()]);
    assert!(cookies().take(&mut headers).0.is_empty(), "nothing is left of ours");
    let mut only = self::headers(&["__Host-portunus=1.x"]);
    cookies().take(&mut only);
    assert!(!only.has(HeaderId::Cookie));
}

#[test]
fn logins_of_several_tabs_do_not_meet() {
    let cookies = cookies();
    let lines = [("stateOfTabOne", "one"), ("otherOfTabTwo", "two")]
        .map(|(state, sealed)| cookies.set_login(state, sealed, Life::Seconds(600)));
    let browser = returned(&lines);
    assert_eq!(cookies.login(&browser, "stateOfTabOne").unwrap(), b"one");
    assert_eq!(cookies.login(&browser, "otherOfTabTwo").unwrap(), b"two");
    assert_eq!(cookies.login(&browser, "third"), None);
    assert!(cookies.end_old_logins(&browser).is_empty());
    let many: Vec<String> = (0..LOGINS_MAX)
        .map(|n| cookies.set_login(&format!("{n}"), "x", Life::Seconds(1)))
        .collect();
    assert_eq!(cookies.end_old_logins(&returned(&many)).len(), LOGINS_MAX);
}

#[test]
fn a_state_from_outside_writes_no_name_of_its_own() {
    let line = cookies().set_login("a;b=c\r\n", "", Life::Over);
    assert!(line.starts_with("__Host-portunus-login.abc=;"), "{line}");
}

proptest! {
    #[test]
    fn what_is_kept_comes_back(sealed in "[A-Za-z0-9_-]{1,30000}") {
        let cookies = cookies();
        let lines = cookies.keep_session(&sealed, 60, &Carried::default()).unwrap();
        prop_assert_eq!(cookies.session(&returned(&lines)).unwrap(), sealed.as_bytes());
    }

    #[test]
    fn no_cookies_make_it_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut headers = HeaderList::default();
        headers.append(b"Cookie", &line);
        let _ = cookies().session(&cookies().take(&mut headers));
    }
}
