//! The answer of a limit.

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admission {
    /// It may pass.
    pub allowed: bool,
    /// How much may still come at once.
    pub remaining: u64,
    /// Microseconds until as much as was asked for may pass; 0 when it may now.
    pub retry_after_us: u64,
    /// Microseconds until the budget is whole again.
    pub reset_us: u64,
}
