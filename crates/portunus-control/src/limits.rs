//! The bound on open files, which is a bound on connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the bound on open files as far as the system lets an unprivileged process.
pub(crate) fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Failing leaves the old bound, which is judged below.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    if let Some(files) = getrlimit(Resource::Nofile).current
        && files < OPEN_FILES_ENOUGH
    {
        tracing::warn!(
            open_files_max = files,
            "few files may be open; each proxied connection takes two (raise `ulimit -Hn`)"
        );
    }
}

/// With fewer a busy proxy may run out.
const OPEN_FILES_ENOUGH: u64 = 4096;
