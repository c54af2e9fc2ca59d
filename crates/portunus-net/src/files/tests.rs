use super::*;

#[test]
fn the_number_of_the_newest_tells_what_is_left() {
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(!FilesKept::FromClients.holds(file.as_fd()));
    assert!(!FilesKept::FromUpstreams.holds_next());
    let max = getrlimit(Resource::Nofile).current.unwrap();
    let at = |number: u64| {
        let raw = i32::try_from(number).unwrap();
        rustix::io::fcntl_dupfd_cloexec(&file, raw).unwrap()
    };
    let kept = (max / 8).min(64);
    assert!(FilesKept::FromClients.holds(at(max - kept).as_fd()));
    assert!(!FilesKept::FromClients.holds(at(max - kept - 1).as_fd()));
    // Upstreams may still have some of what clients may not.
    assert!(!FilesKept::FromUpstreams.holds(at(max - kept).as_fd()));
    assert!(FilesKept::FromUpstreams.holds(at(max - 1).as_fd()));
}

#[test]
fn only_what_we_lack_is_a_shortage() {
    let is_one = |errno: Errno| is_shortage(&errno.into());
    assert!(is_one(Errno::MFILE) && is_one(Errno::NFILE) && is_one(Errno::NOMEM));
    assert!(!is_one(Errno::CONNREFUSED) && !is_one(Errno::CONNABORTED) && !is_one(Errno::PERM));
}
