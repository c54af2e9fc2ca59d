//! The command line: what can be said, and who does it.
//!
//! Exit codes: 0 fine, 1 a bad configuration, a failed start or a wrong command line (do not
//! restart), 2 a forced stop.

mod admin;
mod cert;
mod check;
mod completion;
mod endpoint;
mod explain;
mod fmt;
mod key;
mod origin;
mod output;
mod reference;
mod reload;
mod run;
mod status;
mod test;
mod upgrade;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::demo;

/// A reverse proxy and API gateway in one program.
#[derive(Debug, Parser)]
#[command(name = "portunus", version, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration; /etc/portunus/portunus.yaml or ./portunus.yaml unless given.
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve.
    Run(run::Options),
    /// Say everything that is wrong with a configuration.
    Check(check::Options),
    /// Write a configuration in its usual form.
    Fmt(fmt::Options),
    /// Make the running Portunus load its configuration again.
    Reload(reload::Options),
    /// Make the running Portunus give its place to the program that is installed now, without losing a connection.
    Upgrade(upgrade::Options),
    /// Say what would become of a request, and why; sends nothing.
    Explain(explain::Options),
    /// Run the tests of a configuration.
    Test(test::Options),
    /// Show what the running Portunus does.
    Status(status::Options),
    /// Show endpoints, drain them, and give them other weights.
    #[command(subcommand)]
    Endpoint(endpoint::Command),
    /// Show certificates, and make programs believe the local authority.
    #[command(subcommand)]
    Cert(cert::Command),
    /// Make, show and revoke keys of consumers.
    #[command(subcommand)]
    Key(key::Command),
    /// Run a small shop behind Portunus, to try things out.
    Demo(demo::Options),
    /// Show the version.
    Version(version::Options),
    /// Write a script that completes commands in a shell.
    Completion(completion::Options),
    /// Write the JSON schema or the reference pages.
    #[command(hide = true)]
    Reference(reference::Options),
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return explain_usage(&message),
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = cli.config;
    match cli.command {
        Command::Run(options) => run::run(config, &options),
        Command::Check(options) => check::run(config, &options),
        Command::Fmt(options) => fmt::run(config, &options),
        Command::Reload(options) => reload::run(config, &options),
        Command::Upgrade(options) => upgrade::run(config, &options),
        Command::Explain(options) => explain::run(config, &options),
        Command::Test(options) => test::run(config, &options),
        Command::Status(options) => status::run(config, &options),
        Command::Endpoint(command) => endpoint::run(config, &command),
        Command::Cert(command) => cert::run(config, &command),
        Command::Key(command) => key::run(config, &command),
        Command::Demo(options) => demo::run(options).map(|()| ExitCode::SUCCESS),
        Command::Version(options) => version::run(&options),
        Command::Completion(options) => completion::run(&options),
        Command::Reference(options) => reference::run(&options),
    }
}

/// Help and version are no mistakes; everything else is one, and exits with 1 like the others.
fn explain_usage(message: &clap::Error) -> ExitCode {
    // A closed terminal is no reason for another error.
    let _ = message.print();
    match message.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

/// A bad configuration, a failed start, a failed test.
const FAILED: u8 = 1;
/// A forced stop.
const FORCED: u8 = 2;

#[cfg(test)]
mod tests;
