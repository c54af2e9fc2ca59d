//! Logging in with a real browser at a real OpenID provider.

mod stage;

use portunus_testkit::{Answer, Program, eventually, faulty};
use serde_json::json;

use stage::{ONE, Stage};

#[test]
fn a_user_logs_in_and_comes_back_to_the_page_that_was_wanted() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/cart?item=7", "anna");
    let told = stage.told();
    assert_eq!(told["target"], "/cart?item=7");
    assert_eq!(told["x-email"], "anna@example.com");
    assert_eq!(told["x-groups"], "staff, anna");
    assert!(told["cookie"].is_null() && told["authorization"].is_null(), "{told}");
    let cookies = stage.browser().cookies();
    assert_eq!(cookies.len(), 1, "the login's own is gone: {cookies:?}");
    let seen = ["name", "path", "secure", "httpOnly", "sameSite"].map(|name| &cookies[0][name]);
    assert_eq!(json!(seen), json!(["__Host-portunus", "/", true, true, "Lax"]));
}

#[test]
fn a_session_outlives_a_reload_that_changes_its_filter() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "anna");
    stage.program.reload(&ONE.replace("{more}", "timeout: 9s"));
    stage.go("/after");
    stage.wait_for("/after");
    assert_eq!(stage.told()["x-email"], "anna@example.com");
    let grants = stage.events();
    assert_eq!(grants, [json!({"grant": "authorization_code"})], "no second login");
}

#[test]
fn a_long_session_is_spread_over_cookies() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "long-300");
    assert_eq!(stage.told()["x-email"], "long-300@example.com");
    assert!(stage.told()["x-groups"].as_str().unwrap().ends_with(", a-group-299"));
    assert!(stage.told()["cookie"].is_null());
    let cookies = stage.browser().cookies();
    assert!(cookies.len() > 3, "{}", cookies.len());
}

#[test]
fn a_session_that_no_browser_could_keep_is_refused() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.go("/");
    stage.enter_name(0, "long-2000");
    stage.browser().wait_for("document.body.innerText.includes('auth.oidc_size')");
}

#[test]
fn a_cookie_that_was_tampered_with_is_no_session() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "anna");
    let session = stage.session();
    assert_eq!(stage.ask("/", &[("Cookie", &session)]).status, 200, "as it was, it is good");
    let (head, tail) = session.split_at(session.len() / 2);
    let changed = if tail.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}{changed}{}", &tail[1..]);
    stage.ask("/", &[("Cookie", &forged)]).assert_own(401, "auth.missing");
    let (url, value) = (stage.url("/"), forged.split_once('=').unwrap().1);
    stage.browser().set_cookie(&url, "__Host-portunus", value);
    // The provider still knows the user, so the browser is there and back in no time.
    stage.go("/again");
    stage.wait_for("/again");
    assert_eq!(stage.told()["x-email"], "anna@example.com");
    assert_eq!(stage.events().len(), 2, "it was a login of its own");
}

#[test]
fn tokens_are_refreshed_before_they_end() {
    let options = json!({"lifetime": 2});
    let Some(mut stage) = Stage::set("forward_access_token: true", options) else { return };
    stage.log_in("/", "anna");
    let first = stage.told()["authorization"].clone();
    assert!(first.as_str().unwrap().starts_with("Bearer "), "{first}");
    eventually("new tokens", || {
        stage.go("/");
        stage.wait_for("/");
        stage.told()["authorization"] != first
    });
    assert_eq!(stage.told()["x-email"], "anna@example.com");
    assert!(stage.events().contains(&json!({"grant": "refresh_token"})));
}

#[test]
fn many_requests_at_once_use_a_refresh_token_once() {
    let Some(mut stage) = Stage::set("", json!({"lifetime": 4})) else { return };
    stage.log_in("/", "anna");
    let session = stage.session();
    stage.events();
    let is_refreshed = |answer: &Answer| {
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.headers.all("set-cookie").count() == 1
    };
    // All with the cookie of before: a provider revokes everything when a token comes a second time.
    eventually("that all are refreshed", || {
        let answers = stage.ask_at_once(8, "/", &[("Cookie", &session)]);
        answers.iter().filter(|answer| is_refreshed(answer)).count() == 8
    });
    assert_eq!(stage.events(), [json!({"grant": "refresh_token"})]);
}

#[test]
fn a_user_logs_out_here_and_at_the_provider() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "anna");
    let session = stage.session();
    stage.go("/_portunus/oidc/logout");
    stage.browser().wait_for("!!document.querySelector('[name=logout]')");
    stage.browser().run("document.querySelector('[name=logout]').click()");
    stage.browser().wait_for("document.body.innerText.includes('You are logged out')");
    assert!(stage.browser().url().starts_with(&stage.url("/_portunus/oidc/logged_out")));
    assert!(stage.browser().cookies().is_empty());
    // A copy of the cookie that somebody kept is of no use.
    stage.ask("/", &[("Cookie", &session)]).assert_own(401, "auth.missing");
    stage.go("/");
    stage.browser().wait_for("!!document.querySelector('[name=login]')");
}

