//! The bound on open files, which is a bound on connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the bound on open files as far as the system lets an unprivileged process, and warns where that is too few
/// for `connections_max` connections of clients, or for a busy proxy where there is no such limit.
pub(crate) fn raise_open_files(connections_max: Option<u32>) {
    allow_open_files(connections_max);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Failing leaves the old bound, which is judged below.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    let Some(allowed) = getrlimit(Resource::Nofile).current else { return };
    let needed = files_needed(connections_max);
    if allowed < needed {
        tracing::warn!(
            "only {allowed} files may be open, which is enough for {} connections; {needed} are needed{}: raise \
             `LimitNOFILE=` of the unit, `--ulimit nofile=` of the container, or `ulimit -Hn`",
            connections_in(allowed),
            if connections_max.is_some() {
                " for `limits.connections_max`"
            } else {
                " by a busy proxy"
            },
        );
    }
}

/// Lifts the bound to which others can be raised, where it is too low and we are root.
pub(crate) fn allow_open_files(connections_max: Option<u32>) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = files_needed(connections_max);
    if maximum.is_some_and(|maximum| maximum < needed) {
        // Only root may; who may not is warned later.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum: Some(needed) });
    }
}

fn files_needed(connections_max: Option<u32>) -> u64 {
    connections_max.map_or(OPEN_FILES_ENOUGH, files_for)
}

/// A connection that is proxied takes two: the client's and the upstream's.
fn files_for(connections: u32) -> u64 {
    u64::from(connections) * 2 + OPEN_FILES_RESERVED
}

fn connections_in(files: u64) -> u64 {
    files.saturating_sub(OPEN_FILES_RESERVED) / 2
}

/// Files that are no connections: listeners, logs, pipes, event queues, the admin API.
const OPEN_FILES_RESERVED: u64 = 128;
/// With fewer a busy proxy may run out.
const OPEN_FILES_ENOUGH: u64 = 4096;

#[cfg(test)]
mod tests;
