use super::*;

#[test]
fn patterns_match_names() {
    let yes = [("*.yaml", "a.yaml"), ("a?c*", "abcd"), ("*", "x"), ("*a*b", "xaab"), ("", "")];
    let no = [("*.yaml", "a.yml"), ("a?c", "ac"), ("a", "ab"), ("*a*b", "xbba")];
    assert!(yes.iter().all(|(pattern, name)| matches(pattern, name)));
    assert!(!no.iter().any(|(pattern, name)| matches(pattern, name)));
}

#[test]
fn the_disk_lists_files_in_order_and_says_why_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.yaml", "a.yaml", ".hidden.yaml", "c.txt"] {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    let found = Disk.glob(&folder.path().join("*.yaml"));
    assert_eq!(found, [folder.path().join("a.yaml"), folder.path().join("b.yaml")]);
    assert_eq!(Disk.read(&folder.path().join("d.yaml")), Err("no such file".to_owned()));
    assert!(Disk.glob(&folder.path().join("none/*.yaml")).is_empty());
}
