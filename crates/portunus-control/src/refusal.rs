//! Why a configuration is not served.

use std::fmt;

/// Why a configuration was refused. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It is wrong: the diagnostics, rendered for people.
    Config(String),
    /// Its own tests fail: the failures, rendered for people.
    Tests(String),
    /// The system does not give what it needs: one line each.
    System(Vec<String>),
    /// There is nothing to go back to: one line.
    History(String),
}

impl Refusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "reload.config_invalid",
            Self::Tests(_) => "reload.tests_failed",
            Self::System(_) => "reload.system",
            Self::History(_) => "reload.no_earlier",
        }
    }

    /// All there is to say, some lines.
    #[must_use]
    pub fn details(&self) -> String {
        match self {
            Self::Config(text) | Self::Tests(text) | Self::History(text) => text.clone(),
            Self::System(lines) => lines.join("\n"),
        }
    }
}

/// One line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => f.write_str("the configuration has errors"),
            Self::Tests(_) => f.write_str("tests of the configuration fail"),
            Self::System(lines) => f.write_str(lines.first().map_or("", String::as_str)),
            Self::History(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why Portunus did not start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StartError(pub Refusal);

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl StartError {
    /// An error of the system, with what was tried.
    pub(crate) fn system(what: &str, error: impl fmt::Display) -> Self {
        Self(Refusal::System(vec![format!("{what}: {error}")]))
    }
}

/// All there is to say: one line for each error of the system, or the diagnostics.
impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.details())
    }
}

impl std::error::Error for StartError {}
