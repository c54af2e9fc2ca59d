//! A reload changes what changed, and nothing else.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use portunus_testkit::{Client, Finished, Folder, Gate, Origin, Program, Signal, eventually};

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
    // Not for everybody who can connect: it would undo a step back.
    let post = |token: &str| {
        let mut client = program.admin_client();
        let request = client.request("POST", "/api/reload").header("Authorization", token);
        request.body("").send().status
    };
    assert_eq!((post("Bearer wrong"), program.get("/").text()), (403, "one"));
    let token = program.folder().read("state/admin.token");
    assert_eq!(post(&format!("Bearer {}", token.trim_end())), 200);
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

const TOKEN: &str = "the-token-of-the-admin-api";

/// A configuration that answers everything with a text.
fn answering(text: &str) -> String {
    format!(
        "hosts: {{\"*\": {{routes: {{/: {{respond: {text}}}}}}}}}\n\
         admin: {{address: \"127.0.0.1:0\", token: {TOKEN}}}\n"
    )
}

/// Runs `portunus reload` against a program.
#[track_caller]
fn reload(program: &Program, arguments: &str) -> Finished {
    let token = program.path("admin.token");
    std::fs::write(&token, TOKEN).unwrap();
    let (admin, token) = (program.admin_address(), token.display().to_string());
    program.folder().run(&format!("reload {arguments} --admin {admin} --token-file {token}"))
}

#[test]
fn one_step_back_serves_the_configuration_before_and_the_files_stay() {
    let program = Program::config(&answering("one")).start();
    for text in ["two", "bad"] {
        program.reload(&answering(text));
    }
    let file = || std::fs::read_to_string(program.path("portunus.yaml")).unwrap();
    let bad = file();
    let mut client = program.client();
    assert_eq!(client.get("/").text(), "bad");
    let back = reload(&program, "--back").with_code(0);
    assert!(back.stderr.contains("the files say something else now"), "{back:?}");
    assert_eq!(client.get("/").text(), "two");
    assert_eq!(file(), bad, "the files are the operator's");
    program.wait_for_stderr(|line| line.contains("gone back to generation 2"));
    program.wait_for_stderr(|line| line.contains("the files say something else now"));
    let status = program.admin("/api/status").json();
    assert_eq!((&status["gone_back"]["current"], &status["generation"]), (&true.into(), &4.into()));
    let shown = program.folder().run(&format!("status --admin {}", program.admin_address()));
    assert!(shown.with_code(0).stdout.contains("gone back to the configuration of"));

    // Another step leads further, and then there is none.
    let _ = reload(&program, "--back").with_code(0);
    assert_eq!(client.get("/").text(), "one");
    let refused = reload(&program, "--back").with_code(1);
    assert!(refused.stderr.contains("no earlier configuration is known"), "{refused:?}");
    assert_eq!(client.get("/").text(), "one");

    // A reload takes the files again.
    let _ = reload(&program, "").with_code(0);
    assert_eq!(client.get("/").text(), "bad");
    assert!(program.admin("/api/status").json()["gone_back"].is_null());
}

#[test]
fn the_history_shows_what_was_accepted_and_a_mended_file_goes_back_past_the_bad_one() {
    let program = Program::config(&answering("one")).start();
    program.reload(&answering("bad"));
    let _ = reload(&program, "--back").with_code(0);
    program.reload(&answering("good"));
    let history = program.admin("/api/history").json();
    let all = history.as_array().unwrap();
    assert_eq!(all.len(), 3, "{history}");
    let flags = |index: usize| ["current", "back", "undone"].map(|key| all[index][key] == true);
    assert_eq!(flags(0), [true, false, false]);
    assert_eq!(flags(1), [false, false, true]);
    assert_eq!(flags(2), [false, true, false]);
    let shown = reload(&program, "--history").with_code(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains("served") && lines[1].contains("undone"), "{shown}");
    assert!(lines[2].contains("--back") && lines[0].contains("route"), "{shown}");
    let _ = reload(&program, "--back").with_code(0);
    assert_eq!(program.get("/").text(), "one");
}

#[test]
fn a_step_back_passes_the_checks_of_any_reload() {
    let secret = |name: &str| {
        format!(
            "hosts: {{\"*\": {{use: [{{basic: {{users: {{a: {{file: {name}}}}}}}}}], \
             routes: {{/: {{respond: a}}}}}}}}\n\
             admin: {{address: \"127.0.0.1:0\", token: {TOKEN}}}\n"
        )
    };
    let hash = Folder::new().run_on(&["key", "password"], "secret\n").with_code(0).stdout;
    let program = Program::config(&secret("first.txt")).file("first.txt", &hash).start();
    program.reload(&answering("second"));
    // What a secret was taken from is not kept, so it is missed.
    std::fs::remove_file(program.path("first.txt")).unwrap();
    let refused = reload(&program, "--back").with_code(1);
    assert!(refused.stderr.contains("first.txt"), "{refused:?}");
    assert_eq!(program.get("/").text(), "second");
    assert!(program.admin("/api/status").json()["gone_back"].is_null());
}

#[test]
fn whoever_can_merely_connect_makes_no_step_back() {
    let program = Program::config(&answering("one")).start();
    program.reload(&answering("two"));
    let answer = program.admin_client().request("POST", "/api/reload/back").body("").send();
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(program.get("/").text(), "two");
}

