use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::Embedded;
use crate::tests::{keeps_rows, key, rows, run};
use crate::{CredentialStore as _, RowKind};

#[test]
fn it_keeps_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/keys.redb");
    run(async {
        let store = Embedded::new(path.clone());
        assert_eq!(rows(&store).await, []);
        assert!(!store.remove(RowKind::Key, "a").await.unwrap());
        assert!(!path.exists(), "nothing is made to read");
        keeps_rows(&store).await;
        let before = rows(&store).await;
        drop(store);
        assert_eq!(rows(&Embedded::new(path.clone())).await, before);
    });
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_second_process_is_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.redb");
    run(async {
        let first = Embedded::new(path.clone());
        first.insert(key("a", "1")).await.unwrap();
        let second = Embedded::new(path.clone());
        let error = second.list().await.unwrap_err().to_string();
        assert!(error.contains("another Portunus uses it; give each its own"), "{error}");
        assert!(error.contains("keys.redb"), "{error}");
        drop(first);
        assert_eq!(rows(&second).await.len(), 1, "it opens when the other one is gone");
    });
}

#[test]
fn a_file_of_something_else_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.redb");
    std::fs::write(&path, "not a database at all, and long enough to be looked at".repeat(100))
        .unwrap();
    run(async {
        let store = Embedded::new(path.clone());
        assert!(store.list().await.is_err());
        assert!(store.insert(key("a", "1")).await.is_err());
    });
}

/// The other process of the test below: writes until it is killed, and says what it was promised.
#[test]
#[ignore = "run by the test below"]
fn writes_until_it_is_killed() {
    let path = std::env::var_os(PATH).unwrap();
    run(async {
        let store = Embedded::new(path.into());
        for number in 0_u64.. {
            assert!(store.insert(key(&number.to_string(), "1")).await.unwrap());
            println!("\nwritten {number}");
        }
    });
}

#[test]
fn what_was_promised_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.redb");
    for round in 1..=5 {
        let _ = std::fs::remove_file(&path);
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "embedded::tests::writes_until_it_is_killed"])
            .arg("--nocapture")
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut promised =
            lines.filter_map(|line| line.strip_prefix("written ")?.parse::<usize>().ok());
        let mut last = promised.nth(round * 7).unwrap();
        writer.kill().unwrap();
        last = promised.last().unwrap_or(last);
        writer.wait().unwrap();
        run(async {
            let found = rows(&Embedded::new(path.clone())).await;
            let has = |number: usize| found.iter().any(|(_, id, _)| *id == number.to_string());
            assert!((0..=last).all(has), "{last} were promised, {} are there", found.len());
        });
    }
}

const PATH: &str = "PORTUNUS_TEST_STORE";
