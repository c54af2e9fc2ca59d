//! `portunus key hash`.

use portunus_identity::KeyHash;

use super::line_of_input;
use crate::cli::output;

pub(super) fn run() -> anyhow::Result<()> {
    let key = line_of_input("key")?;
    output::print(&format!("{}\n", KeyHash::of(key.as_bytes())))
}
