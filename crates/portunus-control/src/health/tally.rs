//! When results of checks change what is thought of an endpoint. Pure.

/// What is thought of one endpoint, and the results that speak against it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Tally {
    down: bool,
    /// Results in a row that say otherwise.
    against: u32,
}

impl Tally {
    /// What was thought before.
    pub(super) fn new(down: bool) -> Self {
        Self { down, against: 0 }
    }

    /// Records a result; answers what is thought from now on, when that has changed: `true` is
    /// healthy. `rise` good results in a row make an endpoint healthy, `fall` bad ones unhealthy.
    pub(super) fn record(&mut self, good: bool, rise: u32, fall: u32) -> Option<bool> {
        if good != self.down {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < if self.down { rise } else { fall } {
            return None;
        }
        *self = Self { down: !self.down, against: 0 };
        Some(good)
    }
}

#[cfg(test)]
mod tests;
