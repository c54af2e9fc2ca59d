//! Commands that change what runs, over TCP, where no token is configured: they find that of the state folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use portunus_testkit::{Finished, Folder, Origin, Program};

const CONFIG: &str = r#"
upstreams: {shop: "{origin}"}
hosts: {"*": {use: [api_key], routes: {/**: shop}}}
consumers: [{name: acme}]
"#;

fn started() -> Program {
    Program::config(CONFIG).fill("origin", Origin::text("a")).start()
}

/// Makes a key, in a folder whose state folder is that of the program or another one.
#[track_caller]
fn make_key(program: &Program, folder: &Folder, more: &str) -> Finished {
    let admin = program.admin_address();
    folder.run(&format!("key create --consumer acme --admin {admin} {more}"))
}

fn token(program: &Program) -> String {
    program.folder().read("state/admin.token")
}

#[test]
fn a_fresh_program_is_changed_by_commands_at_once() {
    let origin = Origin::text("a");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let folder = program.folder();
    let key = make_key(&program, folder, "--id phone").with_code(0).stdout;
    let mut client = program.client();
    let answer = client.request("GET", "/").header("X-Api-Key", key.trim_end()).send();
    assert_eq!(answer.status, 200);
    let admin = program.admin_address();
    let place = format!("shop {}", origin.address());
    program.reload(&CONFIG.replace("/**", "/more/**"));
    for command in [
        "key rotate phone",
        "key revoke phone",
        &format!("endpoint drain {place}"),
        &format!("endpoint undrain {place}"),
        &format!("endpoint weight {place} 2"),
        "endpoint reset",
        "reload --back",
    ] {
        let _ = folder.run(&format!("{command} --admin {admin}")).with_code(0);
    }
    let file = fs::metadata(program.path("state/admin.token")).unwrap();
    assert_eq!(file.mode() & 0o777, 0o600);
    let token = token(&program);
    let answers = ["/api/status", "/api/config", "/metrics"].map(|path| program.admin(path));
    let shown = answers.map(|answer| answer.text().to_owned()).concat() + &program.stderr();
    assert!(token.len() > 60 && !shown.contains(token.trim_end()), "{shown}");
}

#[test]
fn without_the_right_token_nothing_is_changed_and_the_way_out_is_told() {
    let program = started();
    let post = |token: &str| {
        let mut client = program.admin_client();
        let request = client.request("POST", "/api/consumers/acme/keys");
        let request = request.header("Authorization", &format!("Bearer {token}"));
        request.header("Content-Type", "application/json").body("{}").send().status
    };
    assert_eq!((post(""), post("wrong"), post(token(&program).trim_end())), (403, 403, 201));
    program.folder().write("wrong.token", &"0".repeat(64));
    let wrong = make_key(&program, program.folder(), "--token-file wrong.token").with_code(1);
    let path = program.path("state/admin.token").display().to_string();
    assert!(wrong.stderr.contains(&path), "{wrong:?}");
    // One that cannot be read.
    fs::remove_file(&path).unwrap();
    let bare = make_key(&program, program.folder(), "").with_code(1);
    for part in
        ["no token was shown", &path, "only its user and root", "sudo", "--token-file", "unix:/"]
    {
        assert!(bare.stderr.contains(part), "{part}: {bare:?}");
    }
}

#[test]
fn the_token_of_another_state_folder_opens_nothing() {
    let (program, other) = (started(), started());
    assert_ne!(token(&program), token(&other));
    let refused = make_key(&program, other.folder(), "").with_code(1);
    assert!(refused.stderr.contains("another Portunus's"), "{refused:?}");
    assert!(!refused.stderr.contains(token(&other).trim_end()));
    let nowhere = make_key(&program, &Folder::new(), "").with_code(1);
    assert!(nowhere.stderr.contains("no token was shown"), "{nowhere:?}");
}

#[test]
fn restarts_and_upgrades_keep_the_token() {
    let program = started();
    let first = token(&program);
    let mut program = program.kill_and_start();
    assert_eq!(token(&program), first);
    program.upgrade();
    assert_eq!(token(&program), first);
    let _ = make_key(&program, program.folder(), "").with_code(0);
}

#[test]
fn a_token_that_others_could_read_is_replaced() {
    let program = started();
    let known = token(&program);
    let path = program.path("state/admin.token");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let program = program.stop_and_start();
    program.wait_for_stderr(|line| line.contains("others may read or write it"));
    assert_ne!(token(&program), known);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    program.folder().write("known.token", &known);
    let _ = make_key(&program, program.folder(), "--token-file known.token").with_code(1);
    let _ = make_key(&program, program.folder(), "").with_code(0);
}

#[test]
fn a_configured_token_takes_its_place_and_gives_it_back() {
    let origin = Origin::text("a");
    let configured =
        format!("{CONFIG}admin: {{address: \"127.0.0.1:0\", token: a-token-of-my-own}}\n");
    let program = Program::config(&configured).fill("origin", &origin).start();
    assert_eq!(token(&program), "");
    program.reload(CONFIG);
    let _ = make_key(&program, program.folder(), "").with_code(0);
    program.reload(&configured);
    let refused = make_key(&program, program.folder(), "").with_code(1);
    assert!(refused.stderr.contains("the token of `admin.token` is needed"), "{refused:?}");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told_once() {
    let program = Program::config(CONFIG)
        .fill("origin", Origin::text("a"))
        .variable("STATE_DIRECTORY", "/dev/null/state")
        .start();
    let told = |line: &&str| line.contains("no token can be kept");
    program.wait_for_stderr(|line| told(&line));
    let refused = make_key(&program, program.folder(), "").with_code(1);
    assert!(refused.stderr.contains("write `admin: {token: {file: admin.token}}`"), "{refused:?}");
    program.reload(CONFIG);
    assert_eq!(program.stderr().lines().filter(told).count(), 1);
}

#[test]
fn root_may_show_the_token_of_another_user_but_to_that_user_alone() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root becomes another user");
        return;
    }
    let config = format!("user: nobody\n{CONFIG}");
    let program = Program::config(&config).fill("origin", Origin::text("a")).open_to_all().start();
    assert_ne!(fs::metadata(program.path("state/admin.token")).unwrap().uid(), 0);
    let _ = make_key(&program, program.folder(), "").with_code(0);
    // Root's own one would serve whoever listens there.
    let own = Folder::new();
    own.write("state/admin.token", &token(&program));
    let kept = make_key(&program, &own, "").with_code(1);
    assert!(kept.stderr.contains("it is kept from another user"), "{kept:?}");
}