#[test]
fn the_history_outlives_a_restart_and_is_its_owner_s_alone() {
    let program = Program::config(&answering("one")).start();
    program.reload(&answering("two"));
    let program = program.stop_and_start();
    let history = program.admin("/api/history").json();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    assert_eq!((&history[0]["current"], &history[1]["back"]), (&true.into(), &true.into()));
    assert!(!history.to_string().contains(TOKEN), "no text is shown");
    let folder = std::fs::read_dir(program.path("state/history")).unwrap();
    let folder = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let _ = reload(&program, "--back").with_code(0);
    assert_eq!(program.get("/").text(), "one");
}

#[test]
fn a_watched_file_does_not_take_a_step_back_back_until_it_changes() {
    let program = Program::config(&answering("one")).argument("--watch").start();
    program.write_config(&answering("two"));
    eventually("the new file serves", || program.get("/").text() == "two");
    let _ = reload(&program, "--back").with_code(0);
    assert_eq!(program.get("/").text(), "one");
    // A change of an endpoint or a certificate looks at no file of the configuration.
    program.write_config(&answering("three"));
    eventually("the mended file serves", || program.get("/").text() == "three");
    let history = program.admin("/api/history").json();
    let generations: Vec<_> =
        history.as_array().unwrap().iter().map(|one| &one["generation"]).collect();
    assert_eq!(generations, [4, 2, 3], "the file was loaded once for each change");
}

#[test]
fn a_watch_follows_a_config_map_of_kubernetes() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name);
    let publish = |name: &str, text: &str| {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::write(path(name).join("more.yaml"), text).unwrap();
        std::os::unix::fs::symlink(name, path("..data_tmp")).unwrap();
        std::fs::rename(path("..data_tmp"), path("..data")).unwrap();
    };
    let route = |text: &str| format!("hosts: {{\"*\": {{routes: {{/: {{respond: {text}}}}}}}}}\n");
    publish("..2026_1", &route("one"));
    std::os::unix::fs::symlink("..data/more.yaml", path("more.yaml")).unwrap();
    let config = format!("include: [{}]\n", path("more.yaml").display());
    let program = Program::config(&config).argument("--watch").start();
    assert_eq!(program.get("/").text(), "one");
    publish("..2026_2", &route("two"));
    std::fs::remove_dir_all(path("..2026_1")).unwrap();
    eventually("the new map serves", || program.get("/").text() == "two");
}

/// Ten thousand routes, each to an upstream of its own but the first one, and one that answers with a text.
fn ten_thousand(last: &str) -> String {
    let route = |number: usize| {
        let to = format!("127.{}.{}.1:9", 1 + number / 250, number % 250);
        format!("      /r{number}/**: \"http://{to}\"\n")
    };
    let all: String = (1..10_000).map(route).collect();
    format!(
        "hosts:\n  \"*\":\n    routes:\n      /kept/**: \"{{origin}}\"\n{all}      \
         /last: {{respond: {last}}}\n"
    )
}

/// The time that the main thread, which is control's, has had of a processor.
fn control_time(program: &Program) -> Duration {
    let id = program.id();
    let stat = std::fs::read_to_string(format!("/proc/{id}/task/{id}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ');
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn ten_thousand_routes_reload_and_only_what_changed_is_touched() {
    let origin = Origin::text("kept");
    let program = Program::config(&ten_thousand("before")).fill("origin", &origin).start();
    let mut client = program.client();
    assert_eq!(client.get("/kept/a").text(), "kept");
    let before = control_time(&program);
    program.reload(&ten_thousand("after"));
    let took = control_time(&program) - before;
    assert_eq!((client.get("/last").text(), client.get("/kept/b").text()), ("after", "kept"));
    assert_eq!(origin.connections(), 1, "the pool of the others stays");
    let change = program.admin("/api/history").json()[0]["change"].to_string();
    for part in ["routes: 1 changed (*/last), 10000 kept", "upstreams: 10000 kept"] {
        assert!(change.contains(part), "{change}");
    }
    // A third of a second without optimization; what grows with the square of the routes takes minutes.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn who_asks_how_it_is_does_not_wait_for_a_disk_that_hangs() {
    let program = Program::config(&answering("one")).start();
    let file = program.path("portunus.yaml");
    let next = std::fs::read_to_string(&file).unwrap().replace("one", "two");
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    // Whoever opens it to read waits for the other end.
    program.signal(Signal::HUP);
    let mut pipe = std::fs::OpenOptions::new();
    let pipe = pipe.write(true).open(&file).unwrap();
    for path in ["/readyz", "/healthz", "/api/status", "/metrics"] {
        assert_eq!(program.admin(path).status, 200, "{path}");
    }
    assert_eq!(program.get("/").text(), "one");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &next).unwrap();
    std::io::Write::write_all(&mut &pipe, next.as_bytes()).unwrap();
    drop(pipe);
    eventually("it is read", || program.get("/").text() == "two");
}

#[test]
fn a_name_of_a_configuration_tells_nothing_of_its_text() {
    let program = Program::config(&answering("one")).start().stop_and_start();
    let shown = || program.admin("/api/history").json()[0]["digest"].clone();
    let folder = std::fs::read_dir(program.path("state/history")).unwrap();
    let folder = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let stored = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let stored: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(stored).unwrap()).unwrap();
    let (digest, shown) = (stored["revision"]["digest"].as_str().unwrap(), shown());
    assert!(digest.len() == 64 && shown.as_str().unwrap().len() >= 16, "{shown}");
    assert!(!shown.as_str().unwrap().contains(&digest[..8]), "{shown}");
}
