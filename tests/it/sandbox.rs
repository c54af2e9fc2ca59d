//! What a running program gives up.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use portunus_testkit::{Folder, Program, Signal, eventually};

const CONFIG: &str = "hosts: {\"*\": {routes: {/: {respond: a}}}}\n";

/// The value of a line of `status`, for each thread of the program.
fn status(program: &Program, name: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", program.id())).unwrap();
    let value = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // A thread may have ended in between.
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
        .map(value)
        .collect()
}

#[track_caller]
fn assert_all(program: &Program, name: &str, expected: &str) {
    let values = status(program, name);
    assert!(values.len() > 3 && values.iter().all(|one| one == expected), "{name}: {values:?}");
}

/// Whether files are held; says so where they are not, as the kernel cannot.
fn holds_files(program: &Program) -> bool {
    let line = program.wait_for_stderr(|line| line.starts_with("portunus: sandbox: "));
    let holds = line.contains("files (Landlock");
    if !holds {
        eprintln!("skipped: {line}");
    }
    holds
}

fn is_root() -> bool {
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    if !is_root {
        eprintln!("skipped: only root becomes another user");
    }
    is_root
}

#[test]
fn each_thread_has_given_up_what_it_does_not_need() {
    let program = Program::config(&format!("workers: 2\n{CONFIG}")).start();
    assert_all(&program, "NoNewPrivs", "1");
    assert_all(&program, "Seccomp", "2");
    assert_eq!(program.get("/").text(), "a");
    let line = program.wait_for_stderr(|line| line.starts_with("portunus: sandbox: "));
    let told = line.trim_start_matches("portunus: sandbox: ");
    assert!(told.contains("system calls (seccomp)"), "{told}");
    let answer: serde_json::Value =
        serde_json::from_slice(&program.admin("/api/status").body).unwrap();
    assert_eq!(answer["sandbox"], told);
    program.stop();
}

#[test]
fn it_can_be_turned_off_and_demanded() {
    let program = Program::config(&format!("sandbox: off\n{CONFIG}")).start();
    assert_all(&program, "Seccomp", "0");
    assert!(!program.stderr().contains("sandbox"), "{}", program.stderr());
    program.stop();
    let auto = Program::config(CONFIG).start();
    if holds_files(&auto) {
        let program = Program::config(&format!("sandbox: on\n{CONFIG}")).start();
        assert_eq!(program.get("/").text(), "a");
    }
}

/// Whether the access log is opened anew behind a link that was put in the place of its folder.
fn log_moves_elsewhere(sandbox: &str) -> Option<bool> {
    let folder = Folder::new();
    fs::create_dir(folder.path("elsewhere")).unwrap();
    let config = format!("sandbox: {sandbox}\nlog: {{access: {{to: logs/access.log}}}}\n{CONFIG}");
    let program = Program::config(&config).file("logs/first", "").start();
    if sandbox == "auto" && !holds_files(&program) {
        return None;
    }
    program.get("/");
    eventually("the first line", || !program.folder().read("logs/access.log").is_empty());
    fs::rename(program.path("logs"), program.path("old")).unwrap();
    symlink(folder.path("elsewhere"), program.path("logs")).unwrap();
    program.signal(Signal::USR1);
    let moved = folder.path("elsewhere/access.log");
    eventually("the log opened anew, or told that it is not", || {
        program.get("/");
        moved.exists() || program.stderr().contains("access log")
    });
    Some(moved.exists())
}

#[test]
fn files_are_made_in_the_folders_of_the_start_alone() {
    assert_eq!(log_moves_elsewhere("off"), Some(true));
    assert!(log_moves_elsewhere("auto").is_none_or(|moved| !moved));
}

#[test]
fn a_reload_that_needs_another_folder_is_refused_and_says_why() {
    let program = Program::config(CONFIG).file("sockets/first", "").start();
    if !holds_files(&program) {
        return;
    }
    let path = program.path("sockets/web.sock");
    let config = format!("listeners: {{web: \"unix:{}\"}}\n{CONFIG}", path.display());
    assert!(!program.try_reload(&config));
    program.wait_for_stderr(|line| line.contains("the sandbox lets nothing be written to"));
    assert_eq!(program.get("/").text(), "a");
    program.write_config(&config);
    let program = program.stop_and_start();
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn an_upgrade_that_needs_another_folder_is_refused_as_well() {
    let program = Program::config(CONFIG).file("sockets/first", "").start();
    if !holds_files(&program) {
        return;
    }
    let path = program.path("sockets/web.sock");
    program.write_config(&format!("listeners: {{web: \"unix:{}\"}}\n{CONFIG}", path.display()));
    program.signal(Signal::USR2);
    let told = program.wait_for_stderr(|line| line.contains("upgrade failed"));
    assert!(told.contains("the sandbox lets nothing be written to"), "{told}");
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn a_pipe_as_the_access_log_leaves_the_sandbox_on() {
    let auto = Program::config(CONFIG).start();
    if holds_files(&auto) {
        let config = format!("sandbox: on\nlog: {{access: {{to: /dev/stdout}}}}\n{CONFIG}");
        let program = Program::config(&config).start();
        assert!(holds_files(&program));
        program.stop();
    }
}

#[test]
fn root_becomes_a_user_that_can_bind_low_ports_and_nothing_else() {
    if !is_root() {
        return;
    }
    let setup = Program::config(&format!("user: nobody\nlog: {{access: off}}\n{CONFIG}"));
    let program = setup.open_to_all().start();
    for (name, expected) in [
        ("Uid", "65534 65534 65534 65534"),
        ("CapEff", "0000000000000400"),
        ("CapPrm", "0000000000000400"),
        ("CapAmb", "0000000000000400"),
        ("CapBnd", "0000000000000400"),
    ] {
        assert_all(&program, name, expected);
    }
    let groups = status(&program, "Groups");
    assert!(groups.iter().all(|groups| groups.split(' ').all(|group| group != "0")), "{groups:?}");
    assert_eq!(program.get("/").text(), "a");
    // It reads its configuration as that user.
    program.reload(&format!(
        "user: nobody\nlog: {{access: off}}\n{}",
        CONFIG.replace("respond: a", "respond: b")
    ));
    assert_eq!(program.get("/").text(), "b");
    assert_eq!(fs::metadata(program.path("state")).unwrap().permissions().mode() & 0o777, 0o700);
    program.stop();
}

#[test]
fn a_user_that_there_is_not_is_no_start() {
    let folder = Folder::with(&format!("user: nobody-at-all\nadmin: off\n{CONFIG}"));
    let finished = folder.run("run -c portunus.yaml").with_code(1);
    let told = "cannot become the user `nobody-at-all`: there is no user `nobody-at-all`";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}
