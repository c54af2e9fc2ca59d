use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use portunus_base::Wall;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fingerprint::Fingerprint;
use super::{QUIET, QUIET_MAX, Watcher, quiet};

#[tokio::test(start_paused = true)]
async fn notices_are_collected_until_there_are_none_for_a_moment() {
    let (sender, mut notices) = mpsc::channel(1);
    let start = Instant::now();
    let writing = async {
        for _ in 0..3 {
            tokio::time::sleep(QUIET / 2).await;
            let _ = sender.try_send(());
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = quiet(&mut notices) => {}
        () = writing => {}
    }
    assert_eq!(start.elapsed(), QUIET * 3 / 2 + QUIET);
}

#[tokio::test(start_paused = true)]
async fn an_endless_stream_of_notices_is_cut() {
    let (sender, mut notices) = mpsc::channel(1);
    let start = Instant::now();
    let writing = async {
        loop {
            tokio::time::sleep(QUIET / 4).await;
            let _ = sender.try_send(());
        }
    };
    tokio::select! {
        () = quiet(&mut notices) => {}
        () = writing => {}
    }
    assert_eq!(start.elapsed(), QUIET_MAX);
}

#[test]
fn renames_links_and_new_files_change_the_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("one"), "a: 1").unwrap();
    std::fs::write(path("two"), "a: 1").unwrap();
    symlink(path("one"), path("main.yaml")).unwrap();
    let look = || Fingerprint::of(&[path("main.yaml")], &[folder.path().to_owned()]);
    let first = look();
    assert_eq!(first, look());

    symlink(path("two"), path("other")).unwrap();
    assert_eq!(first, look(), "what is no part of the configuration does not count");
    std::fs::rename(path("other"), path("main.yaml")).unwrap();
    let second = look();
    assert_ne!(first, second);

    std::fs::write(path("more.yaml"), "b: 1").unwrap();
    assert_ne!(second, look());
}

/// What `write` does to the folder of `main.yaml` is noticed once, whole, and nothing is left to be noticed.
async fn assert_noticed(write: impl Fn(&dyn Fn(&str) -> PathBuf)) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("..first")).unwrap();
    std::fs::write(path("..first/main.yaml"), "a: 1").unwrap();
    symlink("..first", path("..data")).unwrap();
    symlink("..data/main.yaml", path("main.yaml")).unwrap();
    let mut watcher = Watcher::new();
    watcher.follow(&[path("main.yaml")], &[]);
    write(&path);
    let noticed = tokio::time::timeout(Duration::from_secs(20), watcher.changed()).await;
    assert!(noticed.is_ok());
    assert_eq!(std::fs::read_to_string(path("main.yaml")).unwrap(), "a: 2");
    assert_eq!(watcher.known, watcher.look());
}

#[tokio::test]
async fn a_file_that_is_moved_there_is_noticed() {
    assert_noticed(|path| {
        std::fs::write(path("main.yaml.tmp"), "a: 2").unwrap();
        std::fs::rename(path("main.yaml.tmp"), path("main.yaml")).unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_vim_and_emacs_do_is_noticed() {
    // The old file becomes the backup, and another one is written in its place; the lock of emacs leads nowhere.
    assert_noticed(|path| {
        symlink("me@here.1:2", path(".#main.yaml")).unwrap();
        std::fs::write(path("4913"), "").unwrap();
        std::fs::remove_file(path("4913")).unwrap();
        std::fs::rename(path("main.yaml"), path("main.yaml~")).unwrap();
        std::fs::write(path("main.yaml"), "a: 2").unwrap();
        std::fs::remove_file(path("main.yaml~")).unwrap();
        std::fs::remove_file(path(".#main.yaml")).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_written_to_is_noticed() {
    assert_noticed(|path| std::fs::write(path("main.yaml"), "a: 2").unwrap()).await;
}

#[tokio::test]
async fn a_config_map_that_is_swapped_is_noticed() {
    assert_noticed(|path| {
        std::fs::create_dir(path("..second")).unwrap();
        std::fs::write(path("..second/main.yaml"), "a: 2").unwrap();
        symlink("..second", path("..data_tmp")).unwrap();
        std::fs::rename(path("..data_tmp"), path("..data")).unwrap();
        std::fs::remove_dir_all(path("..first")).unwrap();
    })
    .await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the time of a file is the system's")]
async fn a_file_from_the_future_counts_as_changed_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.pem");
    std::fs::write(&path, "one").unwrap();
    let now = SystemTime::now();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(now + Duration::from_secs(3600)).unwrap();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() / 1000;
    let since = Wall(u64::try_from(since).unwrap());

    let files = [path];
    let mut watcher = Watcher::new();
    watcher.follow_since(&files, &[], since);
    let noticed = tokio::time::timeout(Duration::from_secs(20), watcher.changed()).await;
    assert!(noticed.is_ok());
    watcher.follow_since(&files, &[], since);
    assert_eq!(watcher.known, watcher.look(), "nothing is left to be noticed");

    std::fs::write(&files[0], "other").unwrap();
    watcher.follow_since(&files, &[], since);
    assert_ne!(watcher.known, watcher.look(), "what was written since the look is");
}
