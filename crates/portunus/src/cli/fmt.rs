//! `portunus fmt`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use portunus_spec::{Sources, yaml};

use super::{FAILED, origin, output};
use crate::wire;

/// Options of `fmt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write the normal form: one tree without includes, variables and short forms.
    #[arg(long, conflicts_with_all = ["check", "write"])]
    normal: bool,
    /// Write nothing; exit with 1 if the file is not in its usual form.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Change the file.
    #[arg(long)]
    write: bool,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    if options.normal {
        return normal(config);
    }
    let path = origin::file(config)?;
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let formatted = match portunus_config::format(&text) {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            let mut sources = Sources::default();
            sources.add(path.display().to_string(), text);
            output::note(&diagnostics.render(&sources, output::colour()));
            return Ok(ExitCode::from(FAILED));
        }
    };
    if options.check {
        return check(&path, text == formatted);
    }
    if !options.write {
        output::print(&formatted)?;
    } else if text != formatted {
        let failed = || format!("cannot write {}", path.display());
        portunus_config::replace(&path, &formatted).with_context(failed)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check(path: &Path, is_formatted: bool) -> anyhow::Result<ExitCode> {
    if is_formatted {
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&format!("{}: not in its usual form\n", path.display()))?;
    Ok(ExitCode::from(FAILED))
}

fn normal(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let Some(prepared) = origin::compiled(config)? else { return Ok(ExitCode::from(FAILED)) };
    let spec = prepared.loaded.spec.as_ref().context("a compiled configuration has a spec")?;
    output::print(&yaml::write(&portunus_control::normal(spec, &wire::registries())))?;
    Ok(ExitCode::SUCCESS)
}
