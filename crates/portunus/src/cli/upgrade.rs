//! `portunus upgrade`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::admin::field;
use super::{FAILED, admin, output};

/// Options of `upgrade`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let (_, answer) = options.admin.ask(config, "POST", "/api/upgrade")?;
    if field(&answer, "ok") == true {
        output::print(&format!("upgraded, process {} serves\n", field(&answer, "pid")))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::error(&format!(
        "upgrade failed, the process of before goes on: {}",
        field(&answer, "error").as_str().unwrap_or_default()
    ));
    Ok(ExitCode::from(FAILED))
}
