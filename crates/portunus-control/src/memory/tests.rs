use super::*;

#[test]
fn requests_are_refused_from_the_bound_on_until_a_tenth_is_free() {
    for (held, is_full, wanted) in [
        (99, false, false),
        (100, false, true),
        (99, true, true),
        (91, true, true),
        (90, true, false),
        (0, true, false),
    ] {
        assert_eq!(is_over(held, 100, is_full), wanted, "{held} {is_full}");
    }
    assert!(!is_over(0, u64::MAX, true));
}

/// A system whose files say this; what the group of the process may hold.
fn bound(group: &str, files: &[(&str, &str)]) -> Option<u64> {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("proc/self/cgroup", group);
    for (folder, text) in files {
        write(&format!("sys/fs/cgroup/{folder}/memory.max"), text);
    }
    group_max(root.path())
}

#[test]
fn the_least_bound_of_the_groups_counts() {
    assert_eq!(bound("0::/\n", &[(".", "1000\n")]), Some(1000));
    assert_eq!(bound("0::/a/b\n", &[("a/b", "max\n"), ("a", "500\n"), (".", "1000\n")]), Some(500));
    assert_eq!(bound("0::/a\n", &[("a", "max\n")]), None);
    assert_eq!(bound("0::/a\n", &[]), None);
    assert_eq!(bound("4:memory:/a\n", &[("a", "5\n")]), None);
}
