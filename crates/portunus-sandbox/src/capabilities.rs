//! Capabilities: what root may do, piece by piece.

use std::fmt;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities,
};

/// Gives up all but what a proxy that runs as root, or was given some, needs. Answers what is left.
pub(crate) fn drop_unneeded() -> Result<String, String> {
    let had = capabilities(None).map_err(|error| error.to_string())?;
    let permitted = had.permitted & NEEDED;
    let kept = CapabilitySets {
        effective: had.effective & NEEDED,
        permitted,
        inheritable: had.inheritable & NEEDED,
    };
    bound(NEEDED);
    // A service manager that gave no more may deny the call too.
    if kept != had {
        set_capabilities(None, kept).map_err(|error| error.to_string())?;
    }
    Ok(if permitted.is_empty() { "none".to_owned() } else { names(permitted) })
}

/// Takes from what programs that are executed can ever have all that is not in `kept`. A container may keep this from us;
/// what is permitted is given up in any case.
fn bound(kept: CapabilitySet) {
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        if !kept.contains(one) && capability_is_in_bounding_set(one).unwrap_or_default() {
            let _ = remove_capability_from_bounding_set(one);
        }
    }
}

/// Asks the kernel to let the next change of the user keep what is permitted.
pub(crate) fn keep_over_change() -> Result<(), CapabilityError> {
    bound(CapabilitySet::NET_BIND_SERVICE);
    Ok(set_keep_capabilities(true)?)
}

/// Keeps ports below 1024 of what root could do, also for what is executed later, and nothing else.
pub(crate) fn keep_low_ports() -> Result<(), CapabilityError> {
    let ports = capabilities(None)?.permitted & CapabilitySet::NET_BIND_SERVICE;
    let kept = CapabilitySets { effective: ports, permitted: ports, inheritable: ports };
    set_capabilities(None, kept)?;
    if !ports.is_empty() {
        configure_capability_in_ambient_set(ports, true)?;
    }
    Ok(set_keep_capabilities(false)?)
}

fn names(set: CapabilitySet) -> String {
    let names: Vec<_> =
        set.iter_names().map(|(name, _)| format!("CAP_{name}").to_lowercase()).collect();
    names.join(" ")
}

/// The kernel does not let capabilities be changed.
#[derive(Debug)]
pub struct CapabilityError(Errno);

impl From<Errno> for CapabilityError {
    fn from(error: Errno) -> Self {
        Self(error)
    }
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot change capabilities: {}", self.0)
    }
}

impl std::error::Error for CapabilityError {}

/// Ports below 1024, files of other users, more open files.
const NEEDED: CapabilitySet = CapabilitySet::NET_BIND_SERVICE
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::SYS_RESOURCE);
