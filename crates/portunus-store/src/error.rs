//! Why a store does not answer.

use std::fmt;

/// Why a store does not answer, in one line without secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreError(String);

impl StoreError {
    /// An error with this text.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// An error with the reasons behind it, for those whose own text says too little.
    pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(reason) = source {
            let more = reason.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            source = reason.source();
        }
        Self(text)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}
