//! `portunus cert` where no Portunus runs.

use std::os::unix::fs::PermissionsExt as _;

use portunus_testkit::{Folder, Program, TlsClient};

const CONFIG: &str = r#"
listeners: {web: {address: "127.0.0.1:0", tls: [{cert: made/shop.test.pem, key: made/shop.test.key}]}}
hosts: {"*": {routes: {/**: {respond: fine}}}}
"#;

#[test]
fn issue_writes_a_pair_that_serves_and_list_shows_it_offline() {
    let folder = Folder::with(CONFIG);
    let issue = "cert issue --name shop.test --name 127.0.0.1 --out made";
    let finished = folder.run(issue).with_code(0);
    assert!(finished.stdout.contains("shop.test, 127.0.0.1"), "{finished:?}");
    let mode = |name| folder.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("made/shop.test.key"), 0o600);
    let list = folder.run("cert list --offline -c portunus.yaml").with_code(0);
    assert!(list.stdout.contains("web  shop.test, 127.0.0.1  until "), "{list:?}");
    let json = folder.run("cert list --offline --json -c portunus.yaml").with_code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[0]["source"], "made/shop.test.pem");
    let trust = folder.run("cert trust -c portunus.yaml").with_code(0);
    assert!(trust.stderr.contains("no running Portunus names an authority"), "{trust:?}");
    let authority = trust.stdout;
    let setup =
        Program::config(CONFIG).file("made/shop.test.pem", &folder.read("made/shop.test.pem"));
    let program = setup.file("made/shop.test.key", &folder.read("made/shop.test.key")).start();
    let client = TlsClient::trusting_pem(&authority);
    assert_eq!(client.h1(&program.address("web"), "shop.test").get("/").text(), "fine");
}

#[test]
fn issue_writes_over_no_file_and_says_what_is_no_name() {
    let folder = Folder::new();
    let issue = "cert issue --name shop.test";
    let _ = folder.run(issue).with_code(0);
    let key = folder.read("shop.test.key");
    let again = folder.run(issue).with_code(1);
    assert!(again.stderr.contains("shop.test.key"), "{again:?}");
    assert_eq!(folder.read("shop.test.key"), key);
    std::fs::remove_file(folder.path("shop.test.key")).unwrap();
    let again = folder.run(issue).with_code(1);
    assert!(again.stderr.contains("shop.test.pem"), "{again:?}");
    assert!(!folder.path("shop.test.key").exists());
    let wrong = folder.run_with(&["cert", "issue", "--name", "ä b"]).with_code(1);
    assert!(wrong.stderr.contains("ä b"), "{wrong:?}");
}
