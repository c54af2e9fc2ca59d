//! The user that the process becomes when it was started as root.

use std::os::unix::fs::fchown;
use std::path::Path;
use std::{fmt, io};

use nix::errno::Errno;
use nix::unistd::{
    Gid, Group, Uid, User, getegid, geteuid, getresuid, initgroups, setgid, setgroups, setuid,
};
use rustix::fs::{Mode, OFlags};

use crate::CapabilityError;
use crate::capabilities::{keep_low_ports, keep_over_change};

/// A user and a group, by their numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    name: Option<String>,
    user: Uid,
    group: Gid,
}

impl Account {
    /// Looks them up, by name or number. Without a group it is the user's own.
    ///
    /// # Errors
    /// There is no such user or group.
    pub fn find(user: &str, group: Option<&str>) -> Result<Self, UserError> {
        let found = match user.parse() {
            Ok(number) => User::from_uid(Uid::from_raw(number)),
            Err(_) => User::from_name(user),
        };
        let found = found.map_err(|errno| UserError::Lookup(user.to_owned(), errno))?;
        let number = || user.parse().ok().map(Uid::from_raw);
        let uid = found.as_ref().map(|user| user.uid).or_else(number);
        let gid = match group {
            Some(group) => Some(group_of(group)?),
            None => found.as_ref().map(|user| user.gid),
        };
        let unknown = || UserError::UnknownUser(user.to_owned());
        let user = uid.ok_or_else(unknown)?;
        let group = gid.ok_or(UserError::NoGroup(user.as_raw()))?;
        Ok(Self { name: found.map(|user| user.name), user, group })
    }

    /// Whether the process is this user, with this group, already.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        geteuid() == self.user && getegid() == self.group
    }

    /// Gives it a folder of ours. A link to one is none.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn own(&self, path: &Path) -> Result<(), UserError> {
        let (user, group) = (self.user.as_raw(), self.group.as_raw());
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty());
        let folder = folder.map_err(|errno| UserError::Folder(errno.into()))?;
        fchown(folder, Some(user), Some(group)).map_err(UserError::Folder)
    }

    /// Becomes this user for good, and keeps of what root may do the ports below 1024 alone; root that only changes its
    /// group keeps all. To be called before there are threads: those that there are would keep all capabilities of theirs.
    ///
    /// # Errors
    /// Only root may.
    pub fn become_it(&self) -> Result<(), UserError> {
        if self.user.is_root() {
            return self.become_group();
        }
        keep_over_change()?;
        self.become_group()?;
        setuid(self.user).map_err(UserError::Change)?;
        keep_low_ports()?;
        self.verify()
    }

    fn become_group(&self) -> Result<(), UserError> {
        match self.name.as_deref().and_then(|name| std::ffi::CString::new(name).ok()) {
            Some(name) => initgroups(&name, self.group).map_err(UserError::Change)?,
            None => setgroups(&[self.group]).map_err(UserError::Change)?,
        }
        setgid(self.group).map_err(UserError::Change)
    }

    /// Sees that nothing of root is left to go back to.
    fn verify(&self) -> Result<(), UserError> {
        let is = getresuid().map_err(UserError::Change)?;
        let is_all = [is.real, is.effective, is.saved].iter().all(|user| *user == self.user);
        if is_all && setuid(Uid::from_raw(0)).is_err() { Ok(()) } else { Err(UserError::StillRoot) }
    }
}

fn group_of(group: &str) -> Result<Gid, UserError> {
    if let Ok(number) = group.parse() {
        return Ok(Gid::from_raw(number));
    }
    let found = Group::from_name(group);
    let found = found.map_err(|errno| UserError::Lookup(group.to_owned(), errno))?;
    found.map(|group| group.gid).ok_or_else(|| UserError::UnknownGroup(group.to_owned()))
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => self.user.fmt(f),
        }
    }
}

/// Why the process does not become another user.
#[derive(Debug)]
pub enum UserError {
    /// There is none of this name.
    UnknownUser(String),
    /// There is none of this name.
    UnknownGroup(String),
    /// A user without a name has no group of its own.
    NoGroup(u32),
    /// The system does not say whether there is one.
    Lookup(String, Errno),
    /// The system refuses it.
    Change(Errno),
    /// The system has let us, and yet root could be had back.
    StillRoot,
    /// A folder cannot be given to the user.
    Folder(io::Error),
    /// What root may do cannot be divided.
    Capabilities(CapabilityError),
}

impl From<CapabilityError> for UserError {
    fn from(error: CapabilityError) -> Self {
        Self::Capabilities(error)
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUser(name) => write!(f, "there is no user `{name}`"),
            Self::UnknownGroup(name) => write!(f, "there is no group `{name}`"),
            Self::NoGroup(user) => write!(f, "the user {user} has no name, so name a `group` too"),
            Self::Lookup(name, errno) => write!(f, "cannot look `{name}` up: {}", errno.desc()),
            Self::Change(errno) => write!(f, "{}", errno.desc()),
            Self::StillRoot => f.write_str("root could be had back"),
            Self::Folder(error) => write!(f, "a folder cannot be its own: {error}"),
            Self::Capabilities(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UserError {}

#[cfg(test)]
mod tests;
