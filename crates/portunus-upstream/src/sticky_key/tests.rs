use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_folder_keeps_one_key_that_only_its_owner_can_read() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state");
    let key = StickyKey::kept_in(&folder).unwrap();
    assert_eq!(StickyKey::kept_in(&folder).unwrap(), key);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.iter().map(|file| file.file_name()).collect::<Vec<_>>(), ["sticky.key"]);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(files[0].path()).unwrap();
    assert_eq!(StickyKey::of(&text), key, "another node can be given it");
}

#[test]
fn of_many_who_make_the_key_at_once_all_have_the_same() {
    let home = tempfile::tempdir().unwrap();
    let make = || StickyKey::kept_in(home.path()).unwrap();
    let keys = std::thread::scope(|scope| {
        let threads = [(); 8].map(|()| scope.spawn(make));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn what_is_no_key_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE);
    fs::write(&path, "short").unwrap();
    assert!(StickyKey::kept_in(home.path()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "short");
}

#[test]
fn signatures_depend_on_key_and_text_and_show_neither() {
    let (one, other) = (StickyKey::of(&"a".repeat(32)), StickyKey::of(&"b".repeat(32)));
    let mac = one.sign("10.0.0.1:80");
    assert_eq!(mac, one.sign("10.0.0.1:80"));
    // The key's MAC by another implementation: openssl dgst -sha256 -hmac.
    assert_eq!(mac, "041c7013032b024c64f4e9c89ae554d7");
    assert_ne!(mac, one.sign("10.0.0.2:80"));
    assert_ne!(mac, other.sign("10.0.0.1:80"));
    assert_eq!(format!("{one:?}"), "StickyKey");
}
