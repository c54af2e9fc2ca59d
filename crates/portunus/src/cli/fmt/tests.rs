use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::write;

#[test]
fn a_file_keeps_its_rights_and_what_was_left_over_gives_none() {
    let folder = tempfile::tempdir().unwrap();
    let [path, left_over] =
        ["portunus.yaml", "portunus.yaml.new"].map(|name| folder.path().join(name));
    for (mode, left) in [(0o600, 0o666), (0o666, 0o600)] {
        fs::write(&path, "a:   1").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        fs::write(&left_over, "left").unwrap();
        fs::set_permissions(&left_over, Permissions::from_mode(left)).unwrap();
        write(&path, "a: 1").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        assert!(!left_over.exists());
    }
}
