//! The `portunus` program.
fn main() {}
