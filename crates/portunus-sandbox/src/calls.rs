//! System calls, by seccomp: those that a proxy never makes answer `EPERM`.
//!
//! It is a list of what is denied, not of what is allowed: what the runtime and the C library call changes with their
//! versions, and a proxy that stops because of an update is worse than one call too many.

mod table;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use seccompiler::{
    BpfProgram, BpfProgramRef, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
/// Puts a filter in force.
type Apply = fn(BpfProgramRef<'_>) -> Result<(), Error>;

/// Denies them to all threads, unless the process before had denied itself the same. Answers how.
pub(crate) fn deny(before: Option<u64>) -> Result<String, String> {
    deny_by(apply_filter_all_threads, before)
}

/// Tells one list of what is denied from another, of another version for instance.
#[must_use]
pub fn fingerprint() -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    for program in programs().ok()? {
        for step in program {
            (step.code, step.jt, step.jf, step.k).hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}

fn deny_by(apply: Apply, before: Option<u64>) -> Result<String, String> {
    let inherits = before.is_some() && is_filtered();
    // Once more would only cost time with each call.
    if inherits && before == fingerprint() {
        return Ok("seccomp".to_owned());
    }
    match try_deny(apply) {
        Ok(()) => Ok("seccomp".to_owned()),
        // Each version adds its filters to those that it inherits, until they are some dozens.
        Err(Error::Seccomp(error)) if inherits && error.raw_os_error() == Some(libc::ENOMEM) => {
            Ok("as the process before had them".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn try_deny(apply: Apply) -> Result<(), Error> {
    programs()?.iter().try_for_each(|program| apply(program))
}

fn programs() -> Result<[BpfProgram; 2], Error> {
    Ok([program(denied()?, libc::EPERM)?, program(unknown(), libc::ENOSYS)?])
}

/// Whether this thread has filters already, whosever they are.
fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]))
}

fn program(rules: Rules, errno: i32) -> Result<BpfProgram, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()?)
}

/// What is denied.
fn denied() -> Result<Rules, Error> {
    let mut rules: Rules =
        table::DENIED.iter().flat_map(|call| both(*call)).map(|call| (call, Vec::new())).collect();
    rules.extend(table::DENIED_X32.iter().map(|call| (*call, Vec::new())));
    for call in both(libc::SYS_clone) {
        rules.insert(call, namespaces()?);
    }
    for call in both(libc::SYS_socket) {
        rules.insert(call, vec![other_families()?]);
    }
    Ok(rules)
}

/// What looks as if the kernel did not know it, so that the C library falls back to `clone`: the flags of `clone3` lie in
/// memory, where no filter sees them.
fn unknown() -> Rules {
    both(libc::SYS_clone3).map(|call| (call, Vec::new())).collect()
}

/// A call by both of its numbers, where a kernel may have the x32 ABI.
fn both(call: i64) -> impl Iterator<Item = i64> {
    let x32 = cfg!(target_arch = "x86_64").then_some(call | table::X32);
    [call].into_iter().chain(x32)
}

/// New namespaces, of whichever kind.
fn namespaces() -> Result<Vec<SeccompRule>, Error> {
    let is_set = |flag: i32| {
        let flag = u64::from(flag.unsigned_abs());
        let op = SeccompCmpOp::MaskedEq(flag);
        let set = SeccompCondition::new(0, SeccompCmpArgLen::Qword, op, flag)?;
        Ok(SeccompRule::new(vec![set])?)
    };
    table::NAMESPACES.iter().map(|flag| is_set(*flag)).collect()
}

/// Sockets of other families than those of the Internet, of files, and of questions about interfaces.
fn other_families() -> Result<SeccompRule, Error> {
    let is_not = |family: i32| {
        let family = u64::from(family.unsigned_abs());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    let conditions: Result<Vec<_>, _> = table::FAMILIES.iter().map(|one| is_not(*one)).collect();
    Ok(SeccompRule::new(conditions?)?)
}

#[cfg(test)]
mod tests;
