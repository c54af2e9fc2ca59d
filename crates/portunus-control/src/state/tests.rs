use super::*;

fn of(variables: &[(&str, &str)], is_root: bool) -> String {
    let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    folder(&pairs.collect(), is_root).display().to_string()
}

#[test]
fn systemd_comes_before_the_user() {
    assert_eq!(
        of(&[("STATE_DIRECTORY", "/s/portunus:/s/other"), ("HOME", "/h")], true),
        "/s/portunus"
    );
    assert_eq!(of(&[("HOME", "/root")], true), "/var/lib/portunus");
    assert_eq!(of(&[], false), "/var/lib/portunus");
    assert_eq!(of(&[("HOME", "")], false), "/var/lib/portunus");
    assert_eq!(of(&[("HOME", "/h")], false), "/h/.local/state/portunus");
    assert_eq!(of(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")], false), "/x/portunus");
    assert_eq!(of(&[("HOME", "/h"), ("XDG_STATE_HOME", "x")], false), "/h/.local/state/portunus");
}

#[test]
fn a_folder_that_is_decided_stays_for_another_user() {
    let mut env = Env::from([("XDG_STATE_HOME".to_owned(), "/x".to_owned())]);
    let before = state_folder(&env);
    settle(&mut env);
    env.insert("XDG_STATE_HOME".to_owned(), "/other".to_owned());
    for is_root in [false, true] {
        assert_eq!(folder(&env, is_root), before);
    }
}
