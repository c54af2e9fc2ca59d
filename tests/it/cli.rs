//! The commands, and starts that fail.

use portunus_testkit::{Finished, Folder, Origin, Program, Setup};

const GOOD: &str = r#"
hosts:
  shop.test:
    routes:
      /orders/{id}: {methods: [GET], to: "http://127.0.0.1:1"}
      /orders/**: {respond: {status: 410}}
      /search:
        - {when: {header: {x-beta: "1"}}, respond: beta}
        - {respond: plain}
"#;

#[test]
fn check_says_nothing_bad_of_a_good_file() {
    let finished = Folder::with(GOOD).run("check -c portunus.yaml").with_code(0);
    assert!(!finished.stderr.contains("error"), "{finished:#?}");
}

/// Checks a configuration with mistakes: each is told with its place and what to write instead.
fn check_reports(config: &str, mistakes: &[(&str, &str)]) {
    let finished = Folder::with(config).run("check -c portunus.yaml").with_code(1);
    for (place, text) in mistakes {
        assert!(finished.stderr.contains(place), "{place}: {}", finished.stderr);
        assert!(finished.stderr.contains(text), "{text}: {}", finished.stderr);
    }
}

#[test]
fn check_reports_every_mistake_with_its_place_and_a_way_out() {
    let config = r#"hosts:
  shop.test:
    routes:
      /a: {too: http://127.0.0.1:1}
      /b: {to: http://127.0.0.1:1, timeouts: {request: 5}}
log: {level: lod}
"#;
    let mistakes = [
        ("portunus.yaml:4:12", "did you mean `to`"),
        ("portunus.yaml:5:56", "5s"),
        ("portunus.yaml:6:14", "debug"),
    ];
    check_reports(config, &mistakes);
}

#[test]
fn check_reports_wrong_names_and_wrong_filters_beside_them() {
    let config = r#"hosts:
  shop.test:
    routes:
      /a: {to: nowhere}
      /b: {use: [{redirekt: /x}], to: http://127.0.0.1:1}
      /c: {respond: {status: 99}}
log: {level: lod}
"#;
    let mistakes = [
        ("portunus.yaml:4:16", "nowhere"),
        ("portunus.yaml:5:", "did you mean `redirect`"),
        ("portunus.yaml:6:30", "99"),
        ("portunus.yaml:7:14", "lod"),
    ];
    check_reports(config, &mistakes);
}

#[test]
fn fmt_prints_the_normal_form_which_checks_and_stays_as_it_is() {
    let folder = Folder::with("hosts: {shop.test: {routes: {/: http://127.0.0.1:1}}}\n");
    let normal = folder.run("fmt --normal -c portunus.yaml").with_code(0).stdout;
    assert!(normal.contains("to: http://127.0.0.1:1"), "{normal}");
    folder.write("portunus.yaml", &normal);
    assert_eq!(folder.run("fmt --normal -c portunus.yaml").with_code(0).stdout, normal);
    let _ = folder.run("check -c portunus.yaml").with_code(0);
}

fn explain(request: &[&str]) -> Finished {
    let arguments = [&["explain", "-c", "portunus.yaml"], request].concat();
    Folder::with(GOOD).run_with(&arguments).with_code(0)
}

#[test]
fn explain_tells_the_route_and_why_the_others_lost() {
    let finished = explain(&["GET", "http://shop.test/orders/7"]);
    assert!(finished.stdout.contains("/orders/{id}"), "{finished:#?}");
    assert!(finished.stdout.contains("127.0.0.1:1"), "{finished:#?}");
    let finished = explain(&["POST", "http://shop.test/orders/7"]);
    assert!(finished.stdout.contains("/orders/**"), "{finished:#?}");
    assert!(finished.stdout.contains("/orders/{id}"), "the loser is missing: {finished:#?}");
    assert!(finished.stdout.to_lowercase().contains("method"), "{finished:#?}");
}

#[test]
fn explain_takes_headers_as_curl_does() {
    let plain = explain(&["GET", "http://shop.test/search"]).stdout;
    let beta = explain(&["GET", "http://shop.test/search", "-H", "x-beta: 1"]).stdout;
    assert_ne!(plain, beta);
    assert!(plain.contains("x-beta"), "what the loser lacked is missing: {plain}");
}

#[test]
fn tests_of_a_file_pass_or_fail_by_name() {
    let tests = |expect: &str| {
        format!(
            "{GOOD}tests:\n  - {{name: old orders, request: GET http://shop.test/orders/7/a, expect: {expect}}}\n"
        )
    };
    let _ = Folder::with(&tests("410")).run("test -c portunus.yaml").with_code(0);
    let failed = Folder::with(&tests("200")).run("test -c portunus.yaml").with_code(1);
    let told = format!("{}{}", failed.stdout, failed.stderr);
    for part in ["old orders", "200", "410"] {
        assert!(told.contains(part), "{part}: {failed:#?}");
    }
}

#[test]
fn version_tells_the_version() {
    let finished = Folder::new().run("version").with_code(0);
    assert!(finished.stdout.contains("0.1.0"), "{finished:#?}");
}

/// A start that fails: exit code 1, and one line that has these words.
fn fails(folder: &Folder, words: &[&str]) {
    let finished = folder.run("run -c portunus.yaml").with_code(1);
    for word in words {
        assert!(finished.stderr.contains(word), "{word}: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("portunus: ready"), "{}", finished.stderr);
    assert_eq!(
        finished.stderr.lines().filter(|line| !line.trim().is_empty()).count(),
        1,
        "{}",
        finished.stderr
    );
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = format!("listeners: {{web: \"{address}\"}}\nadmin: off\nhosts: {{}}\n");
    fails(&Folder::with(&config), &[&address, "in use"]);
}

#[test]
fn a_port_of_another_portunus_is_in_use_too() {
    let program = Program::config("hosts: {}").start();
    let address = program.address("web");
    let config = format!("listeners: {{web: \"{address}\"}}\nadmin: off\nhosts: {{}}\n");
    fails(&Folder::with(&config), &[&address, "in use"]);
}

#[test]
fn a_missing_file_is_one_clear_line() {
    fails(&Folder::new(), &["portunus.yaml", "no such file"]);
}

#[test]
fn a_place_that_cannot_be_listened_on_is_one_clear_line() {
    let config = "listeners: {web: \"unix:/proc/portunus.sock\"}\nadmin: off\nhosts: {}\n";
    fails(&Folder::with(config), &["/proc/portunus.sock"]);
}

#[test]
fn a_bad_configuration_never_starts() {
    let finished = Folder::with("hots: {}\n").run("run -c portunus.yaml").with_code(1);
    assert!(finished.stderr.contains("did you mean `hosts`"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("listening"), "{}", finished.stderr);
}

#[test]
fn an_unknown_command_is_refused() {
    let finished = Folder::new().run("rum").with_code(1);
    assert!(finished.stderr.contains("run"), "{finished:#?}");
}

#[test]
fn a_start_needs_no_file() {
    let origin = Origin::text("a");
    let arguments = ["--host", "shop.test", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let setup = arguments.into_iter().fold(Program::config(""), Setup::argument);
    let program = setup.argument("--to").argument(&origin.to_string()).start_without_file();
    assert_eq!(program.get("/a").text(), "a");
    let mut client = program.client();
    client.request("GET", "/").host("other.test").send().assert_own(404, "route.no_host");
}