#[test]
fn a_logout_here_alone_leaves_the_session_at_the_provider() {
    let Some(mut stage) = Stage::set("logout: {at_provider: false}", json!({})) else { return };
    stage.log_in("/", "anna");
    stage.go("/_portunus/oidc/logout");
    stage.wait_for("/_portunus/oidc/logged_out");
    assert!(stage.browser().cookies().is_empty());
    stage.go("/again");
    stage.wait_for("/again");
    assert_eq!(stage.told()["x-email"], "anna@example.com");
}

#[test]
fn a_logout_at_the_provider_ends_the_session_here() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "anna");
    let session = stage.session();
    let is_over = |stage: &Stage| stage.ask("/", &[("Cookie", &session)]).status == 401;
    assert!(!is_over(&stage));
    let logout = format!("{}/session/end", stage.issuer());
    stage.browser().go(&logout);
    stage.browser().wait_for("!!document.querySelector('[name=logout]')");
    stage.browser().run("document.querySelector('[name=logout]').click()");
    eventually("that the program was told", || is_over(&stage));
    assert!(stage.events().contains(&json!({"logout": "shop"})));
    stage.program.reload(&ONE.replace("{more}", "timeout: 9s"));
    assert!(is_over(&stage), "a reload takes nothing back");
    stage.log_in("/again", "anna");
}

#[test]
fn logout_tokens_that_prove_nothing_end_nothing() {
    // Where no route takes the request.
    let config = ONE.replace("/**:", "/app/**:");
    let Some(stage) = Stage::with_config(&config, "", json!({})) else { return };
    let long = format!("logout_token={}", "a".repeat(70_000));
    // The third one is in place but for its algorithm, `none`.
    for (body, status, reason) in [
        ("", 400, "auth.oidc_logout_token"),
        ("logout_token=a.b.c", 400, "auth.oidc_logout_token"),
        ("logout_token=eyJhbGciOiJub25lIn0.e30.", 400, "auth.oidc_logout_token"),
        (&long, 413, "limit.body"),
    ] {
        let mut client = stage.program.client();
        let request = client.request("POST", "/_portunus/oidc/backchannel").body(body);
        request.send().assert_own(status, reason);
    }
}

#[test]
fn what_a_provider_says_at_its_userinfo_endpoint_counts_too() {
    let options = json!({"userinfo": true});
    let Some(mut stage) = Stage::set("userinfo: true", options) else { return };
    stage.log_in("/", "anna");
    assert_eq!(stage.told()["x-email"], "anna@example.com");
    assert_eq!(stage.told()["x-groups"], "staff, anna");
}

#[test]
fn a_user_chooses_among_providers() {
    let Some(mut stage) = Stage::with_two_providers() else { return };
    stage.go("/cart");
    stage.wait_for("/_portunus/oidc/login?to=%2Fcart");
    let text = stage.browser().text();
    assert!(text.contains("one") && text.contains("The other one"), "{text}");
    stage.browser().run("document.querySelectorAll('a')[1].click()");
    stage.enter_name(1, "bert");
    stage.wait_for("/cart");
    assert_eq!(stage.told()["x-email"], "bert@example.com");
    stage.go("/_portunus/oidc/login/one?to=/cart");
    stage.enter_name(0, "carl");
    stage.wait_for("/cart");
    assert_eq!(stage.told()["x-email"], "carl@example.com");
}

#[test]
fn an_answer_at_the_place_of_another_provider_is_refused() {
    let Some(stage) = Stage::with_two_providers() else { return };
    let begun = stage.begin("/_portunus/oidc/login/one");
    let callback = format!("/_portunus/oidc/callback/two?state={}&code=c", begun.state);
    let callback = format!("{callback}&iss={}", stage.issuer());
    let answer = stage.ask(&callback, &[("Cookie", &begun.cookie)]);
    answer.assert_own(400, "auth.oidc_issuer");
}

#[test]
fn a_login_leads_to_no_other_host() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    stage.log_in("/", "anna");
    let places = ["//evil.test/", "https://evil.test/", "/%5Cevil.test", "/%09/evil.test"];
    for place in places {
        stage.go(&format!("/_portunus/oidc/login?to={place}"));
        stage.wait_for("/");
    }
    stage.go("/_portunus/oidc/login?to=/_portunus/oidc/logout");
    stage.wait_for("/");
    stage.go("/_portunus/oidc/login?to=/cart%3Fa");
    stage.wait_for("/cart?a");
}

