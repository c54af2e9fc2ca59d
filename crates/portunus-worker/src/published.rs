//! A value that one thread publishes and many follow, without a lock and mostly without touching shared memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

/// A value with a generation. [`Published::publish`] replaces it; a [`Followed`] copy notices.
#[derive(Debug)]
pub struct Published<T> {
    generation: AtomicU64,
    value: ArcSwap<T>,
}

impl<T> Published<T> {
    /// Starts with `value` at generation 1.
    pub fn new(value: Arc<T>) -> Self {
        Self { generation: AtomicU64::new(1), value: ArcSwap::new(value) }
    }

    /// Replaces the value. Followers see it at their next look.
    pub fn publish(&self, value: Arc<T>) {
        self.value.store(value);
        // Release: who sees the new generation also sees the new value.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The value now.
    pub fn load(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// How often it was published; starts at 1.
    pub fn generation(&self) -> u64 {
        // Acquire: pairs with the release in `publish`.
        self.generation.load(Ordering::Acquire)
    }
}

/// A follower's own copy of a [`Published`] value: one load of a rarely written word tells whether it is current.
#[derive(Debug)]
pub struct Followed<V> {
    generation: u64,
    value: V,
}

impl<V> Followed<V> {
    /// A copy made from the value of now by `adopt`, which may turn it into something worker-local.
    pub fn new<T>(published: &Published<T>, adopt: impl FnOnce(Arc<T>) -> V) -> Self {
        let generation = published.generation();
        Self { generation, value: adopt(published.load()) }
    }

    /// The current value; calls `adopt` when it has moved on.
    pub fn current<T>(&mut self, published: &Published<T>, adopt: impl FnOnce(Arc<T>) -> V) -> &V {
        if published.generation() != self.generation {
            *self = Self::new(published, adopt);
        }
        &self.value
    }

    /// The value as last seen.
    pub fn last(&self) -> &V {
        &self.value
    }
}

#[cfg(test)]
mod tests;
