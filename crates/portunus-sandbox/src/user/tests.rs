use super::*;

#[test]
fn accounts_are_found_by_name_and_number() {
    let root = Account::find("root", None).unwrap();
    assert_eq!(root, Account::find("0", None).unwrap());
    assert_eq!(root.to_string(), "root");
    let other = Account::find("54321", Some("12345")).unwrap();
    assert_eq!((other.user.as_raw(), other.group.as_raw()), (54_321, 12_345));
    assert_eq!(other.to_string(), "54321");
}

#[test]
fn what_is_not_there_is_told() {
    let told = |user, group| Account::find(user, group).unwrap_err().to_string();
    assert_eq!(told("nobody-at-all", None), "there is no user `nobody-at-all`");
    assert_eq!(told("root", Some("no-such-group")), "there is no group `no-such-group`");
    assert_eq!(told("54321", None), "the user 54321 has no name, so name a `group` too");
}

#[test]
fn only_a_folder_itself_is_given_away() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link, file) =
        (folder.path().join("real"), folder.path().join("link"), folder.path().join("file"));
    std::fs::create_dir(&real).unwrap();
    std::fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let (user, group) = (geteuid().to_string(), getegid().to_string());
    let ours = Account::find(&user, Some(&group)).unwrap();
    assert!(ours.own(&real).is_ok());
    assert!(ours.own(&link).is_err() && ours.own(&file).is_err());
}

#[test]
fn another_group_is_another_account() {
    let (user, group) = (geteuid().to_string(), getegid());
    let of = |group: u32| Account::find(&user, Some(&group.to_string())).unwrap();
    assert!(of(group.as_raw()).is_ours());
    assert!(!of(group.as_raw() + 1).is_ours());
}
