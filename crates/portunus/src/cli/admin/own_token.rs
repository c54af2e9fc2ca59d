//! The token that a running Portunus has made for commands of its own user.
//!
//! It is shown to that user's processes on this machine and to nobody else: anybody could listen at the address while no
//! Portunus runs.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::wire;

/// What became of looking for the token.
#[derive(Debug)]
pub(super) struct OwnToken {
    path: PathBuf,
    found: io::Result<String>,
}

impl OwnToken {
    /// Looks for the token to show at an address; `None` where none may be shown.
    pub(super) fn find(address: SocketAddr) -> Option<Self> {
        address.ip().to_canonical().is_loopback().then(|| {
            let path = portunus_control::own_token_file(&wire::env());
            let found = read(&path, address);
            Self { path, found }
        })
    }

    pub(super) fn token(&self) -> Option<String> {
        self.found.as_ref().ok().cloned()
    }
}

/// Why it did not help.
impl fmt::Display for OwnToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.found {
            Ok(_) => write!(f, "the token of {path} was shown, which is another Portunus's"),
            Err(error) => write!(f, "no token was shown: {path}: {error}"),
        }
    }
}

fn read(path: &Path, address: SocketAddr) -> io::Result<String> {
    let token = portunus_control::read_own_token(path)?;
    let owner = path.symlink_metadata()?.uid();
    let listeners = listeners_at(address)?;
    // Sockets of a service manager are root's.
    match listeners.iter().all(|user| [owner, ROOT].contains(user)) {
        true if !listeners.is_empty() => Ok(token),
        true => Err(io::Error::other(format!("nobody listens on {address}"))),
        false => {
            Err(io::Error::other(format!("it is kept from another user, who listens on {address}")))
        }
    }
}

/// The users whose sockets listen at an address of this machine.
fn listeners_at(address: SocketAddr) -> io::Result<Vec<u32>> {
    let mut users = Vec::new();
    for table in TABLES {
        match File::open(table) {
            Ok(file) => {
                for row in BufReader::new(file).lines() {
                    users.extend(listener_of(&row?, address));
                }
            }
            // There is no IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound && table.ends_with('6') => {}
            Err(error) => return Err(error),
        }
    }
    Ok(users)
}

/// Whose socket a row of the table stands for (`proc_net_tcp` of the kernel), if it listens at an address.
fn listener_of(row: &str, address: SocketAddr) -> Option<u32> {
    let mut columns = row.split_whitespace().skip(1);
    let (ip, port) = columns.next()?.split_once(':')?;
    let mut rest = columns.skip(1);
    let is_it = rest.next()? == LISTENS
        && u16::from_str_radix(port, 16).ok()? == address.port()
        && (ip.bytes().all(|digit| digit == b'0')
            || in_table(address.ip()).contains(&ip.to_owned()));
    if is_it { rest.nth(3)?.parse().ok() } else { None }
}

/// An address as the tables have it: words as they lie in memory. One of IPv4 may stand in both tables.
fn in_table(ip: IpAddr) -> Vec<String> {
    let words = |octets: &[u8]| -> String {
        let words = octets.as_chunks().0.iter();
        words.map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
    };
    match ip.to_canonical() {
        IpAddr::V4(v4) => vec![words(&v4.octets()), words(&v4.to_ipv6_mapped().octets())],
        IpAddr::V6(v6) => vec![words(&v6.octets())],
    }
}

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// `TCP_LISTEN`.
const LISTENS: &str = "0A";
const ROOT: u32 = 0;

#[cfg(test)]
mod tests;
