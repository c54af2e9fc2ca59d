use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portunus_base::Wall;
use tokio::runtime::Handle;

use super::{HistoryFolder, Written, identity};
use crate::history::{History, KeptFile, Revision};

fn revision(text: &str) -> Revision {
    revision_of(Path::new("portunus.yaml"), text)
}

fn revision_of(main: &Path, text: &str) -> Revision {
    let more = main.parent().unwrap().join("conf.d/more.yaml");
    let file = |path: &Path, text: &str| KeptFile { path: path.to_owned(), text: text.to_owned() };
    Revision::new(main.to_owned(), vec![file(main, text), file(&more, "more")], Wall(1))
}

fn texts(history: &History) -> Vec<String> {
    history.revisions().iter().map(|one| one.files[0].text.clone()).collect()
}

fn folder(state: &Path, main: &Path) -> (HistoryFolder, Arc<History>) {
    let mut folder = HistoryFolder::new(state, main, Handle::current());
    let history = folder.load(main);
    (folder, Arc::new(history))
}

fn accept(folder: &mut HistoryFolder, history: &mut Arc<History>, revision: Revision) {
    *history = Arc::new(history.accepted(revision));
    folder.save(history);
}

#[tokio::test]
async fn what_was_accepted_is_there_for_the_next_process_and_for_its_owner_alone() {
    let state = tempfile::tempdir().unwrap();
    let main = Path::new("portunus.yaml");
    let (mut kept, mut history) = folder(state.path(), main);
    for text in ["a", "b", "c"] {
        accept(&mut kept, &mut history, revision(text));
    }
    let next = Arc::new(history.went_back(&history.before().unwrap().digest.clone(), 4));
    kept.save(&next);
    kept.finish().await;

    let (_, loaded) = folder(state.path(), main);
    assert_eq!(texts(&loaded), ["a", "b", "c"]);
    assert!(loaded.revisions()[2].is_undone && !loaded.revisions()[1].is_undone);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let files = kept.place.files();
    assert_eq!(mode(&kept.place.path), 0o700);
    assert_eq!(mode(&kept.place.path.join(&files[0].1)), 0o600);
    assert_eq!(texts(&folder(state.path(), Path::new("other.yaml")).1), Vec::<String>::new());

    std::fs::write(kept.place.path.join(&files[1].1), "{").unwrap();
    assert_eq!(texts(&folder(state.path(), main).1), ["a", "c"], "what is damaged is left out");
}

#[tokio::test]
async fn what_is_forgotten_is_removed() {
    let state = tempfile::tempdir().unwrap();
    let main = Path::new("portunus.yaml");
    let (mut kept, mut history) = folder(state.path(), main);
    for number in 0..15 {
        accept(&mut kept, &mut history, revision(&number.to_string()));
    }
    kept.finish().await;
    assert_eq!(texts(&folder(state.path(), main).1), texts(&history));
    assert_eq!(kept.place.files().len(), history.revisions().len());
}

#[tokio::test]
async fn another_spelling_of_the_main_file_is_the_same_history() {
    let state = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("sub")).unwrap();
    let link = state.path().join("link");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    let first = home.path().join("portunus.yaml");
    let (mut kept, mut history) = folder(state.path(), &first);
    accept(&mut kept, &mut history, revision_of(&first, "a"));
    kept.finish().await;
    let spellings =
        [home.path().join("./sub/../portunus.yaml"), link.join("portunus.yaml"), first.clone()];
    for (count, main) in spellings.into_iter().enumerate() {
        let (mut kept, mut history) = folder(state.path(), &main);
        assert_eq!(history.revisions().len(), count + 1, "{main:?}");
        let known = &history.revisions()[0];
        assert_eq!((&known.main, &known.files[0].path), (&main, &main));
        assert_eq!(known.files[1].path, main.parent().unwrap().join("conf.d/more.yaml"));
        assert_eq!(known.digest, revision_of(&main, "a").digest);
        accept(&mut kept, &mut history, revision_of(&main, &count.to_string()));
        kept.finish().await;
    }
    assert_eq!(identity(Path::new("a.yaml")), identity(Path::new("./a.yaml")));
}

#[tokio::test]
async fn two_processes_of_one_main_file_remove_nothing_of_each_other() {
    let state = tempfile::tempdir().unwrap();
    let main = Path::new("portunus.yaml");
    let ((mut one, mut ones), (mut other, mut others)) =
        (folder(state.path(), main), folder(state.path(), main));
    for number in 0..12 {
        accept(&mut one, &mut ones, revision(&format!("one {number}")));
        accept(&mut other, &mut others, revision(&format!("other {number}")));
    }
    one.finish().await;
    other.finish().await;
    assert_eq!(one.place.files().len(), ones.revisions().len() + others.revisions().len());
    let (_, loaded) = folder(state.path(), main);
    assert_eq!(loaded.revisions().len(), ones.revisions().len(), "of all the newest");
    assert!(texts(&loaded).contains(&"one 11".to_owned()), "{:?}", texts(&loaded));
}

#[tokio::test]
async fn a_write_that_fails_is_tried_again_with_the_next() {
    let state = tempfile::tempdir().unwrap();
    let main = Path::new("portunus.yaml");
    let (kept, mut history) = folder(state.path(), main);
    let (place, mut written) = (kept.place, Written::new());
    let blocked = state.path().join("history");
    std::fs::write(&blocked, "").unwrap();
    for text in ["a", "b"] {
        history = Arc::new(history.accepted(revision(text)));
        assert!(place.write(&history, &mut written).is_err());
    }
    std::fs::remove_file(&blocked).unwrap();
    history = Arc::new(history.accepted(revision("c")));
    place.write(&history, &mut written).unwrap();
    assert_eq!(texts(&folder(state.path(), main).1), ["a", "b", "c"]);
}

/// Revisions that wait would be held by a queue; what was replaced while it waited is not.
#[tokio::test(flavor = "current_thread")]
async fn of_what_waits_for_the_disk_only_the_newest_is_held() {
    let state = tempfile::tempdir().unwrap();
    let main = PathBuf::from("portunus.yaml");
    let (mut kept, mut history) = folder(state.path(), &main);
    // Nothing is written while this thread does not give way.
    let mut all = Vec::new();
    for number in 0..100 {
        accept(&mut kept, &mut history, revision(&number.to_string()));
        all.push(Arc::downgrade(&history));
    }
    let held = all.iter().filter(|history| history.strong_count() > 0).count();
    assert_eq!(held, 1);
    kept.finish().await;
    assert_eq!(texts(&folder(state.path(), &main).1), texts(&history));
}
