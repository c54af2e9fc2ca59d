//! The program: the command line, and the wiring of everything that it is made of.

mod cli;
mod demo;
mod memory;
mod wire;

use std::process::ExitCode;

/// Gives memory back and fragments little when many threads allocate for months.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::main()
}
