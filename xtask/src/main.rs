//! The project's own commands, run as `cargo xtask <command>`.
//!
//! This crate is compiled in each run of the gate, so it uses the standard library, `anyhow` and
//! `serde_json` and nothing else. It must never use a crate of the product.

#![expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

mod bench;
mod chaos;
mod demo;
mod deny;
mod fuzz;
mod install;
mod process;
mod program;
mod reference;
mod suite;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that the first argument names; the rest are its own arguments.
fn dispatch(args: &[String]) -> anyhow::Result<ExitCode> {
    let (name, rest) = match args.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", args),
    };
    match name {
        "bench" => bench::run(rest).map(|()| ExitCode::SUCCESS),
        "chaos" => chaos::run(rest).map(|()| ExitCode::SUCCESS),
        "demo" => demo::run(rest),
        "deny" => deny::run(),
        "fuzz" => fuzz::run(rest),
        "gen" => reference::run(rest),
        "program" => program::run_as_setup_script(),
        "test" => suite::run(rest),
        "tidy" => tidy::run(),
        "help" | "-h" | "--help" => Ok(help()),
        other => anyhow::bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    }
}

fn help() -> ExitCode {
    println!("{HELP}");
    ExitCode::SUCCESS
}

const HELP: &str = "\
cargo xtask <command>

  demo [--two-tier]   build portunus and run its demonstration shop
  test [args]         install what the tests need, then run all of them; args go to nextest
  tidy                the project's own lints over the tree
  gen [--check]       write the JSON schema and the reference pages; --check: fail if they change
  deny                check dependencies: bans, licences, sources, advisories
  fuzz [seconds]      run each fuzz target for that long (60 unless told)
  bench [args]        measure beside peers; `cargo xtask bench help` lists the scenarios
  chaos [args]        break things under load; `cargo xtask chaos help` lists what
  program             build portunus and print its path (nextest's setup script)
  help                this text";
