use std::thread;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};
use seccompiler::apply_filter;

use super::*;

/// Does something under the filters, on a thread of its own: other tests go on without them.
fn filtered<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let body = || {
        apply_filter(&program(denied().unwrap(), libc::EPERM).unwrap()).unwrap();
        apply_filter(&program(unknown(), libc::ENOSYS).unwrap()).unwrap();
        act()
    };
    thread::spawn(body).join().unwrap()
}

#[test]
fn what_a_proxy_never_calls_is_denied() {
    let denied = filtered(|| std::os::unix::fs::chroot("/absent"));
    // Root would be told that it is not there.
    assert_eq!(denied.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn sockets_are_those_of_the_internet_and_of_files() {
    let open = |family| filtered(move || socket(family, SocketType::DGRAM, None).map(drop));
    for family in
        [AddressFamily::INET, AddressFamily::INET6, AddressFamily::UNIX, AddressFamily::NETLINK]
    {
        assert_ne!(open(family), Err(Errno::PERM), "{family:?}");
    }
    for family in [AddressFamily::PACKET, AddressFamily::VSOCK, AddressFamily::BLUETOOTH] {
        assert_eq!(open(family), Err(Errno::PERM), "{family:?}");
    }
}

#[test]
fn threads_and_programs_can_be_started() {
    assert_eq!(filtered(|| thread::spawn(|| 7).join().unwrap()), 7);
    let status = filtered(|| std::process::Command::new("/bin/true").status());
    assert!(status.unwrap().success());
}

#[test]
fn each_call_is_denied_by_a_rule_of_its_own() {
    let rules = denied().unwrap();
    let numbers = both(0).count();
    assert_eq!(rules.len(), (table::DENIED.len() + 2) * numbers + table::DENIED_X32.len());
}

#[test]
fn filters_that_are_inherited_without_end_are_no_failure_but_those_of_others_are() {
    let last = |before| {
        let last = move || {
            let mut told = (0..1000).map(|_| deny_by(apply_filter, before));
            told.find(|told| *told != Ok("seccomp".into()))
        };
        thread::spawn(last).join().unwrap()
    };
    // Another version's.
    assert_eq!(last(Some(1)), Some(Ok("as the process before had them".to_owned())));
    assert!(last(None).unwrap().is_err());
}

#[test]
fn the_same_filters_are_not_added_again() {
    let count = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
        line.map(|count| count.trim().parse::<usize>().unwrap())
    };
    let counts = move || {
        [None, fingerprint(), fingerprint()].map(|before| {
            assert_eq!(deny_by(apply_filter, before), Ok("seccomp".to_owned()));
            count()
        })
    };
    let [first, again, once_more] = thread::spawn(counts).join().unwrap();
    assert_eq!((again, once_more), (first, first));
}

#[test]
fn a_program_without_a_folder_cannot_be_made() {
    let made = || rustix::fs::memfd_create("program", rustix::fs::MemfdFlags::CLOEXEC).map(drop);
    assert_eq!(filtered(made), Err(Errno::PERM));
}
