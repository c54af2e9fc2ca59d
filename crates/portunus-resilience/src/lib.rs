//! What keeps a service from being asked for too much. Pure: the clock is passed in, keys are hashes.

mod gcra;

pub use gcra::{Admission, Gcra, GcraSpecError, Quota};
