//! `cargo xtask chaos`: what becomes of requests while things break.
//!
//! Each scenario puts a steady load on a proxy, first in quiet, then through a fault, and counts
//! every request that was not answered with 2xx. `docs/internals/chaos.md` says how to read the
//! results. What was not reached is told like what was.

mod load;
mod options;
mod page;
mod program;
mod proxy;
mod reaper;
mod row;
mod scenario;
mod setup;
mod slope;
mod stage;
mod template;
mod timeline;
mod trial;
mod upstream;

use anyhow::Result;

use options::Options;
use page::Page;
use stage::Stage;

/// Runs the command with its own arguments.
///
/// # Errors
/// When an argument is wrong, or a tool that everything needs is missing. A scenario that cannot be
/// run is told in its row.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if matches!(args.first().map(String::as_str), Some("help" | "-h" | "--help")) {
        println!("{}", options::help());
        return Ok(());
    }
    let options = Options::parse(args)?;
    let stage = Stage::open(&options)?;
    let mut page = Page::read(&options.out)?;
    for scenario in &options.scenarios {
        let rows = scenario::run(&stage, scenario);
        page.enter(scenario, &rows, &stage.circumstances(args)?);
        page.write()?;
    }
    Ok(())
}
