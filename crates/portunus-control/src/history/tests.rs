use std::path::PathBuf;

use portunus_base::Wall;

use super::{BYTES_MAX, History, KeptFile, REVISIONS_MAX, Revision};

fn revision(text: &str) -> Revision {
    let main = PathBuf::from("portunus.yaml");
    Revision::new(main.clone(), vec![KeptFile { path: main, text: text.to_owned() }], Wall(1))
}

fn after(texts: &[&str]) -> History {
    texts.iter().fold(History::default(), |history, text| history.accepted(revision(text)))
}

fn before(history: &History) -> Option<String> {
    Some(history.before()?.files.first()?.text.clone())
}

fn back(history: &History) -> History {
    history.went_back(&history.before().unwrap().digest, 9)
}

#[test]
fn a_step_back_leads_to_the_one_before_and_the_next_one_further() {
    let history = after(&["a", "b", "c"]);
    assert_eq!(before(&history).as_deref(), Some("b"));
    let once = back(&history);
    assert!(once.is_back() && once.current().unwrap().generation == Some(9));
    assert_eq!(before(&once).as_deref(), Some("a"));
    assert_eq!(before(&back(&once)), None);
    assert_eq!(before(&after(&["a"])), None);
    assert_eq!(before(&History::default()), None);
}

#[test]
fn what_was_undone_is_no_aim_of_a_step_back_until_it_is_accepted_again() {
    let undone = back(&after(&["a", "b", "bad"]));
    let mended = undone.accepted(revision("good"));
    assert!(!mended.is_back());
    assert_eq!(before(&mended).as_deref(), Some("b"));
    let again = undone.accepted(revision("bad"));
    assert!(!again.is_back());
    assert_eq!(before(&again).as_deref(), Some("b"));
    assert_eq!(before(&again.accepted(revision("good"))).as_deref(), Some("bad"));
    // The files are set back too: it is the same configuration, and no step.
    let same = undone.accepted(revision("b"));
    assert!(!same.is_back());
    assert_eq!(before(&same).as_deref(), Some("a"));
}

#[test]
fn the_same_files_are_one_configuration_however_often_they_are_loaded() {
    let history = after(&["a", "a", "b", "b", "a"]);
    assert_eq!(history.revisions().len(), 2);
    assert_eq!(before(&history).as_deref(), Some("b"));
}

#[test]
fn only_the_last_few_are_kept() {
    let texts: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let history = after(&texts);
    assert_eq!(history.revisions().len(), REVISIONS_MAX);
    assert_eq!(history.current().unwrap().files[0].text, "29");
    let long = "x".repeat(BYTES_MAX / 2);
    let history = after(&["a", &long, &format!("{long}y"), &format!("{long}z")]);
    assert_eq!(history.revisions().len(), 1, "they are bounded by their size too");
}

#[test]
fn texts_are_not_printed() {
    let shown = format!("{:?}", revision("the-secret"));
    assert!(shown.contains("portunus.yaml") && !shown.contains("the-secret"), "{shown}");
}
