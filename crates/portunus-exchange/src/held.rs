//! What an exchange holds on behalf of filters: permits for instance, given back by dropping them.

use std::any::Any;
use std::fmt;

/// Things that are dropped when the exchange is over, however it ends.
#[derive(Default)]
pub struct Held(Vec<Box<dyn Any>>);

impl Held {
    /// Keeps a thing until then.
    pub fn keep(&mut self, thing: impl Any) {
        self.0.push(Box::new(thing));
    }

    /// Drops all of them now.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
