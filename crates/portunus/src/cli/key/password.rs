//! `portunus key password`.

use super::line_of_input;
use crate::cli::output;

pub(super) fn run() -> anyhow::Result<()> {
    let password = line_of_input("password")?;
    output::print(&format!("{}\n", portunus_store::password_hash(&password)?))
}
