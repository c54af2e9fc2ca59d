use std::io::ErrorKind;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, thread};

use rustix::process::{Pid, test_kill_process};

use super::*;

/// Does something with files restricted, on a thread of its own. `None` where the kernel cannot.
fn restricted<T: Send + 'static>(
    needs: Needs,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let body = move || match files::restrict(&needs) {
        Ok(_) => Some(act()),
        Err(why) => {
            eprintln!("skipped: {why}");
            None
        }
    };
    thread::spawn(body).join().unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn files_are_made_in_the_named_folders_alone_and_read_everywhere() {
    let (_one, given) = folder();
    let (_two, other) = folder();
    fs::write(other.join("there"), "text").unwrap();
    let needs = Needs { written: vec![given.clone(), given.join("absent")], ..Needs::default() };
    let act = move || {
        fs::write(given.join("new"), "a").unwrap();
        fs::rename(given.join("new"), given.join("renamed")).unwrap();
        fs::remove_file(given.join("renamed")).unwrap();
        fs::create_dir(given.join("folder")).unwrap();
        assert_eq!(fs::read_to_string(other.join("there")).unwrap(), "text");
        let denied = [
            fs::write(other.join("new"), "a"),
            fs::write(other.join("there"), "a"),
            fs::remove_file(other.join("there")),
            fs::create_dir(other.join("folder")),
            fs::rename(given.join("folder"), other.join("folder")),
        ];
        denied.map(|result| result.unwrap_err().kind())
    };
    if let Some(kinds) = restricted(needs, act) {
        assert_eq!(kinds[..4], [ErrorKind::PermissionDenied; 4]);
        // A kernel may also say that the folders are of different file systems.
        assert!(matches!(kinds[4], ErrorKind::PermissionDenied | ErrorKind::CrossesDevices));
    }
}

#[test]
fn a_single_file_can_be_written_without_its_folder() {
    let (_folder, path) = folder();
    let file = path.join("file");
    fs::write(&file, "").unwrap();
    let needs = Needs { written: vec![file.clone(), "/dev/null".into()], ..Needs::default() };
    let act = move || {
        fs::write(&file, "text").unwrap();
        fs::write("/dev/null", "text").unwrap();
        fs::write(path.join("other"), "text").unwrap_err().kind()
    };
    let kind = restricted(needs, act);
    assert!(kind.is_none_or(|kind| kind == ErrorKind::PermissionDenied));
}

#[test]
fn only_the_named_programs_are_executed() {
    let run = |program: &str| Command::new(program).status().map(|status| status.success());
    let act = move || run("/bin/true").unwrap_err().kind();
    let kind = restricted(Needs::default(), act);
    assert!(kind.is_none_or(|kind| kind == ErrorKind::PermissionDenied));
    let given = ["/bin", "/lib64", "/lib"].map(PathBuf::from).to_vec();
    let needs =
        Needs { written: vec![PathBuf::from("/dev/null")], executed: given, ..Needs::default() };
    assert!(restricted(needs, move || run("/bin/true").unwrap()).is_none_or(|ran| ran));
}

#[test]
fn a_seventeenth_layer_is_no_failure_where_the_others_are_ours() {
    let all_are_held = |before| {
        let needs = Needs { before, ..Needs::default() };
        move || (0..20).all(|_| files::restrict(&needs).is_ok())
    };
    assert!(restricted(Needs::default(), all_are_held(Some(1))).is_none_or(|all| all));
    assert!(restricted(Needs::default(), all_are_held(None)).is_none_or(|all| !all));
}

#[test]
fn a_pipe_does_not_turn_the_rules_for_files_off() {
    let (_folder, path) = folder();
    let (_reader, writer) = std::io::pipe().unwrap();
    let pipe = format!("/proc/self/fd/{}", writer.as_raw_fd()).into();
    let needs = Needs { written: vec![pipe], ..Needs::default() };
    // The kernel must be able to: then this must be held as well.
    if restricted(Needs::default(), || ()).is_some() {
        let denied = restricted(needs, move || fs::write(path.join("new"), "a").is_err());
        assert_eq!(denied, Some(true));
    }
}

#[test]
fn processes_of_others_get_no_signals() {
    let mut other = Command::new("/bin/sleep").arg("60").spawn().unwrap();
    let id = Pid::from_child(&other);
    let denied = thread::spawn(move || {
        let told = files::restrict(&Needs::default()).unwrap_or_default();
        let abi: Option<u8> = told.strip_prefix("Landlock ").and_then(|abi| abi.parse().ok());
        // Kernels before know no scopes.
        abi.is_none_or(|abi| abi < 6) || test_kill_process(id).is_err()
    });
    let denied = denied.join().unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(denied);
}

#[test]
fn what_cannot_be_had_is_told_apart() {
    let mut sandbox = Sandbox::default();
    sandbox.note("files", Err("the kernel has no Landlock".to_owned()));
    sandbox.note("system calls", Ok("seccomp".to_owned()));
    assert_eq!(sandbox.in_force, ["system calls (seccomp)"]);
    assert_eq!(sandbox.lacking, ["files (the kernel has no Landlock)"]);
}