#[test]
fn programs_and_websockets_are_told_and_not_sent_away() {
    let Some(stage) = Stage::without_browser("", json!({})) else { return };
    let html = ("Accept", "text/html");
    for headers in [
        vec![],
        vec![("Accept", "application/json")],
        vec![html, ("Sec-Fetch-Mode", "cors")],
        vec![html, ("X-Requested-With", "XMLHttpRequest")],
        vec![html, ("Connection", "Upgrade"), ("Upgrade", "websocket")],
    ] {
        let answer = stage.ask("/", &headers);
        answer.assert_own(401, "auth.missing");
        assert!(answer.header("www-authenticate").is_some(), "{answer:?}");
    }
    stage.begin("/");
    assert!(stage.origin.requests().is_empty());
}

#[test]
fn its_pages_need_no_route_and_guard_what_has_none() {
    let config = ONE.replace("/**:", "/app/**:");
    let Some(stage) = Stage::with_config(&config, "", json!({})) else { return };
    let begun = stage.begin("/_portunus/oidc/login");
    assert!(begun.location.starts_with(&stage.issuer()), "{}", begun.location);
    stage.begin("/nowhere");
    stage.ask("/nowhere", &[]).assert_own(401, "auth.missing");
    stage.ask("/_portunus/oidc/nothing", &[]).assert_own(404, "auth.oidc_path");
}

#[test]
fn who_has_no_session_passes_as_nobody_where_that_is_allowed() {
    let Some(stage) = Stage::without_browser("optional: true", json!({})) else { return };
    let headers = [("X-Email", "root@example.com"), ("X_Email", "root@example.com")];
    assert_eq!(stage.ask("/", &headers).status, 200);
    let seen = stage.origin.request();
    assert_eq!((seen.header("x-email"), seen.header("x_email")), (None, None));
}

#[test]
fn an_answer_that_belongs_to_no_login_of_this_browser_is_refused() {
    let Some(stage) = Stage::without_browser("", json!({})) else { return };
    let (begun, issuer) = (stage.begin("/"), stage.issuer());
    let (state, cookie) = (&begun.state, &begun.cookie);
    let callback = |query: &str, cookie: &str| {
        stage.ask(&format!("/_portunus/oidc/callback?{query}"), &[("Cookie", cookie)])
    };
    let right = format!("state={state}&code=c&iss={issuer}");
    callback(&right, "a=b").assert_own(400, "auth.oidc_state");
    callback(&format!("state=x{state}&code=c"), cookie).assert_own(400, "auth.oidc_state");
    callback("code=c", cookie).assert_own(400, "auth.oidc_callback");
    callback(&format!("{right}&code=d"), cookie).assert_own(400, "auth.oidc_callback");
    callback(&format!("state={state}&code=c"), cookie).assert_own(400, "auth.oidc_issuer");
    let of_another = format!("state={state}&code=c&iss=https://evil.test");
    callback(&of_another, cookie).assert_own(400, "auth.oidc_issuer");
    let denied = callback(&format!("{right}&error=access_denied"), cookie);
    denied.assert_own(403, "auth.oidc_denied");
    assert!(denied.text().contains("access_denied"), "{denied:?}");
    let over = denied.header("set-cookie").unwrap();
    assert!(over.contains("-login.") && over.contains("Max-Age=0"), "{over}");
    // The provider has never given that code.
    callback(&right, cookie).assert_own(400, "auth.oidc_code");
}

#[test]
fn a_code_of_another_login_is_refused() {
    let Some(mut stage) = Stage::set("", json!({})) else { return };
    // A code that somebody got for a login of his own, and slipped into this one: the nonce and the challenge are his.
    for (part, reason) in [("nonce", "auth.oidc_nonce"), ("code_challenge", "auth.oidc_code")] {
        let begun = stage.begin("/");
        let (name, value) = begun.cookie.split_once('=').unwrap();
        let url = stage.url("/");
        stage.browser().set_cookie(&url, name, value);
        let (before, rest) = begun.location.split_once(&format!("&{part}=")).unwrap();
        let of_another = format!("{before}&{part}={}", swap_first(rest));
        stage.browser().go(&of_another);
        if part == "nonce" {
            stage.enter_name(0, "anna");
        }
        stage.browser().wait_for(&format!("document.body.innerText.includes('{reason}')"));
    }
}

/// The same text with another first letter.
fn swap_first(text: &str) -> String {
    format!("{}{}", if text.starts_with('A') { "B" } else { "A" }, &text[1..])
}

#[test]
fn a_provider_that_is_down_stops_no_start_and_is_said() {
    let config = ONE.replace("secure:", "# secure:");
    let setup = Program::config(&config).fill("issuer", faulty::refusing());
    let program = setup.fill("more", "timeout: 2s").fill("origin", "http://127.0.0.1:1").start();
    let answer = program.client().request("GET", "/").header("Accept", "text/html").send();
    answer.assert_own(503, "auth.oidc_unavailable");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}
