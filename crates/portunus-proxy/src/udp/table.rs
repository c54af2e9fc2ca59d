//! Sessions by their clients, and by how long they were silent.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::rc::Rc;

use portunus_base::Mono;

/// The sessions of one listener on one worker, by their paths.
pub(super) struct Table<P, S> {
    by_path: HashMap<P, Entry<S>>,
    /// By when each was last filed, the oldest first.
    by_age: BTreeMap<Age, P>,
    count: u64,
}

/// When a session was filed; the number tells those of one moment apart.
type Age = (Mono, u64);

struct Entry<S> {
    session: Rc<S>,
    age: Age,
}

impl<P, S> Default for Table<P, S> {
    fn default() -> Self {
        Self { by_path: HashMap::new(), by_age: BTreeMap::new(), count: 0 }
    }
}

impl<P: Copy + Eq + Hash, S> Table<P, S> {
    /// The session of a client that has sent something.
    pub(super) fn touch(&mut self, path: P, now: Mono) -> Option<Rc<S>> {
        let entry = self.by_path.get_mut(&path)?;
        // A busy session is not filed anew for each packet.
        if now.since_us(entry.age.0) >= AGE_STEP_US {
            self.by_age.remove(&entry.age);
            entry.age.0 = now;
            self.by_age.insert(entry.age, path);
        }
        Some(Rc::clone(&entry.session))
    }

    /// Takes a session in, in the place of an earlier one of the same client. The one that was silent longest comes
    /// out when there are `max` already.
    pub(super) fn insert(
        &mut self,
        path: P,
        session: &Rc<S>,
        now: Mono,
        max: usize,
    ) -> Option<Rc<S>> {
        self.take(path);
        let is_full = self.by_path.len() >= max.max(1);
        let oldest = self.by_age.first_key_value().filter(|_| is_full).map(|(_, path)| *path);
        let evicted = oldest.and_then(|oldest| self.take(oldest));
        self.count += 1;
        let age = (now, self.count);
        self.by_age.insert(age, path);
        self.by_path.insert(path, Entry { session: Rc::clone(session), age });
        evicted
    }

    /// Takes a session out that has ended, unless another one has its place.
    pub(super) fn remove(&mut self, path: P, session: &Rc<S>) {
        if self.by_path.get(&path).is_some_and(|entry| Rc::ptr_eq(&entry.session, session)) {
            self.take(path);
        }
    }

    fn take(&mut self, path: P) -> Option<Rc<S>> {
        let entry = self.by_path.remove(&path)?;
        self.by_age.remove(&entry.age);
        Some(entry.session)
    }
}

/// How coarse ages are, in microseconds.
const AGE_STEP_US: u64 = 1_000_000;

#[cfg(test)]
mod tests;
