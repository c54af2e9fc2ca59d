use portunus_config::load_text;

use super::*;

fn spec(text: &str) -> ConfigSpec {
    let loaded = load_text(
        "test",
        &format!("{text}\nhosts: {{a.example.com: {{routes: {{/: {{respond: a}}}}}}}}\n"),
        &Env::default(),
    );
    assert!(!loaded.diagnostics.has_errors(), "{:?}", loaded.diagnostics);
    loaded.spec.unwrap()
}

fn env(folder: &Path) -> Env {
    [("STATE_DIRECTORY".to_owned(), folder.display().to_string())].into_iter().collect()
}

#[test]
fn what_is_written_is_what_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let spec = spec(
        "listeners: {a: \"unix:/run/a/web.sock\", b: {address: \":443\", tls: {}}}\nadmin: \"unix:/run/b/admin.sock\"\n\
         log: {access: {to: logs/access.log}}\npid_file: run/pid\nacme: {email: a@example.com, storage: acme}\n",
    );
    let needs = needs(&spec, folder.path(), &env(&path("state")));
    for wanted in ["logs", "run", "acme", "state"] {
        assert!(needs.written.contains(&path(wanted)), "{wanted}: {needs:?}");
    }
    for wanted in ["/run/a", "/run/b", "/dev/null"] {
        assert!(needs.written.contains(&PathBuf::from(wanted)), "{wanted}: {needs:?}");
    }
    assert!(!needs.written.contains(&folder.path().to_owned()), "{needs:?}");
    let program = std::env::current_exe().unwrap();
    assert_eq!(needs.executed.first().map(PathBuf::as_path), program.parent());
}

#[test]
fn folders_of_systemd_are_written_all() {
    let folders = [("LOGS_DIRECTORY", "/var/log/a:/var/log/b"), ("CACHE_DIRECTORY", "")];
    let env =
        folders.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let written = needs(&spec(""), Path::new("/"), &env).written;
    for wanted in ["/var/log/a", "/var/log/b"] {
        assert!(written.contains(&PathBuf::from(wanted)), "{written:?}");
    }
    assert!(!written.contains(&PathBuf::from("/")), "{written:?}");
}

#[test]
fn what_is_no_file_is_written_by_itself() {
    assert_eq!(places_of(Path::new("/dev/null")), [PathBuf::from("/dev/null")]);
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("log"), "").unwrap();
    std::os::unix::fs::symlink(real.join("log"), &link).unwrap();
    let real = real.canonicalize().unwrap();
    assert_eq!(places_of(&link), [folder.path().to_owned(), real]);
}

#[test]
fn a_configuration_that_changes_while_it_is_entered_is_no_start() {
    let base = Path::new("/etc/portunus");
    let of = |text: &str| Some(Wishes::of(&spec(text), base));
    let entered = Confinement {
        wishes: of("sandbox: on\nlog: {access: {to: logs/a}}"),
        ..Confinement::default()
    };
    let fits = |text: &str| entered.fits(&spec(text), base).is_ok();
    assert!(fits("sandbox: on\nlog: {access: {to: logs/a}}\nworkers: 3"));
    for other in [
        "log: {access: {to: logs/a}}",
        "sandbox: on\nlog: {access: {to: other/a}}",
        "sandbox: on\nlog: {access: {to: logs/a}}\nuser: nobody",
        "sandbox: on\nlog: {access: {to: logs/a}}\nuser: nobody\ngroup: nogroup",
        "sandbox: on\nlog: {access: {to: logs/a}}\nlisteners: {a: \"unix:/run/a/web.sock\"}",
    ] {
        assert!(!fits(other), "{other}");
    }
}

#[test]
fn what_is_wrong_when_it_is_entered_is_no_start() {
    let options = Options {
        source: crate::ConfigSource::Text { name: "test".to_owned(), text: "user: [".to_owned() },
        env: Env::default(),
        registries: portunus_compile::Registries { filters: portunus_filters::FILTERS },
        version: "test",
        console: Console::Quiet,
        memory: || None,
        allocator_threads: drop,
    };
    let refused = Confinement::enter(&options, None).unwrap_err();
    assert!(matches!(refused.0, Refusal::Config(_)), "{refused}");
}

#[test]
fn a_process_that_takes_over_lacks_what_the_one_before_had_not() {
    let folder = tempfile::tempdir().unwrap();
    let env = env(folder.path());
    let held = |written| ConfinedEntry { written, calls: None };
    let suffices =
        |text: &str, written| held(written).suffices(&spec(text), folder.path(), &env).is_ok();
    let written = || Some(needs(&spec(""), folder.path(), &env).written);
    assert!(suffices("", written()));
    assert!(!suffices("pid_file: /elsewhere/pid", written()));
    assert!(suffices("pid_file: /elsewhere/pid", None));
}

#[test]
fn a_folder_is_for_us_alone_and_its_parents_can_be_passed() {
    let folder = tempfile::tempdir().unwrap();
    let leaf = folder.path().join("a/b/c");
    assert!(make(&leaf).unwrap());
    assert!(!make(&leaf).unwrap());
    let mode =
        |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a"), mode("a/b"), mode("a/b/c")), (0o755, 0o755, 0o700));
}

#[test]
fn a_reload_lacks_only_what_lies_in_no_folder_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let given = folder.path().join("given");
    std::fs::create_dir_all(given.join("below")).unwrap();
    let held = Confinement { written: Some(vec![given.clone()]), ..Confinement::default() };
    let listener = |path: &Path| {
        let path = path.join("web.sock");
        spec(&format!("listeners: {{web: \"unix:{}\"}}", path.display()))
    };
    let lacks = |confinement: &Confinement, path: &Path| {
        confinement.lacks(&listener(path), folder.path()).len()
    };
    assert_eq!(lacks(&held, &given), 0);
    assert_eq!(lacks(&held, &given.join("below")), 0);
    assert_eq!(lacks(&held, &folder.path().join("other")), 1);
    assert_eq!(lacks(&Confinement::default(), &folder.path().join("other")), 0);
}
