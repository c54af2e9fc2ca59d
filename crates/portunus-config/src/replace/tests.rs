use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use rustix::fs::{Uid, XattrFlags, fsetxattr, setxattr};
use tempfile::TempDir;

use super::{ACCESS, Replacement, attribute, replace};

fn folder_with(name: &str, text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Whether this is root, whom the test needs; told where it is not.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        let _ = writeln!(std::io::stderr(), "SKIPPED: only root gives files to others");
    }
    is_root
}

#[test]
fn a_file_keeps_its_rights_and_a_link_stays_a_link() {
    let (folder, real) = folder_with("real.yaml", "a: 1\n");
    let link = folder.path().join("link.yaml");
    symlink("real.yaml", &link).unwrap();
    for mode in [0o640, 0o600, 0o666] {
        fs::set_permissions(&real, Permissions::from_mode(mode)).unwrap();
        replace(&link, "a: 2\n").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "a: 2\n");
        assert!(link.is_symlink());
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o7777, mode);
    }
    assert_eq!(entries(folder.path()), 2, "nothing is left behind");
    assert!(replace(&folder.path().join("absent.yaml"), "").is_err());
}

#[test]
fn a_file_keeps_its_owner_and_group() {
    if !is_root() {
        return;
    }
    let (folder, path) = folder_with("portunus.yaml", "a: 1\n");
    chown(&path, Some(12_345), Some(23_456)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    replace(&path, "a: 2\n").unwrap();
    let meta = path.metadata().unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (12_345, 23_456, 0o640));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a: 2\n");
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn whoever_cannot_keep_the_owner_changes_nothing() {
    if !is_root() {
        return;
    }
    let (folder, path) = folder_with("portunus.yaml", "a: 1\n");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let replaced = std::thread::scope(|scope| {
        let as_other = || {
            // Only this thread becomes another user.
            let other = Uid::from_raw(12_345);
            rustix::thread::set_thread_res_uid(other, other, other).unwrap();
            replace(&path, "a: 2\n")
        };
        scope.spawn(as_other).join().unwrap()
    });
    let why = replaced.unwrap_err().to_string();
    assert!(why.starts_with("its owner 0 and group 0 cannot be kept: "), "{why}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\n");
    assert_eq!(path.metadata().unwrap().uid(), 0);
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn attributes_are_copied_and_those_that_the_folder_gives_are_not() {
    let (folder, path) = folder_with("portunus.yaml", "a: 1\n");
    if fsetxattr(File::open(&path).unwrap(), "user.ours", b"yes", XattrFlags::empty()).is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the file system has no attributes");
        return;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    // New files in the folder are open to a user whom this one is closed to.
    let with_default = setxattr(
        folder.path(),
        "system.posix_acl_default",
        &acl_with_user(12_345),
        XattrFlags::empty(),
    );
    replace(&path, "a: 2\n").unwrap();
    let new = File::open(&path).unwrap();
    assert_eq!(attribute(&new, "user.ours").unwrap(), b"yes");
    assert!(attribute(&new, ACCESS).is_err(), "{with_default:?}");
    assert_eq!(new.metadata().unwrap().mode() & 0o7777, 0o640);
    if with_default.is_ok() {
        fsetxattr(&new, ACCESS, &acl_with_user(54_321), XattrFlags::empty()).unwrap();
        let mode = new.metadata().unwrap().mode();
        replace(&path, "a: 3\n").unwrap();
        let newer = File::open(&path).unwrap();
        assert_eq!(attribute(&newer, ACCESS).unwrap(), acl_with_user(54_321));
        assert_eq!(newer.metadata().unwrap().mode(), mode);
    }
}

/// A list of access with one more user who may read (`posix_acl_xattr.h` of the kernel).
fn acl_with_user(user: u32) -> Vec<u8> {
    let entry = |tag: u16, rights: u16, id: u32| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let nobody = u32::MAX;
    let entries = [
        entry(0x01, 6, nobody),
        entry(0x02, 4, user),
        entry(0x04, 4, nobody),
        entry(0x10, 4, nobody),
        entry(0x20, 0, nobody),
    ];
    [&2_u32.to_le_bytes()[..], &entries.concat()].concat()
}

#[test]
fn files_of_others_beside_it_stay() {
    for name in ["portunus.yaml", "portunus.yml", "portunus"] {
        let (folder, path) = folder_with(name, "a:   1");
        let others = ["portunus.yaml.new", "portunus.yml.new", "portunus.new"];
        for other in others {
            fs::write(folder.path().join(other), "ours").unwrap();
        }
        replace(&path, "a: 1").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1");
        for other in others {
            assert_eq!(fs::read_to_string(folder.path().join(other)).unwrap(), "ours");
        }
        assert_eq!(entries(folder.path()), 4);
    }
}

#[test]
fn what_is_not_committed_leaves_no_trace() {
    let (folder, path) = folder_with("portunus.yaml", "a: 1\n");
    let replacement = Replacement::prepare(&path, "a: 2\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\n");
    drop(replacement);
    assert_eq!(entries(folder.path()), 1);
    let replacement = Replacement::prepare(&path, "a: 2\n").unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(replacement.commit().is_err());
    assert_eq!(entries(folder.path()), 1, "nor does what fails");
}
