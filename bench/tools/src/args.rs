//! The command line of the tools: pairs of `--name value`, nothing else.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};

/// The options that were given, by name without the dashes.
#[derive(Debug, Default)]
pub struct Args(HashMap<String, String>);

impl Args {
    /// Reads the arguments of this process.
    ///
    /// # Errors
    /// When an argument is not of the form `--name value`.
    pub fn from_env() -> Result<Self> {
        Self::parse(std::env::args().skip(1))
    }

    /// Reads `words`, which must be pairs of `--name value`.
    ///
    /// # Errors
    /// When a word that should be a name does not begin with `--`, or its value is missing.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut words = words.into_iter();
        let mut options = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { bail!("expected --name, got {word}") };
            let value = words.next().with_context(|| format!("--{name} has no value"))?;
            options.insert(name.to_owned(), value);
        }
        Ok(Self(options))
    }

    /// The value of `--name`.
    ///
    /// # Errors
    /// When it is missing or cannot be read as `T`.
    pub fn required<T: FromStr>(&self, name: &str) -> Result<T> {
        self.optional(name)?.with_context(|| format!("--{name} is missing"))
    }

    /// The value of `--name`, if it was given.
    ///
    /// # Errors
    /// When it cannot be read as `T`.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.0
            .get(name)
            .map(|value| value.parse().map_err(|_| anyhow!("--{name} {value} is not understood")))
            .transpose()
    }
}
