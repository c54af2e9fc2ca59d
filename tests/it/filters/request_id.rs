//! The filter `request_id`.

use portunus_testkit::{Origin, Program};

#[test]
fn one_id_goes_to_the_upstream_to_the_client_and_into_the_log() {
    let origin = Origin::text("a");
    let program = Program::config("hosts: {\"*\": {use: [request_id], routes: {/: \"{origin}\"}}}")
        .fill("origin", &origin)
        .start();
    let mut client = program.client();
    let answer = client.request("GET", "/").header("X-Request-Id", "chosen-by-client").send();
    let id = answer.header("x-request-id").unwrap();
    assert_ne!(id, "chosen-by-client");
    assert_eq!(origin.request().header("x-request-id"), Some(id));
    program.wait_for_stdout(|line| line.contains(id));
    assert_ne!(client.get("/").header("x-request-id"), Some(id));
}

#[test]
fn the_id_of_a_trusted_proxy_is_kept() {
    let origin = Origin::text("a");
    let program = Program::config(
        "trusted_proxies: [127.0.0.1]\nhosts: {\"*\": {use: [request_id], routes: {/: \"{origin}\"}}}\n",
    )
    .fill("origin", &origin)
    .start();
    let answer = program.client().request("GET", "/").header("X-Request-Id", "abc-1").send();
    assert_eq!(answer.header("x-request-id"), Some("abc-1"));
    assert_eq!(origin.request().header("x-request-id"), Some("abc-1"));
}
