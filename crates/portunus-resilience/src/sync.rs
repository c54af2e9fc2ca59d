//! The atomics and the lock of this crate: those of the standard library, or those of a scheduler of tests that tries
//! out how threads may take turns.

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, fence};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

/// A lock that is held for moments, and only by those who wait or find somebody waiting.
#[cfg(feature = "shuttle")]
pub(crate) type Lock<T> = shuttle::sync::Mutex<T>;
/// A lock that is held for moments, and only by those who wait or find somebody waiting.
#[cfg(not(feature = "shuttle"))]
#[expect(clippy::disallowed_types, reason = "no worker that has no need to wait comes to it")]
pub(crate) type Lock<T> = std::sync::Mutex<T>;
