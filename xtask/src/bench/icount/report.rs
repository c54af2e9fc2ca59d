//! `bench/results/icount.md`: the counts, and what the number of routes does to them.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use super::{Count, FEW, MANY, TIMES_MAX, growths};
use crate::bench::machine::Machine;
use crate::process;

/// Writes the report, and the part about the routes to the screen.
pub(super) fn write(counts: &[Count]) -> Result<()> {
    let out = process::root()?.join("bench/results");
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let routes = routes(counts);
    println!("\n{routes}");
    let text = format!("{ABOUT}\n{}\n{routes}\n{}", table(counts), circumstances()?);
    fs::write(out.join("icount.md"), text)?;
    eprintln!("written: bench/results/icount.md");
    Ok(())
}

fn table(counts: &[Count]) -> String {
    let mut text = "| case | instructions per pass |\n|---|---:|\n".to_owned();
    for Count { case, instructions } in counts {
        let _ = writeln!(text, "| {case} | {instructions:.0} |");
    }
    text
}

pub(super) fn routes(counts: &[Count]) -> String {
    let mut text = format!(
        "## The number of routes\n\n{MANY} routes may cost {TIMES_MAX} times what {FEW} cost.\n\n\
         | case | {FEW} routes | {MANY} routes | times | within {TIMES_MAX} |\n\
         |---|---:|---:|---:|---|\n"
    );
    for growth in growths(counts) {
        let name = super::stem(growth.many).unwrap_or_default().trim_end_matches('-');
        let (few, many, times) =
            (growth.few.instructions, growth.many.instructions, growth.times());
        let within = if times <= TIMES_MAX { "yes" } else { "**no**" };
        let _ = writeln!(text, "| {name} | {few:.1} | {many:.1} | {times:.3} | {within} |");
    }
    text
}

/// What a reader needs to judge the numbers or to make them again.
fn circumstances() -> Result<String> {
    let date = process::output(process::command("date")?.args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let rustc = process::output(process::command("rustc")?.arg("--version"))?;
    let valgrind = process::output(process::command("valgrind")?.arg("--version"))?;
    Ok(format!(
        "- date: {}\n- machine: {}\n- built by: {}, release profile\n- counted by: {}, callgrind\n\
         - command: `cargo xtask bench icount`\n",
        date.trim(),
        Machine::read()?.description,
        rustc.trim(),
        valgrind.trim(),
    ))
}

const ABOUT: &str = "\
# icount: instructions of single operations

How many instructions one operation takes, counted by callgrind. They do not depend on what else the
machine does, so two versions compare exactly when built by the same compiler; waiting for memory
does not show. Each number has the call of the pass in it, which is `empty`. The first pass is not
counted: it fills what later ones recycle. No pass allocates. A number at the end of a name is that
of the routes or endpoints.
";
