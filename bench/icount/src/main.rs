//! `bench-icount`: does one hot operation again and again, for callgrind to count its instructions.
//!
//! `cargo xtask bench icount` runs it. It measures nothing by itself and must not allocate in a
//! pass: the allocator's instructions would hide ours.

#![expect(clippy::print_stdout, reason = "the list of cases is the output of this program")]

mod cases;

use anyhow::{Context as _, Result, bail};

use cases::Pass;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            cases::all().iter().for_each(|case| println!("{}", case.name));
            Ok(())
        }
        ["--case", name, "--passes", count] => run(name, count.parse()?),
        _ => bail!("usage: bench-icount --list | --case NAME --passes COUNT"),
    }
}

fn run(name: &str, count: u64) -> Result<()> {
    let mut all = cases::all().into_iter();
    let case = all.find(|case| case.name == name);
    let mut pass = case.with_context(|| format!("there is no case {name}"))?.prepare()?;
    // The first pass fills what later ones recycle.
    pass();
    measured(&mut pass, count);
    Ok(())
}

/// Callgrind collects in this function alone, so it must keep its name and be called once.
#[inline(never)]
fn measured(pass: &mut Pass, count: u64) {
    for _ in 0..count {
        pass();
    }
}
