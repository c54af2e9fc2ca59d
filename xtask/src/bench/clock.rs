//! Real time: measuring it is the purpose of this command.

use std::time::{Duration, Instant};

/// The monotonic time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "a benchmark waits for other programs")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}
