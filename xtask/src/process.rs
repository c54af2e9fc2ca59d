//! Running other programs, always from the root of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Output, Stdio};

use anyhow::{Context as _, bail};

/// The folder that holds the workspace's `Cargo.toml`.
///
/// Taken from the environment at run time: a path that is fixed at compile time would be wrong
/// in a second clone that shares the build cache.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
        .context("CARGO_MANIFEST_DIR is not set; run this as `cargo xtask`")?;
    let root = Path::new(&xtask).parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// A command that runs from the root of the workspace, without standard input.
pub(crate) fn command(program: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(root()?).stdin(Stdio::null());
    Ok(command)
}

/// `cargo` from the root of the workspace, free of what the outer `cargo run` put in the
/// environment: some build scripts look at it and would build again.
pub(crate) fn cargo() -> anyhow::Result<Command> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = command(&program)?;
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// `cargo +<toolchain>`, which only rustup's proxy understands.
pub(crate) fn cargo_of(toolchain: &str) -> anyhow::Result<Command> {
    let mut command = command("cargo")?;
    command.arg(format!("+{toolchain}"));
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    Ok(command)
}

fn is_set_by_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
}

/// Runs the command with our own output and fails when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("{} failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs the command with our own output and hands back how it ended.
pub(crate) fn status(command: &mut Command) -> anyhow::Result<ExitStatus> {
    command.status().with_context(|| format!("{} cannot be started", shown(command)))
}

/// Runs the command and keeps its output; says on failure what it wrote to standard error.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = raw_output(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}\n{}", shown(command), output.status, said.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote no UTF-8", shown(command)))
}

/// Runs the command quietly and tells whether it ended well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    raw_output(command).is_ok_and(|output| output.status.success())
}

fn raw_output(command: &mut Command) -> anyhow::Result<Output> {
    command.output().with_context(|| format!("{} cannot be started", shown(command)))
}

/// The exit code of a child, to be handed on as our own.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Whether a program of that name is in `PATH`, or where Debian puts daemons.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.any(|folder| folder.join(program).is_file())
}

/// The command line as a person would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
