//! A gate between two threads of a test.

use std::sync::Arc;

use crate::wait::Watched;

/// A gate: closed at first; once open, it stays so. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Watched<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it.
    pub fn open(&self) {
        self.0.change(|is_open| *is_open = true);
    }

    /// Waits until it is open.
    #[track_caller]
    pub fn wait(&self) {
        let opened = self.0.wait_for(|is_open| is_open.then_some(()));
        assert!(opened.is_some(), "the gate never opened");
    }
}
