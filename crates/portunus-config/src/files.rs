//! The files that a configuration is read from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// Where texts come from: the disk, or a map in tests.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, as one line for the user, without its name.
    fn read(&self, path: &Path) -> Result<String, String>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// As for [`Files::read`].
    fn bytes(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.read(path).map(String::into_bytes)
    }

    /// Whether every user of the machine may read the file.
    fn is_open_to_all(&self, _path: &Path) -> bool {
        false
    }

    /// The files that match a pattern with `*` and `?` inside of its segments, sorted by name.
    /// A folder that is not there has no files.
    fn glob(&self, pattern: &Path) -> Vec<PathBuf>;
}

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| reason(&error))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, String> {
        fs::read(path).map_err(|error| reason(&error))
    }

    fn is_open_to_all(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & READ_BY_OTHERS != 0)
    }

    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::new()];
        for part in pattern.components() {
            let Component::Normal(name) = part else {
                found.iter_mut().for_each(|path| path.push(part));
                continue;
            };
            let name = name.to_string_lossy();
            if name.contains(['*', '?']) {
                found = found.iter().flat_map(|folder| children(folder, &name)).collect();
            } else {
                found.iter_mut().for_each(|path| path.push(&*name));
            }
        }
        found.retain(|path| path.is_file());
        found.sort();
        found
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// The entries of a folder whose names match; hidden ones only if the pattern starts with a dot.
fn children(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(here) else { return Vec::new() };
    let named = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    named
        .filter(|name| name.starts_with('.') == pattern.starts_with('.') && matches(pattern, name))
        .map(|name| folder.join(name))
        .collect()
}

/// Whether a name matches a pattern of `*`, `?` and plain characters.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where to go on after a mismatch: behind the last star, one character further.
    let mut retry: Option<(usize, usize)> = None;
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                retry = Some((at, here));
            }
            Some(c) if *c == '?' || name.get(here) == Some(c) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((behind, start)) = retry else { return false };
                retry = Some((behind, start + 1));
                at = behind;
                here = start + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

/// The bit of a file's mode that lets everybody read it.
const READ_BY_OTHERS: u32 = 0o004;

#[cfg(test)]
mod tests;
