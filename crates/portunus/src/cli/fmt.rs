//! `portunus fmt`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
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
        write(&path, &formatted)?;
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

/// Replaces the file whole, so that nobody ever reads half of it. A link stays one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let real = path.canonicalize().with_context(failed)?;
    let beside = real.with_extension("yaml.new");
    let mut file = create_like(&real, &beside).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    fs::rename(&beside, &real).with_context(failed)
}

/// A new file with the rights of another one: secrets in it never stand open.
fn create_like(original: &Path, new: &Path) -> io::Result<File> {
    let mode = original.metadata()?.permissions();
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode.mode()).open(new)?;
    // The mask of the process may have taken some of them.
    file.set_permissions(mode)?;
    Ok(file)
}

fn normal(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let Some(prepared) = origin::compiled(config)? else { return Ok(ExitCode::from(FAILED)) };
    let spec = prepared.loaded.spec.as_ref().context("a compiled configuration has a spec")?;
    output::print(&yaml::write(&portunus_control::normal(spec, &wire::registries())))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
