//! Endpoints that an operator drains or weighs while the program runs.

use std::collections::BTreeMap;

use portunus_testkit::{
    Answer, Client, Finished, Folder, Gate, Origin, Program, Response, eventually,
};

const CONFIG: &str = r#"
upstreams:
  shop:
    # The first one is the old machine.
    - "{a}"   # soon gone
    - url: "{b}" # new
      weight: 2
hosts: {"*": {routes: {/**: shop}}}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
"#;

const TOKEN: &str = "the-token-of-the-admin-api";

fn two() -> [Origin; 2] {
    ["a", "b"].map(Origin::text)
}

fn started(config: &str, [a, b]: &[Origin; 2]) -> Program {
    Program::config(config).fill("a", a).fill("b", b).start()
}

/// Runs `portunus endpoint` against a program.
#[track_caller]
fn endpoint(program: &Program, arguments: &str) -> Finished {
    let token = program.path("admin.token");
    std::fs::write(&token, TOKEN).unwrap();
    let (admin, token) = (program.admin_address(), token.display().to_string());
    program.folder().run(&format!("endpoint {arguments} --admin {admin} --token-file {token}"))
}

/// Asks the admin API to change something.
fn ask(program: &Program, method: &str, path: &str, body: &str) -> Answer {
    let mut client = program.admin_client();
    let request = client.request(method, path).header("Authorization", &format!("Bearer {TOKEN}"));
    request.header("Content-Type", "application/json").body(body).send()
}

fn shares(client: &mut Client, count: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        *shares.entry(client.get("/").text().to_owned()).or_default() += 1;
    }
    shares
}

#[track_caller]
fn assert_shares(client: &mut Client, expected: &[(&str, usize)]) {
    let all = expected.iter().map(|(_, count)| count).sum();
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(shares(client, all), expected);
}

#[test]
fn an_endpoint_that_drains_ends_what_it_does_and_gets_nothing_new() {
    let gate = Gate::new();
    let opened = gate.clone();
    let slow = Origin::raw(move |mut peer| {
        peer.request();
        opened.wait();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    });
    let other = Origin::text("b");
    let program = Program::config(CONFIG).fill("a", &slow).fill("b", &other).start();
    // One of three goes to the slow one.
    let mut waiting: Vec<Client> = (0..3).map(|_| program.client()).collect();
    for client in &mut waiting {
        client.request("GET", "/").start();
    }
    slow.wait_for(1);
    let address = slow.address().to_string();
    let drained = endpoint(&program, &format!("drain shop {address}")).with_code(0);
    assert!(drained.stdout.contains("draining"), "{drained:?}");
    let mut client = program.client();
    assert_shares(&mut client, &[("b", 12)]);
    let listed = program.admin("/api/upstreams/shop/endpoints").json();
    let state = |name: &str| {
        let all = listed.as_array().unwrap();
        all.iter().find(|one| one["address"] == *name).unwrap()["state"].clone()
    };
    assert_eq!(state(&address), "draining");
    assert_eq!(state(&other.address().to_string()), "up");
    gate.open();
    let mut answers: Vec<String> =
        waiting.iter_mut().map(|client| client.read().text().to_owned()).collect();
    answers.sort();
    assert_eq!(answers, ["a", "b", "b"], "what ran has ended well");
    let _ = endpoint(&program, &format!("undrain shop {address}")).with_code(0);
    let got = shares(&mut client, 3);
    assert_eq!(got.get("a"), Some(&1), "{got:?}");
}

#[test]
fn a_weight_counts_at_once_for_each_algorithm_and_zero_is_none() {
    let origins = two();
    for balance in ["round_robin", "{hash: {key: path}}", "{maglev: {key: path}}", "p2c"] {
        let config =
            CONFIG.replace("    # The first one is the old machine.\n", "    endpoints:\n");
        let config = config.replace("hosts:", &format!("    balance: {balance}\nhosts:"));
        let program = started(&config, &origins);
        let mut client = program.client();
        let url = format!("http://{}", origins[1].address());
        let set = endpoint(&program, &format!("weight shop {url} 0")).with_code(0);
        assert!(set.stdout.contains("weight 0 instead of 2"), "{set:?}");
        let paths: Vec<String> = (0..30).map(|number| format!("/{number}")).collect();
        let served = |client: &mut Client, by: &str| {
            paths.iter().filter(|path| client.get(path).text() == by).count()
        };
        assert_eq!(served(&mut client, "a"), 30, "{balance}");
        let _ = endpoint(&program, &format!("weight shop {url} file")).with_code(0);
        assert!(served(&mut client, "b") > 0, "{balance}");
    }
}

#[test]
fn what_an_operator_has_set_outlives_reloads_and_ends_with_a_reset() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let mut client = program.client();
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("weight shop {a} 4")).with_code(0);
    assert_shares(&mut client, &[("a", 4), ("b", 2)]);
    // Another algorithm makes another upstream, and another weight of a neighbour another set.
    let other = CONFIG.replace("weight: 2", "weight: 1");
    program.reload(&other);
    assert_shares(&mut client, &[("a", 4), ("b", 1)]);
    let status = program.admin("/api/status").json();
    assert_eq!(status["changed_endpoints"], 1);
    let listed = endpoint(&program, "list --changed").with_code(0).stdout;
    assert!(listed.contains(&a) && !listed.contains(&b), "{listed}");
    assert!(listed.contains("weight 4 instead of 1"), "{listed}");
    let _ = endpoint(&program, "reset").with_code(0);
    assert_shares(&mut client, &[("a", 2), ("b", 2)]);
    assert_eq!(program.admin("/api/changes").json()["changes"], serde_json::json!([]));
    // A file that says the same as the operator ends the difference.
    let _ = endpoint(&program, &format!("weight shop {b} 3")).with_code(0);
    program.reload(&CONFIG.replace("weight: 2", "weight: 3"));
    assert_eq!(program.admin("/api/status").json()["changed_endpoints"], 0);
    program.reload(CONFIG);
    assert_shares(&mut client, &[("a", 2), ("b", 4)]);
}

#[test]
fn changes_have_versions() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let path = format!("/api/upstreams/shop/endpoints/{}", origins[0].address());
    let changes = program.admin("/api/changes");
    assert_eq!(
        (changes.json()["version"].clone(), changes.header("etag")),
        (0.into(), Some("\"0\""))
    );
    let changed = ask(&program, "PATCH", &path, r#"{"drain": true, "weight": 9}"#);
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"1\"")), "{changed:?}");
    let one = &program.admin("/api/changes").json()["changes"][0];
    assert_eq!(
        (&one["drain"], &one["weight"], &one["configured_weight"]),
        (&true.into(), &9.into(), &1.into())
    );
    // What changes nothing is no change.
    assert_eq!(ask(&program, "PATCH", &path, r#"{"drain": true}"#).header("etag"), Some("\"1\""));
    let late = |version: &str| {
        let mut client = program.admin_client();
        let request =
            client.request("PATCH", &path).header("Authorization", &format!("Bearer {TOKEN}"));
        let request =
            request.header("Content-Type", "application/json").header("If-Match", version);
        request.body(r#"{"drain": false}"#).send()
    };
    let stale = late("\"0\"");
    assert_eq!((stale.status, stale.json()["code"].clone()), (412, "change.stale".into()));
    assert_eq!(late("\"1\"").status, 200);
    let all = ask(&program, "POST", "/api/changes/reset", "{}");
    assert_eq!(all.json()["version"], 3);
}

#[test]
fn what_cannot_be_changed_is_told_with_what_could_be_meant() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let unknown = ask(&program, "PATCH", "/api/upstreams/shp/endpoints/a:80", r#"{"drain": true}"#);
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, "upstream.unknown".into()));
    assert!(unknown.text().contains("did you mean `shop`?"), "{unknown:?}");
    let near = format!("{}0", origins[0].address());
    let refused = endpoint(&program, &format!("drain shop {near}")).with_code(1);
    let meant = format!("did you mean `{}`?", origins[0].address());
    assert!(refused.stderr.contains(&meant), "{refused:?}");
    let path = format!("/api/upstreams/shop/endpoints/{}", origins[0].address());
    for (body, status) in
        [("{}", 400), (r#"{"weight": 2000000}"#, 400), (r#"{"drian": true}"#, 422)]
    {
        assert_eq!(ask(&program, "PATCH", &path, body).status, status, "{body}");
    }
    // Whoever can merely connect changes nothing.
    let mut client = program.admin_client();
    let request = client.request("PATCH", &path).header("Content-Type", "application/json");
    assert_eq!(request.body(r#"{"drain": true}"#).send().status, 401);
    assert_eq!(program.admin("/api/changes").json()["version"], 0);
}

#[test]
fn when_no_endpoint_is_left_the_operator_hears_of_it() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("weight shop {a} 0")).with_code(0);
    let last = endpoint(&program, &format!("drain shop {b}")).with_code(0);
    assert!(last.stderr.contains("no endpoint of `shop` takes new requests"), "{last:?}");
    assert_eq!(program.get("/").status, 503);
    let drained = || program.metrics().sum("portunus_upstream_endpoints", &[("state", "draining")]);
    eventually("the metric shows it", || drained() == 1.0);
    let status = program.folder().run(&format!("status --admin {}", program.admin_address()));
    assert!(status.with_code(0).stdout.contains("endpoints that an operator has changed: 2"));
}

/// Weights come into the file of a program, with the sandbox or without it. Gives what was said of it.
fn saves(sandbox: &str) -> Finished {
    let origins = two();
    let program = started(&format!("{CONFIG}sandbox: {sandbox}\n"), &origins);
    let before = std::fs::read_to_string(program.path("portunus.yaml")).unwrap();
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("weight shop {a} 5")).with_code(0);
    let _ = endpoint(&program, &format!("weight shop {b} 7")).with_code(0);
    let _ = endpoint(&program, &format!("drain shop {b}")).with_code(0);
    let saved = endpoint(&program, "save").with_code(0);
    assert!(saved.stderr.contains("a drain has no key in the file"), "{saved:?}");
    let expected = before
        .replace(&format!("- \"http://{a}\""), &format!("- {{url: \"http://{a}\", weight: 5}}"))
        .replace("weight: 2", "weight: 7");
    assert_ne!(before, expected);
    assert_eq!(std::fs::read_to_string(program.path("portunus.yaml")).unwrap(), expected);
    // The file says it now, and is served.
    assert_eq!(program.admin("/api/changes").json()["changes"].as_array().unwrap().len(), 1);
    let _ = endpoint(&program, &format!("undrain shop {b}")).with_code(0);
    assert_shares(&mut program.client(), &[("a", 5), ("b", 7)]);
    saved
}

#[test]
fn saved_weights_come_into_the_file_which_keeps_its_comments() {
    let saved = saves("off");
    assert!(saved.stdout.contains("portunus.yaml:5: weight 5"), "{saved:?}");
}

#[test]
fn where_the_program_may_not_write_its_files_the_command_does() {
    let _ = saves("auto");
}

/// The wish to have a file written with another text, of whoever answers as the admin API.
fn wish_for(path: &std::path::Path) -> String {
    let edits = serde_json::json!([{"start": 0, "end": 8, "text": "theirs"}]);
    let file = serde_json::json!({"path": path, "hash": "526b7ebe67732fb5", "edits": edits});
    let wish = serde_json::json!({"code": "save.not_written", "error": "no", "files": [file]});
    wish.to_string()
}

#[test]
fn whoever_answers_as_the_admin_api_names_no_file_that_is_written() {
    let folder = Folder::with("upstreams: {shop: [http://a:80]}\nadmin: off\n");
    folder.write("victim", "a secret");
    let [victim, own] = ["victim", "portunus.yaml"].map(|name| wish_for(&folder.path(name)));
    for (wish, expected) in [
        (victim, "which is no file of ./portunus.yaml"),
        (own, "portunus.yaml:1: weight 5 for http://a:80 of shop"),
    ] {
        let admin = Origin::new(move |request| {
            let endpoint = serde_json::json!({
                "name": "http://a:80", "weight": 5, "configured_weight": 1,
            });
            let text = match &*request.target {
                "/api/changes/save" => wish.clone(),
                "/api/reload" => r#"{"ok": true}"#.to_owned(),
                _ => serde_json::json!([{"name": "shop", "endpoints": [endpoint]}]).to_string(),
            };
            let status = if request.target.ends_with("save") { 409 } else { 200 };
            Response::text(text).with_status(status).then_close()
        });
        let done = folder.run(&format!("endpoint save --admin {}", admin.address()));
        assert!(format!("{}{}", done.stdout, done.stderr).contains(expected), "{done:?}");
        assert_eq!(folder.read("victim"), "a secret");
    }
    let expected = "upstreams: {shop: [{url: http://a:80, weight: 5}]}\nadmin: off\n";
    assert_eq!(folder.read("portunus.yaml"), expected, "what it may say is a weight");
}

#[test]
fn where_one_of_two_files_may_be_written_the_command_writes_both() {
    let origins = two();
    // The program may write into the folder of its log.
    let config = r#"
upstreams: {shop: ["{a}"]}
include: [logs/more.yaml]
log: {access: {to: logs/access.log}}
hosts: {"*": {routes: {/a: shop, /b: orders}}}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
"#;
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let more = format!("upstreams: {{orders: [\"http://{b}\"]}}\n");
    let setup = Program::config(config).fill("a", &origins[0]).file("logs/more.yaml", &more);
    let program = setup.start();
    let _ = endpoint(&program, &format!("weight shop {a} 5")).with_code(0);
    let _ = endpoint(&program, &format!("weight orders {b} 7")).with_code(0);
    let saved = endpoint(&program, "save").with_code(0);
    for line in ["portunus.yaml:2: weight 5 for", "logs/more.yaml:1: weight 7 for"] {
        assert!(saved.stdout.contains(line), "{line}: {saved:?}");
    }
    assert!(program.folder().read("portunus.yaml").contains("weight: 5"));
    assert!(program.folder().read("logs/more.yaml").contains("weight: 7"));
    assert_eq!(program.admin("/api/changes").json()["changes"], serde_json::json!([]));
}

#[test]
fn a_weight_in_a_list_that_two_upstreams_share_keeps_no_other_from_its_file() {
    let origins = two();
    let config = r#"
upstreams:
  shop: &both
    - "{a}"
    - "{b}"
  orders: *both
  mail: "{a}"
hosts: {"*": {routes: {/shop: shop, /orders: orders, /mail: mail}}}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
"#;
    let program = started(config, &origins);
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("weight shop {b} 5")).with_code(0);
    let _ = endpoint(&program, &format!("weight mail {a} 7")).with_code(0);
    let saved = endpoint(&program, "save").with_code(1);
    assert!(
        saved.stdout.contains(&format!("portunus.yaml:7: weight 7 for http://{a}")),
        "{saved:?}"
    );
    let left =
        format!("portunus.yaml:5: not saved: the weight of http://{b} of shop: it cannot be");
    assert!(saved.stderr.contains(&left), "{saved:?}");
}

#[test]
fn a_watched_file_is_loaded_once_when_weights_come_into_it() {
    let origins = two();
    let [a, b] = &origins;
    let config = CONFIG.replace("    # The first one is the old machine.\n", "    endpoints:\n");
    let config = config.replace("hosts:", "    health: {path: /, every: 250ms}\nhosts:");
    let config = format!("{config}sandbox: off\n");
    let setup = Program::config(&config).fill("a", a).fill("b", b).argument("--watch");
    let program = setup.start();
    let _ = endpoint(&program, &format!("weight shop {} 5", a.address())).with_code(0);
    let _ = endpoint(&program, "save").with_code(0);
    // By then the watch has looked at what it heard of.
    a.wait_for(a.requests().len() + 6);
    assert_eq!(program.admin("/api/status").json()["generation"], 2);
}

#[test]
fn a_save_that_is_refused_hides_no_change_of_a_watched_file() {
    let origins = two();
    let [a, b] = &origins;
    let setup = Program::config(CONFIG).fill("a", a).fill("b", b).argument("--watch");
    let program = setup.start();
    program.write_config(&CONFIG.replace("weight: 2", "weight: 6"));
    let refused = ask(&program, "POST", "/api/changes/save", "");
    assert_eq!(refused.json()["code"], "save.file_changed", "{refused:?}");
    eventually("the new file serves", || {
        let listed = program.admin("/api/upstreams/shop/endpoints").json();
        listed[1]["weight"] == 6
    });
}

#[test]
fn the_list_shows_weights_and_who_gets_nothing_by_them() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("weight shop {a} 0")).with_code(0);
    let listed = endpoint(&program, "list").with_code(0).stdout;
    let line = |address: &str| {
        let line = listed.lines().find(|line| line.contains(address)).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(line(&a).contains("up, no new requests weight 0 instead of 1"), "{listed}");
    assert!(line(&b).contains("up weight 2 in flight"), "{listed}");
    let wrong = endpoint(&program, &format!("weight shop {a} -1")).with_code(1);
    assert!(wrong.stderr.contains("`-1` is no weight; write a whole number"), "{wrong:?}");
}

#[test]
fn what_a_shell_lacks_keeps_no_command_from_the_admin_api() {
    let origin = Origin::text("a");
    let folder = Folder::new();
    let socket = folder.path("admin.sock").display().to_string();
    let config = format!(
        "upstreams: {{shop: \"${{TARGET}}\"}}\nhosts: {{\"*\": {{routes: {{/: shop}}}}}}\n\
         admin: {{address: \"unix:{socket}\", token: {{env: THE_TOKEN}}}}\n"
    );
    let setup = Program::config(&config).variable("TARGET", &origin.to_string());
    let program = setup.variable("THE_TOKEN", TOKEN).start();
    let run = |arguments: &str| program.folder().run(&format!("endpoint {arguments}"));
    assert!(run("list").with_code(0).stdout.contains(&origin.address().to_string()));
    let _ = run(&format!("weight shop {} 5", origin.address())).with_code(0);
}

#[test]
fn a_file_that_has_changed_since_is_left_alone() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let a = origins[0].address();
    let _ = endpoint(&program, &format!("weight shop {a} 5")).with_code(0);
    program.write_config(&CONFIG.replace("soon gone", "gone soon"));
    let changed = std::fs::read_to_string(program.path("portunus.yaml")).unwrap();
    let refused = endpoint(&program, "save").with_code(1);
    assert!(refused.stderr.contains("have changed since they were loaded"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(program.path("portunus.yaml")).unwrap(), changed);
}

#[test]
fn what_stands_in_no_list_is_not_saved_and_why_is_told() {
    let origin = Origin::text("a");
    let config = r#"
hosts: {"*": {routes: {/**: "{a}"}}}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
"#;
    let program = Program::config(config).fill("a", &origin).start();
    let url = format!("http://{}", origin.address());
    let _ = endpoint(&program, &format!("weight {url} {url} 5")).with_code(0);
    let left = endpoint(&program, "save").with_code(1);
    assert!(left.stderr.contains("it stands in a route"), "{left:?}");
}

#[test]
fn a_change_of_an_endpoint_hides_no_change_of_a_watched_file() {
    let origins = two();
    let [a, b] = &origins;
    let setup = Program::config(CONFIG).fill("a", a).fill("b", b).argument("--watch");
    let program = setup.start();
    // The file is read when it has been quiet for a moment, and meanwhile an operator does something else.
    program.write_config(&CONFIG.replace("weight: 2", "weight: 6"));
    let path = format!("/api/upstreams/shop/endpoints/{}", a.address());
    assert_eq!(ask(&program, "PATCH", &path, r#"{"drain": true}"#).status, 200);
    let weights = || {
        let listed = program.admin("/api/upstreams/shop/endpoints").json();
        listed.as_array().unwrap().iter().map(|one| one["weight"].clone()).collect::<Vec<_>>()
    };
    eventually("the new file serves", || weights() == [1, 6]);
}

#[test]
fn a_drain_and_a_weight_wait_for_an_endpoint_that_is_away() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let [a, b] = origins.each_ref().map(|origin| origin.address().to_string());
    let _ = endpoint(&program, &format!("drain shop {a}")).with_code(0);
    let _ = endpoint(&program, &format!("weight shop {b} 7")).with_code(0);
    let changes = || program.admin("/api/changes").json()["changes"].clone();
    let alone = |kept: &str| CONFIG.replace(if kept == "a" { "{b}" } else { "{a}" }, "{other}");
    // Each of the two is away once, then both at once.
    for config in [alone("b"), alone("a"), CONFIG.replace("/**: shop", "/: {respond: none}")] {
        let config = config.replace("{other}", "http://127.0.0.1:9");
        program.reload(&config);
        program.reload(&config.replace("weight: 2", "weight: 3"));
    }
    program.reload(&CONFIG.replace("shop", "market"));
    let away = changes();
    assert_eq!(away.as_array().unwrap().len(), 2, "{away}");
    let of = |address: &str| {
        away.as_array().unwrap().iter().find(|one| one["endpoint"] == *address).unwrap().clone()
    };
    assert_eq!((&of(&a)["there"], &of(&a)["drain"]), (&false.into(), &true.into()));
    assert_eq!((&of(&b)["there"], &of(&b)["weight"]), (&false.into(), &7.into()));
    assert_eq!(program.admin("/api/status").json()["changed_endpoints"], 2);
    let listed = endpoint(&program, "list --changed").with_code(0).stdout;
    assert!(listed.contains(&format!("{a}  not there now, drains")), "{listed}");
    assert!(listed.contains(&format!("{b}  not there now, weight 7")), "{listed}");
    program.reload(CONFIG);
    let back = changes();
    assert!(back.as_array().unwrap().iter().all(|one| one["there"] == true), "{back}");
    assert_shares(&mut program.client(), &[("b", 5)]);
    // A step back is a reload like any other: to the market, and then the shop again.
    let answer = ask(&program, "POST", "/api/reload/back", "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let taken_back = ask(&program, "POST", "/api/changes/reset", r#"{"upstream": "shop"}"#);
    assert_eq!(taken_back.status, 200, "what is not there is taken back too: {taken_back:?}");
    assert_eq!(changes(), serde_json::json!([]));
    program.reload(CONFIG);
    assert_shares(&mut program.client(), &[("a", 1), ("b", 2)]);
}

#[test]
fn two_names_of_one_address_are_drained_and_weighed_apart() {
    let origin = Origin::text("a");
    let port = origin.address().port();
    let config = format!(
        "upstreams: {{shop: [\"http://127.0.0.1:{port}\", \"http://localhost:{port}\"]}}\n\
         hosts: {{\"*\": {{routes: {{/**: shop}}}}}}\n\
         admin: {{address: \"127.0.0.1:0\", token: {TOKEN}}}\n"
    );
    let program = Program::config(&config).start();
    let all = || program.admin("/api/upstreams/shop/endpoints").json();
    let of = |name: &str, key: &str| {
        let all = all();
        let mut its = all.as_array().unwrap().iter().filter(|one| one["name"] == *name);
        let first = its.next().map(|one| one[key].clone()).unwrap_or_default();
        assert!(its.all(|one| one[key] == first), "{all}");
        first
    };
    let [ip, host] = ["127.0.0.1", "localhost"].map(|name| format!("http://{name}:{port}"));
    eventually("the name is found", || of(&host, "weight") == 1);
    let _ = endpoint(&program, &format!("weight shop {ip} 5")).with_code(0);
    let _ = endpoint(&program, &format!("weight shop {host} 7")).with_code(0);
    let _ = endpoint(&program, &format!("drain shop {host}")).with_code(0);
    program.reload(&format!("{config}zone: a\n"));
    eventually("the name is found again", || of(&host, "weight") == 7);
    assert_eq!((of(&ip, "weight"), of(&ip, "drain")), (5.into(), false.into()));
    assert_eq!(of(&host, "drain"), true);
}

#[test]
fn what_ends_a_change_moves_its_version() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let b = origins[1].address();
    let _ = endpoint(&program, &format!("weight shop {b} 3")).with_code(0);
    let before = program.admin("/api/changes");
    assert_eq!(before.json()["changes"].as_array().unwrap().len(), 1);
    program.reload(&CONFIG.replace("weight: 2", "weight: 3"));
    let after = program.admin("/api/changes");
    assert_eq!(after.json()["changes"], serde_json::json!([]));
    assert_ne!(before.header("etag"), after.header("etag"));
    let mut client = program.admin_client();
    let request = client
        .request("PATCH", &format!("/api/upstreams/shop/endpoints/{b}"))
        .header("Authorization", &format!("Bearer {TOKEN}"))
        .header("Content-Type", "application/json")
        .header("If-Match", before.header("etag").unwrap());
    let stale = request.body(r#"{"drain": true}"#).send();
    assert_eq!((stale.status, stale.json()["code"].clone()), (412, "change.stale".into()));
}

#[test]
fn every_refusal_is_json_with_a_code() {
    let origins = two();
    let program = started(CONFIG, &origins);
    let path = format!("/api/upstreams/shop/endpoints/{}", origins[0].address());
    let send = |method: &str, path: &str, token: &str, kind: &str, body: &str| {
        let mut client = program.admin_client();
        let request = client.request(method, path).header("Authorization", token);
        request.header("Content-Type", kind).body(body).send()
    };
    let (right, json) = (format!("Bearer {TOKEN}"), "application/json");
    for (method, path, token, kind, body, status, code) in [
        ("PATCH", &*path, &*right, json, "{", 400, "body.malformed"),
        ("PATCH", &path, &right, json, r#"{"drian": true}"#, 422, "body.invalid"),
        ("PATCH", &path, &right, "text/plain", r#"{"drain": true}"#, 415, "body.content_type"),
        ("PATCH", &path, "Bearer wrong", json, r#"{"drain": true}"#, 401, "token.wrong"),
        ("POST", "/api/consumers", &right, json, "[", 400, "body.malformed"),
        ("DELETE", "/api/keys/none", &right, json, "", 404, "keys.unknown"),
        ("POST", "/api/nothing", &right, json, "", 404, "path.unknown"),
        ("DELETE", "/api/reload", &right, json, "", 405, "method.not_allowed"),
        ("POST", "/api/reload/back", &right, json, "", 422, "reload.no_earlier"),
    ] {
        let answer = send(method, path, token, kind, body);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        let told = answer.json();
        assert_eq!((answer.status, told["code"].clone()), (status, code.into()), "{answer:?}");
        assert!(told["error"].as_str().is_some_and(|text| text.len() > 5), "{answer:?}");
    }
    let mut client = program.admin_client();
    let request = client.request("GET", "/api/status").host("evil.example");
    let strange = request.send();
    let code = strange.json()["code"].clone();
    assert_eq!((strange.status, code), (403, "request.forbidden".into()));
}
