//! Files of a configuration are written whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{
    Gid, Uid, XattrFlags, fchown, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query,
    fremovexattr, fsetxattr,
};
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// The next text of a file, which lies beside it and takes its place with [`Replacement::commit`]. Dropped, it leaves no
/// trace.
#[derive(Debug)]
pub struct Replacement {
    new: NamedTempFile,
    real: PathBuf,
}

/// Replaces the text of a file, so that nobody ever reads half of it.
///
/// # Errors
/// The system does not allow it; the file is as it was then.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    Replacement::prepare(path, text)?.commit()
}

impl Replacement {
    /// Writes the text beside the file, with the owner, the group, the rights and the attributes of the file: it may hold
    /// secrets. A link stays one: the file that it leads to is meant.
    ///
    /// # Errors
    /// The system does not allow it, or its owner cannot be kept.
    pub fn prepare(path: &Path, text: &str) -> io::Result<Self> {
        let real = path.canonicalize()?;
        let original = File::open(&real)?;
        let folder = real.parent().unwrap_or_else(|| Path::new("/"));
        // Until it is as the other one, it is for its owner alone.
        let mut new =
            tempfile::Builder::new().prefix(".portunus.").suffix(".new").tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        make_like(&original, new.as_file())?;
        new.as_file().sync_all()?;
        Ok(Self { new, real })
    }

    /// Puts it in the place of the file, for good.
    ///
    /// # Errors
    /// The system does not allow it; the file is as it was then.
    pub fn commit(self) -> io::Result<()> {
        let Self { new, real } = self;
        new.persist(&real).map_err(|error| error.error)?;
        // It is in its place; what a crash of the machine would make of that is not for the caller.
        let folder = real.parent().map(File::open);
        let _ = folder.transpose().map(|folder| folder.map(|folder| folder.sync_all()));
        Ok(())
    }
}

/// Gives a file what belongs to another one beside its text. The mode comes last: a change of the owner takes bits of it.
fn make_like(original: &File, new: &File) -> io::Result<()> {
    let (wanted, given) = (original.metadata()?, new.metadata()?);
    let (owner, group) = (wanted.uid(), wanted.gid());
    if (owner, group) != (given.uid(), given.gid()) {
        let (uid, gid) = (Uid::from_raw(owner), Gid::from_raw(group));
        fchown(new, Some(uid), Some(gid)).map_err(|error| {
            let why = format!("its owner {owner} and group {group} cannot be kept: {error}");
            io::Error::new(io::Error::from(error).kind(), why)
        })?;
    }
    copy_attributes(original, new)?;
    new.set_permissions(fs::Permissions::from_mode(wanted.mode() & MODE_BITS))
}

/// Copies extended attributes: labels of SELinux and lists of access (ACL) among them. The latter must be the same, and
/// what else the system does not let be set is left to it.
fn copy_attributes(original: &File, new: &File) -> io::Result<()> {
    let names = attributes(original)?;
    if !names.iter().any(|name| name == ACCESS) {
        // The folder may have given one.
        match fremovexattr(new, ACCESS) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for name in names.iter().filter(|name| !OF_CONTENT.contains(&name.as_str())) {
        let copied = attribute(original, name)
            .and_then(|value| fsetxattr(new, name.as_str(), &value, XattrFlags::empty()));
        match copied {
            Err(error) if name == ACCESS => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The names of the attributes of a file; none where its file system has none.
fn attributes(file: &File) -> io::Result<Vec<String>> {
    let mut names = match flistxattr_query(file) {
        Ok(bytes) => vec![0; bytes],
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let bytes = flistxattr(file, &mut *names)?;
    names.truncate(bytes);
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

fn attribute(file: &File, name: &str) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; fgetxattr_query(file, name)?];
    let bytes = fgetxattr(file, name, &mut *value)?;
    value.truncate(bytes);
    Ok(value)
}

/// The list of access of a file.
const ACCESS: &str = "system.posix_acl_access";
/// Attributes that hold for the text of a file, not for the file.
const OF_CONTENT: [&str; 2] = ["security.evm", "security.ima"];
const MODE_BITS: u32 = 0o7777;

#[cfg(test)]
mod tests;
