//! Writing for people and pipes.

use std::io::{self, IsTerminal as _, Write as _};

/// Writes text to standard output. A reader that has gone away (`| head`) is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes an error, some lines perhaps, to standard error.
pub(super) fn error(text: &str) {
    // There is nobody else to tell.
    let _ = writeln!(io::stderr().lock(), "portunus: {}", text.trim_end());
}

/// Writes text that has its own form to standard error.
pub(super) fn note(text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Whether colours are wanted on standard error.
pub(super) fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
