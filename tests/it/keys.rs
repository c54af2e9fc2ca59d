//! Consumers and their keys: made while the program runs, kept, shared between nodes, and revoked.

mod shared;

use portunus_testkit::{
    Answer, Authority, Client, Finished, Origin, Program, Response, Setup, eventually,
};

const CONFIG: &str = r#"
hosts:
  "*": {use: [api_key], routes: {/**: "{origin}"}}
consumers:
  - {name: acme, id: c-17, groups: [partners], keys: [{id: filed, value: the-key-of-the-file}]}
plans: {gold: 100/s}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
"#;

const TOKEN: &str = "the-token-of-the-admin-api";

fn setup(origin: &Origin) -> Setup {
    Program::config(CONFIG).fill("origin", origin)
}

/// Runs `portunus key` against a program.
#[track_caller]
fn key(program: &Program, arguments: &str) -> Finished {
    let admin = program.admin_address();
    let token = program.path("admin.token");
    std::fs::write(&token, TOKEN).unwrap();
    program
        .folder()
        .run(&format!("key {arguments} --admin {admin} --token-file {}", token.display()))
}

/// Makes a key and gives it.
#[track_caller]
fn make(program: &Program, arguments: &str) -> String {
    let made = key(program, &format!("create {arguments}")).with_code(0);
    made.stdout.trim_end().to_owned()
}

#[track_caller]
fn get(client: &mut Client, key: &str) -> Answer {
    client.request("GET", "/").header("X-Api-Key", key).send()
}

#[track_caller]
fn status(program: &Program, key: &str) -> u16 {
    get(&mut program.client(), key).status
}

#[test]
fn a_key_holds_at_once_on_all_workers_and_no_more_once_it_is_revoked() {
    let origin = Origin::text("a");
    let config = format!("{CONFIG}workers: 4\n");
    let program = Program::config(&config).fill("origin", &origin).start();
    let mut clients: Vec<Client> = (0..16).map(|_| program.client()).collect();
    for client in &mut clients {
        get(client, "no-such-key").assert_own(401, "auth.invalid");
    }
    let new = make(&program, "--consumer acme --id phone");
    assert!(new.starts_with("portunus_") && new.len() == 58, "{new}");
    for client in &mut clients {
        assert_eq!(get(client, &new).status, 200);
    }
    let listed = key(&program, "list").with_code(0).stdout;
    for part in ["filed", "phone", "acme", "valid", "configuration", "store"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    assert!(!listed.contains(&new), "a key is shown once");
    assert_eq!(key(&program, "revoke phone").with_code(0).stdout, "revoked phone\n");
    for client in &mut clients {
        get(client, &new).assert_own(401, "auth.invalid");
        assert_eq!(get(client, "the-key-of-the-file").status, 200);
    }
}

#[test]
fn the_upstream_learns_whose_key_it_is() {
    let origin = Origin::new(|request| {
        let names = ["x-consumer-username", "x-consumer-id", "x-credential-identifier"];
        Response::text(names.map(|name| request.header(name).unwrap_or("-")).join(" "))
    });
    let program = setup(&origin).start();
    let made = make(&program, "--consumer bob --new-consumer --plan gold --group staff --id b1");
    let answer = get(&mut program.client(), &made);
    assert_eq!(answer.text(), "bob bob b1");
    let filed = get(&mut program.client(), "the-key-of-the-file");
    assert_eq!(filed.text(), "acme c-17 filed");
    let consumers = program.admin("/api/consumers").json();
    assert_eq!(consumers[1]["name"], "bob");
    assert_eq!(consumers[1]["plan"], "gold");
    assert_eq!(consumers[1]["groups"][0], "staff");
    assert_eq!(consumers[1]["credentials"]["key"], 1);
    assert_eq!(consumers[0]["source"], "configuration");
}

#[test]
fn keys_outlive_a_reload_a_restart_and_a_kill() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    let kept = make(&program, "--consumer acme --id kept");
    let gone = make(&program, "--consumer acme --id gone");
    program.reload(&CONFIG.replace("partners", "others"));
    assert_eq!((status(&program, &kept), status(&program, &gone)), (200, 200));
    let _ = key(&program, "revoke gone").with_code(0);
    // Nothing that was answered may be lost, however the program ends.
    let program = program.kill_and_start();
    assert_eq!((status(&program, &kept), status(&program, &gone)), (200, 401));
    let late = make(&program, "--consumer acme --id late");
    let program = program.kill_and_start();
    assert_eq!((status(&program, &kept), status(&program, &late)), (200, 200));
    let file = std::fs::metadata(program.path("state/keys.redb")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
    assert_eq!(mode & 0o777, 0o600);
    let stored = std::fs::read(program.path("state/keys.redb")).unwrap();
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("late") && !holds(&late), "only the hash of a key is kept");
}

#[test]
fn a_consumer_that_changes_in_the_file_drops_no_connection() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    let mut client = program.client();
    assert_eq!(get(&mut client, "the-key-of-the-file").status, 200);
    assert_eq!(get(&mut client, "another-key-of-the-file").status, 401);
    let line = "  - {name: new, keys: [another-key-of-the-file]}\nplans:";
    program.reload(&CONFIG.replace("plans:", line));
    assert_eq!(get(&mut client, "another-key-of-the-file").status, 200);
    program.wait_for_stderr(|line| line.ends_with("consumers: 1 added (new), 1 kept"));
    program.reload(CONFIG);
    assert_eq!(get(&mut client, "another-key-of-the-file").status, 401);
    assert_eq!(origin.connections(), 1, "the pool of the upstream stays");
}

#[test]
fn a_key_takes_the_place_of_another_while_both_hold() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    let old = make(&program, "--consumer acme --id old");
    let rotated = key(&program, "rotate old --overlap 1h --new-id new").with_code(0);
    let new = rotated.stdout.trim_end();
    assert!(rotated.stderr.contains("key `old` is good until"), "{rotated:?}");
    assert_eq!((status(&program, &old), status(&program, new)), (200, 200));
    // One that ends at once.
    let rotated = key(&program, "rotate new --overlap 1us").with_code(0);
    let newest = rotated.stdout.trim_end();
    eventually("the replaced key ends", || status(&program, new) == 401);
    get(&mut program.client(), new).assert_own(401, "auth.expired");
    assert_eq!(status(&program, newest), 200);
    assert!(key(&program, "list").stdout.contains("expired"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    let refused = |arguments: &str, why: &str| {
        let finished = key(&program, arguments).with_code(1);
        assert!(finished.stderr.contains(why), "{why}: {finished:?}");
        assert_eq!(finished.stdout, "");
    };
    refused("create --consumer eve", "there is no consumer `eve`");
    refused("create --consumer acme --id filed", "there is a key `filed` already");
    refused("create --consumer acme --expires soon", "`soon` is not a duration");
    refused("create --consumer b --new-consumer --plan iron", "there is no plan `iron`");
    refused("revoke filed", "is written in the configuration; change it there");
    refused("revoke nothing", "there is no key `nothing`");
    refused("rotate nothing", "there is no key `nothing`");
    program.reload(&format!("{CONFIG}stores: {{keys: off}}\n"));
    refused("create --consumer acme", "`stores.keys` is off");
    let mut admin = program.admin_client();
    let broken = admin.request("POST", "/api/consumers/acme/keys");
    let broken = broken.header("Authorization", &format!("Bearer {TOKEN}")).body("{").send();
    assert_eq!(broken.status, 415);
}

#[test]
fn a_second_program_on_the_same_state_serves_and_says_what_is_wrong() {
    let origin = Origin::text("a");
    let first = setup(&origin).start();
    make(&first, "--consumer acme");
    let state = first.path("state").display().to_string();
    let second = setup(&origin).variable("STATE_DIRECTORY", &state).start();
    assert_eq!(status(&second, "the-key-of-the-file"), 200);
    let keys = &second.admin("/api/status").json()["keys"];
    assert_eq!(keys["state"], "down", "{keys}");
    let finished = key(&second, "create --consumer acme").with_code(1);
    assert!(finished.stderr.contains("another Portunus uses it"), "{finished:?}");
}

#[test]
fn whoever_merely_reaches_the_admin_api_changes_no_keys() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    let admin = program.admin_address();
    let bare = |arguments: &str| program.folder().run(&format!("key {arguments} --admin {admin}"));
    let _ = bare("list").with_code(0);
    let refused = bare("create --consumer acme").with_code(1);
    assert!(refused.stderr.contains("the token of `admin.token` is needed"), "{refused:?}");
    assert_eq!(bare("revoke filed").code, Some(1));
    program.reload(&CONFIG.replace(", token: the-token-of-the-admin-api", ""));
    let refused = key(&program, "create --consumer acme").with_code(1);
    assert!(refused.stderr.contains("write `admin: {token: {file: admin.token}}`"), "{refused:?}");
    let delete = program.admin_client().request("DELETE", "/api/consumers/acme").send();
    assert_eq!(delete.status, 403);
}

#[test]
fn whoever_may_open_the_socket_needs_no_token() {
    let origin = Origin::text("a");
    let config = CONFIG.replace(
        "{address: \"127.0.0.1:0\", token: the-token-of-the-admin-api}",
        "\"unix:{socket}\"",
    );
    let folder = portunus_testkit::Folder::new();
    let socket = folder.path("admin.sock").display().to_string();
    let program = Program::config(&config).fill("origin", &origin).fill("socket", &socket).start();
    let made = program.folder().run(&format!("key create --consumer acme --admin unix:{socket}"));
    let made = made.with_code(0).stdout;
    assert_eq!(status(&program, made.trim_end()), 200);
}

#[test]
fn hashes_and_tokens_are_made_by_the_command_alone() {
    let folder = portunus_testkit::Folder::new();
    let hash = folder.run_on(&["key", "hash"], "abc\n").with_code(0).stdout;
    let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    assert_eq!(hash, text);
    let hash = folder.run_on(&["key", "password"], "open sesame\n").with_code(0).stdout;
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
    let empty = folder.run_on(&["key", "password"], "").with_code(1);
    assert!(empty.stderr.contains("no password on standard input"), "{empty:?}");
    let secret = "a-secret-that-is-long-enough-for-hs256";
    let arguments = ["key", "jwt", "--secret", secret, "--claim", "sub=u-1", "--claim", "n=7"];
    let token = folder.run_with(&arguments).with_code(0).stdout;
    assert_eq!(token.trim_end().split('.').count(), 3, "{token}");
    let refused = folder.run_with(&["key", "jwt", "--secret", secret, "--alg", "RS256"]);
    assert!(refused.with_code(1).stderr.contains("this key signs by HS256, not by `RS256`"));
}

#[test]
fn hashes_of_the_command_work_in_a_configuration() {
    let origin = Origin::text("a");
    let folder = portunus_testkit::Folder::new();
    let hash = folder.run_on(&["key", "hash"], "a-key-of-my-own-making").with_code(0).stdout;
    let password = folder.run_on(&["key", "password"], "open sesame").with_code(0).stdout;
    let config = r#"
hosts:
  keys.test: {use: [api_key], routes: {/: "{origin}"}}
  words.test: {use: [basic], routes: {/: "{origin}"}}
consumers:
  - {name: acme, keys: ["{hash}"], passwords: [{user: ali, hash: "{password}"}]}
"#;
    let program = Program::config(config)
        .fill("origin", &origin)
        .fill("hash", hash.trim_end())
        .fill("password", password.trim_end())
        .start();
    let mut client = program.client().for_host("keys.test");
    assert_eq!(get(&mut client, "a-key-of-my-own-making").status, 200);
    // `ali:open sesame` in base64.
    let mut client = program.client().for_host("words.test");
    let ask = client.request("GET", "/").header("Authorization", "Basic YWxpOm9wZW4gc2VzYW1l");
    assert_eq!(ask.send().status, 200);
    let shown = program.admin("/api/config").text().to_owned();
    assert!(!shown.contains(password.trim_end()), "{shown}");
}

#[test]
fn a_quota_goes_on_after_a_restart() {
    let origin = Origin::text("a");
    let config = r#"
hosts:
  "*": {use: [api_key, {quota: 3/d per consumer}], routes: {/**: "{origin}"}}
consumers: [{name: acme, keys: [the-key-of-the-file]}]
"#;
    let program = Program::config(config).fill("origin", &origin).start();
    let mut client = program.client();
    assert_eq!(get(&mut client, "the-key-of-the-file").status, 200);
    assert_eq!(get(&mut client, "the-key-of-the-file").status, 200);
    let program = program.stop_and_start();
    let mut client = program.client();
    assert_eq!(get(&mut client, "the-key-of-the-file").status, 200);
    assert_eq!(get(&mut client, "the-key-of-the-file").status, 429);
}

#[test]
fn a_program_without_keys_and_quotas_writes_no_file() {
    let origin = Origin::text("a");
    let program = setup(&origin).start();
    assert_eq!(status(&program, "the-key-of-the-file"), 200);
    let program = program.stop_and_start();
    let made = std::fs::read_dir(program.path("state")).unwrap();
    let mut made = made.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(made.all(|name| !name.ends_with(".redb")));
}

#[test]
fn a_token_of_the_command_makes_its_bearer_the_consumer_of_its_claim() {
    let origin = Origin::text("a");
    let config = r#"
hosts:
  "*": {use: [{jwt: {keys: {public_key: signer.pem}}}], routes: {/**: "{origin}"}}
consumers: [{name: acme, claims: {azp: acme-web}}]
"#;
    let signer = Authority::new("issuer").issue(&["issuer.test"]);
    let program =
        Program::config(config).fill("origin", &origin).identity("signer", &signer).start();
    let token = |claim: &str| {
        let made = program.folder().run(&format!("key jwt --key signer.key --claim {claim}"));
        made.with_code(0).stdout.trim_end().to_owned()
    };
    let ask = |token: &str| {
        let mut client = program.client();
        client.request("GET", "/").header("Authorization", &format!("Bearer {token}")).send()
    };
    assert_eq!(ask(&token("azp=acme-web")).status, 200);
    assert_eq!(origin.request().header("x-consumer-username"), Some("acme"));
    ask(&token("exp=1")).assert_own(401, "auth.expired");
    ask("no.token.here").assert_own(401, "auth.invalid");
}
