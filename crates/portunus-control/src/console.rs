//! The lines that people and scripts wait for: `portunus: ready`.
//!
//! They are a contract, so they do not pass through the log, whose form and level may change.

use std::fmt::Display;
use std::io::Write as _;

/// Where the lines go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Console {
    /// To standard error.
    #[default]
    Stderr,
    /// Nowhere: somebody else does the talking.
    Quiet,
}

impl Console {
    /// Writes one line, as soon as what it says is true.
    pub fn line(self, text: impl Display) {
        if self == Self::Stderr {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "portunus: {text}");
        }
    }

    /// Writes text that has its own form, such as diagnostics.
    pub fn block(self, text: &str) {
        let text = text.trim_end();
        if self == Self::Stderr && !text.is_empty() {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }
}
