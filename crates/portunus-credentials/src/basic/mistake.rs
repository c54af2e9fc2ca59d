//! What is wrong with a user that somebody wrote.

use portunus_spec::Problem;

/// What is wrong with a user, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Mistake {
    message: String,
    help: &'static str,
}

impl Mistake {
    /// A mistake in one line.
    pub(super) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { message: message.into(), help }
    }

    /// The mistake with the line of the file where it stands.
    pub(super) fn on_line(self, number: usize) -> Self {
        Self { message: format!("line {number}: {}", self.message), ..self }
    }
}

impl From<Mistake> for Problem {
    fn from(mistake: Mistake) -> Self {
        Self::new(mistake.message).help(mistake.help)
    }
}
