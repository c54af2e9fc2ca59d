//! When results of checks change what is thought of an endpoint. Pure.

/// The results in a row that speak against what is thought of one endpoint.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    against: u32,
}

impl Tally {
    /// For an endpoint that other checks have judged: one good result is enough to take it back when it was `down`.
    pub(super) fn inherited(down: bool, rise: u32) -> Self {
        Self { against: if down { rise.saturating_sub(1) } else { 0 } }
    }

    /// Records a result of an endpoint that is `down`, or not; answers what is thought from now on, when that has
    /// changed: `true` is healthy. `rise` good results in a row make an endpoint healthy, `fall` bad ones unhealthy.
    pub(super) fn record(&mut self, good: bool, down: bool, rise: u32, fall: u32) -> Option<bool> {
        if good != down {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < if down { rise } else { fall } {
            return None;
        }
        self.against = 0;
        Some(good)
    }
}

#[cfg(test)]
mod tests;
