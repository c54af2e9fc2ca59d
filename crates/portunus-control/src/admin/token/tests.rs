use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_keeps_one_token_that_only_its_owner_can_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state/admin.token");
    let token = OwnToken::kept_at(&path).unwrap();
    let text = read_own_token(&path).unwrap();
    assert_eq!(text.len(), 64);
    assert!(token.is(text.as_bytes()) && !token.is(b"") && !token.is(&[b'0'; 64]));
    assert_eq!(OwnToken::kept_at(&path).unwrap().hash, token.hash, "a restart keeps it");
    let folder = path.parent().unwrap();
    let modes = [folder, &path].map(|it| it.metadata().unwrap().permissions().mode() & 0o777);
    assert_eq!(modes, [0o700, 0o600]);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing is left beside it");
    assert!(!format!("{token:?}").contains(&text));
}

#[test]
fn what_others_may_know_or_is_no_token_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.token");
    for mode in [0o644, 0o640, 0o620, 0o700] {
        let old = OwnToken::kept_at(&path).unwrap().hash;
        set_mode(&path, mode);
        let new = OwnToken::kept_at(&path).unwrap();
        assert_ne!(new.hash, old, "{mode:o}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    for text in ["", "short", &"x".repeat(64), &"0".repeat(200)] {
        fs::write(&path, text).unwrap();
        assert!(read_own_token(&path).is_err(), "{text}");
        let token = OwnToken::kept_at(&path).unwrap();
        assert!(token.is(read_own_token(&path).unwrap().as_bytes()));
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn links_and_pipes_are_neither_followed_nor_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let (path, secret) = (home.path().join("admin.token"), home.path().join("secret"));
    fs::write(&secret, "0".repeat(64)).unwrap();
    set_mode(&secret, 0o600);
    symlink(&secret, &path).unwrap();
    assert!(read_own_token(&path).is_err());
    OwnToken::kept_at(&path).unwrap();
    assert!(path.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read_to_string(&secret).unwrap(), "0".repeat(64));
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(read_own_token(&path).is_err());
    OwnToken::kept_at(&path).unwrap();
    assert!(read_own_token(&path).is_ok());
}

#[test]
fn of_many_who_make_the_token_at_once_all_have_the_same() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.token");
    let make = || OwnToken::kept_at(&path).unwrap().hash;
    let hashes = std::thread::scope(|scope| {
        let threads = [(); 8].map(|()| scope.spawn(make));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn one_is_wanted_only_where_commands_have_no_other_way() {
    let is_wanted = |admin: &str| {
        let loaded = portunus_config::load_text("test", &format!("admin: {admin}\n"), &Env::new());
        OwnToken::is_wanted(&loaded.spec.unwrap().admin)
    };
    for admin in ["off", "unix:/run/portunus/admin.sock", "{token: the-token-of-my-own}"] {
        assert!(!is_wanted(admin), "{admin}");
    }
    for admin in ["{}", "127.0.0.1:8170", "\":8170\""] {
        assert!(is_wanted(admin), "{admin}");
    }
}

#[test]
fn it_is_in_the_state_folder_where_that_can_be_written() {
    let home = tempfile::tempdir().unwrap();
    let env =
        |folder: &Path| Env::from([("STATE_DIRECTORY".to_owned(), folder.display().to_string())]);
    let token = OwnToken::kept(&env(home.path())).unwrap();
    assert_eq!(token.path(), own_token_file(&env(home.path())));
    assert!(OwnToken::kept(&env(Path::new("/dev/null/state"))).is_none());
}
