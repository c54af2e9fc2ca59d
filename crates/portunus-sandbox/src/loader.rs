//! What executes a program that is not linked statically: its loader, as the program itself names it.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The loader of a program (`PT_INTERP` of ELF, 64 bits). `None` where it has none, or is no such program.
#[must_use]
pub fn loader_of(program: &Path) -> Option<PathBuf> {
    let program = File::open(program).ok()?;
    let head: [u8; 64] = read(&program, 0).ok()?;
    if !head.starts_with(b"\x7fELF\x02") {
        return None;
    }
    let (table, size, count) = (long(&head, 32)?, short(&head, 54)?, short(&head, 56)?);
    (0..u64::from(count)).find_map(|index| {
        let at = table.checked_add(index * u64::from(size))?;
        path_of(&program, &read(&program, at).ok()?)
    })
}

/// The path that an entry of the program header table leads to, if it is that of the loader.
fn path_of(program: &File, entry: &[u8; 56]) -> Option<PathBuf> {
    if word(entry, 0)? != PT_INTERP {
        return None;
    }
    let length = usize::try_from(long(entry, 32)?).ok().filter(|length| *length <= PATH_MAX)?;
    let mut path = vec![0; length];
    program.read_exact_at(&mut path, long(entry, 8)?).ok()?;
    path.truncate(path.iter().position(|byte| *byte == 0)?);
    Some(std::ffi::OsString::from_vec(path).into())
}

fn read<const N: usize>(program: &File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    program.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

const PT_INTERP: u32 = 3;
/// The longest path of Linux.
const PATH_MAX: usize = 4096;

#[cfg(test)]
mod tests;
