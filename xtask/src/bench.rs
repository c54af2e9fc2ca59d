//! `cargo xtask bench`: what a request costs here and in the proxies that people use today.
//!
//! All proxies run in one session, one after the other, again and again, each alone on its core;
//! the median of the rounds counts. A time or a rate from another day or machine is never compared.
//! `bench/README.md` says how to read the results.

mod certificate;
mod chart;
pub(crate) mod clock;
mod icount;
pub(crate) mod launch;
mod load;
pub(crate) mod machine;
mod measure;
pub(crate) mod meter;
mod options;
pub(crate) mod peer;
pub(crate) mod probe;
mod proxy;
mod report;
mod scenario;
pub(crate) mod session;
mod template;
mod tokens;
pub(crate) mod tools;
mod wheel;

use anyhow::Result;

use options::Options;
use session::Session;

/// Runs the command with its own arguments.
///
/// # Errors
/// When an argument is wrong, a tool that everything needs is missing, a proxy gives a wrong
/// answer, or no round of a scenario could be used.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.first().map(String::as_str) {
        Some("help" | "-h" | "--help") => {
            println!("{}", options::help());
            Ok(())
        }
        Some("icount") => icount::run(),
        _ => compare(args),
    }
}

fn compare(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let session = Session::open(&options)?;
    for scenario in &options.scenarios {
        let results = session.run(scenario)?;
        report::write(&session, scenario, &results, args)?;
    }
    report::write_summary(&options.out)
}
