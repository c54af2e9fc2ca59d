use super::*;

#[track_caller]
fn check(want: bool, method: &[u8], headers: &[(&str, &str)]) {
    let mut exchange = Exchange::default();
    exchange.request.set_method(method);
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    assert_eq!(is_navigation(&exchange), want, "{headers:?}");
}

#[test]
fn only_a_browser_that_goes_to_a_page_can_log_in() {
    let html = ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
    check(true, b"GET", &[html]);
    check(true, b"HEAD", &[html]);
    check(true, b"GET", &[html, ("Sec-Fetch-Mode", "navigate")]);
    check(false, b"GET", &[html, ("Sec-Fetch-Mode", "cors")]);
    check(false, b"GET", &[html, ("X-Requested-With", "XMLHttpRequest")]);
    check(false, b"POST", &[html]);
    check(false, b"GET", &[("Accept", "*/*")]);
    check(false, b"GET", &[("Accept", "application/json")]);
    check(false, b"GET", &[]);
}

#[test]
fn an_upgrade_cannot() {
    let mut exchange = Exchange::default();
    exchange.request.headers.append(b"Accept", b"text/html");
    exchange.attributes.set(UPGRADE, b"websocket");
    assert!(!is_navigation(&exchange));
}
