use super::*;

#[track_caller]
fn check(path: &str, want: Option<Page<'_>>) {
    assert_eq!(Page::of(path.as_bytes(), "/_p/oidc"), want, "{path}");
}

#[test]
fn pages_are_below_the_prefix() {
    check("/_p/oidc/login", Some(Page::Login(None)));
    check("/_p/oidc/login/google", Some(Page::Login(Some("google"))));
    check("/_p/oidc/callback", Some(Page::Callback(None)));
    check("/_p/oidc/backchannel/a", Some(Page::Backchannel(Some("a"))));
    check("/_p/oidc/logout", Some(Page::Logout));
    check("/_p/oidc/logged_out", Some(Page::LoggedOut));
    for path in ["/_p/oidc", "/_p/oidc/", "/_p/oidc/logout/x", "/_p/oidc/LOGIN"] {
        check(path, Some(Page::Unknown));
    }
    for path in ["/", "/_p/oidcx/login", "/x/_p/oidc/login", "/_p"] {
        check(path, None);
    }
    assert_eq!(Page::of(b"/_p/oidc/\xff", "/_p/oidc"), Some(Page::Unknown));
}

#[test]
fn nothing_of_a_page_is_taken_for_markup() {
    let reply = choice([("<b>&", "/a?b=\"c'".to_owned())].into_iter());
    let ReplyBody::Whole(body) = reply.body else { panic!("a page") };
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("<a href=\"/a?b=&quot;c&#39;\">&lt;b&gt;&amp;</a>"), "{body}");
}
