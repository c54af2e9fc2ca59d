//! A reload changes what changed, and nothing else.

use portunus_testkit::{Client, Gate, Origin, Program, Signal, eventually};

use crate::websocket;

const TWO_ROUTES: &str = r#"
hosts:
  "*":
    routes:
      /kept/**: "{origin}"
      /moved: {respond: before}
"#;

const ONE_MOVED: &str = r#"
hosts:
  "*":
    routes:
      /kept/**: "{origin}"
      /moved: {respond: after}
"#;

#[test]
fn a_route_that_changed_is_served_anew_and_the_client_s_connection_stays() {
    let origin = Origin::text("a");
    let program = Program::config(TWO_ROUTES).fill("origin", &origin).start();
    let mut client = program.client();
    assert_eq!(client.get("/moved").text(), "before");
    program.reload(ONE_MOVED);
    assert_eq!(client.get("/moved").text(), "after");
}

#[test]
fn a_route_that_did_not_change_keeps_pool_and_counters() {
    let origin = Origin::text("a");
    let program = Program::config(TWO_ROUTES).fill("origin", &origin).start();
    let mut client = program.client();
    client.get("/kept/1");
    let count = || program.metrics().sum("portunus_upstream_requests_total", &[]);
    eventually("the request is counted", || count() == 1.0);
    program.reload(ONE_MOVED);
    client.get("/kept/2");
    assert_eq!(origin.connections(), 1);
    eventually("both requests are counted", || count() == 2.0);
}

#[test]
fn a_websocket_of_an_unchanged_route_stays_open() {
    let origin = websocket::echoing();
    let program = Program::config(TWO_ROUTES).fill("origin", &origin).start();
    let mut socket = websocket::connect(&program, "/kept/chat");
    assert_eq!(websocket::ask(&mut socket, "before"), "before");
    program.reload(ONE_MOVED);
    assert_eq!(program.get("/moved").text(), "after");
    assert_eq!(websocket::ask(&mut socket, "after"), "after");
}

#[test]
fn a_request_under_way_ends_as_it_began() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        opened.wait();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
    });
    let program = Program::config("hosts: {\"*\": {routes: {/: \"{origin}\"}}}\n")
        .fill("origin", &origin)
        .start();
    let mut client = program.client();
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.reload("hosts: {\"*\": {routes: {/: {respond: new}}}}\n");
    assert_eq!(program.get("/").text(), "new");
    gate.open();
    assert_eq!(client.read().text(), "old");
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let origin = Origin::text("a");
    let program = Program::config(TWO_ROUTES).fill("origin", &origin).start();
    let mut client = program.client();
    client.get("/kept/1");
    assert!(!program.try_reload("hosts:\n  \"*\": {routs: {/: {respond: lost}}}\n"));
    assert_eq!(program.metrics().sum("portunus_config_last_reload_success", &[]), 0.0);
    program.wait_for_stderr(|line| line.contains("routs"));
    program.wait_for_stderr(|line| line.contains("did you mean `routes`"));
    program.wait_for_stderr(|line| line.contains("portunus.yaml:2:9"));
    assert_eq!(client.get("/moved").text(), "before");
    client.get("/kept/2");
    assert_eq!(origin.connections(), 1);
    program.reload(ONE_MOVED);
    assert_eq!(program.metrics().sum("portunus_config_last_reload_success", &[]), 1.0);
}

#[test]
fn a_failed_test_in_the_file_stops_the_reload() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: before}}}}\n").start();
    let config = r#"
hosts: {"*": {routes: {/: {respond: after}}}}
tests: [{name: the root is gone, request: GET http://shop.test/, expect: {status: 410}}]
"#;
    assert!(!program.try_reload(config));
    program.wait_for_stderr(|line| line.contains("the root is gone"));
    assert_eq!(program.get("/").text(), "before");
}

#[test]
fn a_listener_can_come_and_go_while_the_others_keep_their_sockets() {
    let host = "hosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let one = format!("listeners: {{web: \"127.0.0.1:0\"}}\n{host}");
    let two = format!("listeners: {{web: \"127.0.0.1:0\", more: \"127.0.0.1:0\"}}\n{host}");
    let program = Program::config(&one).start();
    let address = program.address("web");
    let mut client = program.client();
    client.get("/");
    program.reload(&two);
    program.wait_for_stderr(|line| line.ends_with("(more)"));
    let more = program.address("more");
    assert_eq!(Client::connect(&more).get("/").text(), "a");
    program.reload(&one);
    eventually("the listener is gone", || std::net::TcpStream::connect(&more).is_err());
    assert_eq!(client.get("/").text(), "a");
    assert_eq!(Client::connect(&address).get("/").text(), "a");
}

#[test]
fn the_command_and_the_admin_listener_reload_as_the_signal_does() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: one}}}}\n").start();
    let admin = program.admin_address();
    program.write_config(&format!(
        "admin: \"{admin}\"\nhosts: {{\"*\": {{routes: {{/: {{respond: two}}}}}}}}\n"
    ));
    let answer = program.admin_client().request("POST", "/api/reload").body("").send();
    assert!((200..300).contains(&answer.status), "{answer:?}");
    eventually("the second configuration serves", || program.get("/").text() == "two");
    program.write_config(&format!(
        "admin: \"{admin}\"\nhosts: {{\"*\": {{routes: {{/: {{respond: three}}}}}}}}\n"
    ));
    let _ = program.folder().run("reload -c portunus.yaml").with_code(0);
    eventually("the third configuration serves", || program.get("/").text() == "three");
}

#[test]
fn a_changed_file_is_taken_without_a_signal_when_asked_to_watch() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: before}}}}\n")
        .argument("--watch")
        .start();
    assert_eq!(program.get("/").text(), "before");
    program.write_config("hosts: {\"*\": {routes: {/: {respond: after}}}}\n");
    eventually("the new file serves", || program.get("/").text() == "after");
}

#[test]
fn many_reloads_leave_neither_sockets_nor_connections_behind() {
    let origin = Origin::text("a");
    let program = Program::config(TWO_ROUTES).fill("origin", &origin).start();
    let mut client = program.client();
    let open = || program.metrics().sum("process_open_fds", &[]);
    client.get("/kept/1");
    program.reload(ONE_MOVED);
    let before = open();
    for _ in 0..10 {
        program.reload(TWO_ROUTES);
        program.reload(ONE_MOVED);
        assert_eq!(client.get("/kept/2").text(), "a");
    }
    eventually("no more descriptors than before", || open() <= before + 1.0);
    assert_eq!(origin.connections(), 1);
    program.signal(Signal::TERM);
}
