use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use super::Reaper;

fn sleeper() -> Child {
    Command::new("sleep").arg("60").process_group(0).spawn().unwrap()
}

#[test]
fn what_is_left_is_killed_and_what_was_taken_off_is_not() {
    let folder = std::env::temp_dir().join(format!("portunus-reaper-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (mut left, mut other) = (sleeper(), sleeper());
    let reaper = Reaper::start(&folder).unwrap();
    let note = reaper.note(left.id());
    drop(reaper.note(other.id()));
    std::mem::forget(note);
    // As when this process ends: the input of the shell closes.
    drop(reaper.0.borrow_mut().input.take());
    assert!(!left.wait().unwrap().success());
    assert!(reaper.0.borrow_mut().child.wait().unwrap().success());
    assert!(!folder.exists());
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
}
