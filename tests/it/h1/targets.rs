//! The forms of a request's target.

use portunus_testkit::{Origin, Program, Response};

#[test]
fn the_host_of_an_absolute_target_counts_and_the_header_does_not() {
    let origin = Origin::text("right");
    let program = Program::config("hosts: {right.test: {routes: {/**: \"{origin}\"}}}")
        .fill("origin", &origin)
        .start();
    let mut client = program.client();
    client.send("GET http://right.test/a?b HTTP/1.1\r\nHost: wrong.test\r\n\r\n");
    assert_eq!(client.read().text(), "right");
    let request = origin.request();
    assert_eq!((request.target.as_str(), request.header("host")), ("/a?b", Some("right.test")));
}

#[test]
fn an_absolute_target_without_a_path_is_the_root() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send("GET http://shop.test?q=1 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    assert_eq!(client.read().status, 200);
    assert_eq!(origin.request().target, "/?q=1");
}

#[test]
fn the_client_s_host_reaches_the_origin() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    program.client().request("GET", "/").host("Shop.Test:8080").send();
    assert_eq!(origin.request().header("host"), Some("Shop.Test:8080"));
}

#[test]
fn http_1_0_needs_no_host() {
    let origin = Origin::new(|request| Response::text(&request.target));
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send("GET /old HTTP/1.0\r\n\r\n");
    assert_eq!(client.read().text(), "/old");
}

#[test]
fn dot_segments_do_not_lead_around_a_route() {
    let program = Program::config(
        "hosts: {\"*\": {routes: {/open/**: {respond: open}, /closed/**: {respond: closed}}}}",
    )
    .start();
    for path in ["/open/../closed/a", "/open/%2e%2e/closed/a", "/open/./../closed/a"] {
        let answer = program.get(path);
        assert!(answer.status == 400 || answer.text() == "closed", "{path}: {answer:?}");
    }
}
