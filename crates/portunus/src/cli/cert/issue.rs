//! `portunus cert issue`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::output;
use crate::wire;

/// Options of `cert issue`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A name or an address that the certificate is for; may be given more than once.
    #[arg(long = "name", value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The folder to write NAME.pem and NAME.key to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let names: Vec<_> = options.names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let (cert_pem, key_pem) = portunus_control::issue_locally(&wire::env(), &names)?;
    let name = file_name(names.first().map_or("", String::as_str));
    let [cert, key] = ["pem", "key"].map(|end| options.out.join(format!("{name}.{end}")));
    fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot make {}", options.out.display()))?;
    // A key without its certificate would be in the way of the next try.
    for path in [&key, &cert] {
        let is_there = path.symlink_metadata().is_ok();
        anyhow::ensure!(!is_there, "cannot write {}: it is there already", path.display());
    }
    write(&key, &key_pem, 0o600)?;
    write(&cert, &cert_pem, 0o644)?;
    let names = names.join(", ");
    output::print(&format!(
        "{} and {}: for {names}, by the local authority; `portunus cert trust` shows that one\n",
        cert.display(),
        key.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// A name as that of a file: of a wildcard and of an address too.
fn file_name(name: &str) -> String {
    name.replace('*', "_").replace([':', '/'], "-")
}

/// Writes a file that is not there yet: a key that is in use must not be lost.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
