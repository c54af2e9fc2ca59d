//! The access log.

use portunus_testkit::{Origin, Program, Signal, eventually};

fn program(log: &str, origin: &Origin) -> Program {
    let config = "log: {access: {log}}\nupstreams: {shop: \"{origin}\"}\nhosts: {\"*\": {routes: {/**: shop}}}\n";
    Program::config(config).fill("log", log).fill("origin", origin).start()
}

#[test]
fn each_request_is_one_line_of_json() {
    let origin = Origin::text("abc");
    let program = program("{to: stdout}", &origin);
    let mut client = program.client();
    client.request("GET", "/a%22b?c=d").header("User-Agent", "a \"test\"").send();
    let line = program.wait_for_stdout(|line| line.starts_with('{'));
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["method"], "GET", "{record}");
    assert_eq!((&record["path"], &record["query"]), (&"/a%22b".into(), &"c=d".into()));
    assert_eq!(record["status"], 200);
    assert_eq!(record["client.ip"], "127.0.0.1");
    assert_eq!(record["host"], "shop.test");
    assert_eq!((&record["listener"], &record["upstream"]), (&"web".into(), &"shop".into()));
    let endpoint = record["endpoint"].as_str().unwrap();
    assert!(endpoint.ends_with(&origin.address().to_string()), "{record}");
    assert_eq!(record["user_agent"], "a \"test\"");
    assert_eq!(record["attempts"], 1);
    assert_eq!(record.get("reason"), None);
    assert!(record["duration_ms"].as_f64().unwrap() >= 0.0);
}

#[test]
fn an_answer_of_our_own_is_logged_with_its_reason() {
    let program = Program::config("hosts: {}").start();
    program.get("/nowhere");
    let line = program.wait_for_stdout(|line| line.contains("/nowhere"));
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["status"], 404);
    assert_eq!(record["reason"], "route.no_host");
}

#[test]
fn the_common_form_is_that_of_apache() {
    let origin = Origin::text("abc");
    let program = program("{format: common, to: stdout}", &origin);
    program.get("/a?b");
    let line = program.wait_for_stdout(|line| line.contains("/a"));
    let (client, rest) = line.split_once(" - - [").unwrap();
    assert_eq!(client, "127.0.0.1");
    assert!(rest.contains("] \"GET /a?b HTTP/1.1\" 200 "), "{line}");
}

#[test]
fn a_template_writes_what_it_names() {
    let origin = Origin::text("abc");
    let program =
        program("{format: \"{client.ip} {method} {path} {status}\", to: stdout}", &origin);
    program.get("/a?b");
    program.wait_for_stdout(|line| line == "127.0.0.1 GET /a 200");
}

#[test]
fn a_log_that_was_moved_away_is_opened_anew_on_the_signal() {
    let origin = Origin::text("abc");
    let program = program("{format: \"{path}\", to: ./access.log}", &origin);
    program.get("/before");
    let has = |file: &str, line: &str| program.folder().read(file).contains(line);
    eventually("the line is written", || has("access.log", "/before"));
    std::fs::rename(program.path("access.log"), program.path("access.1")).unwrap();
    program.signal(Signal::USR1);
    eventually("the file is there again", || program.path("access.log").exists());
    program.get("/after");
    eventually("the line is in the new file", || has("access.log", "/after"));
    assert!(has("access.1", "/before") && !has("access.1", "/after"));
}

#[test]
fn all_lines_are_there_when_the_program_has_ended() {
    let origin = Origin::text("abc");
    let folder = portunus_testkit::Folder::new();
    let log = format!("{{format: \"{{path}}\", to: {}}}", folder.path("access.log").display());
    let program = program(&log, &origin);
    let mut client = program.client();
    for at in 0..50 {
        client.get(&format!("/{at}"));
    }
    drop(client);
    program.stop();
    assert_eq!(folder.read("access.log").lines().count(), 50);
}
