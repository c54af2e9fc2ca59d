//! Names of one kind and their ids, with the bound on how many keep their own.

use std::collections::BTreeMap;

use super::series::{Labels, Sums};

/// The ids of one kind. Id 0 is the series `other`, which all names beyond the bound share.
#[derive(Debug)]
pub(super) struct Directory {
    ids: BTreeMap<Labels, u32>,
    /// Ids whose names were forgotten.
    vacant: Vec<u32>,
    /// The first id that was never given.
    next: u32,
    /// What an id's cells held when it was given to its present name.
    earlier: BTreeMap<u32, Sums>,
    /// How often a name got `other`.
    folded: u64,
}

impl Default for Directory {
    fn default() -> Self {
        let earlier = BTreeMap::new();
        Self { ids: BTreeMap::new(), vacant: Vec::new(), next: OTHER + 1, earlier, folded: 0 }
    }
}

impl Directory {
    /// The id of a name: the one it has, else a new one, else `other`. `sums` tells what an id's cells
    /// hold: an id is given again only when nothing is under way in it.
    pub(super) fn resolve(
        &mut self,
        labels: Labels,
        max: usize,
        sums: impl Fn(u32) -> Sums,
    ) -> u32 {
        if let Some(&id) = self.ids.get(&labels) {
            return id;
        }
        if self.ids.len() >= max {
            self.folded += 1;
            return OTHER;
        }
        let id = self.reuse(sums).unwrap_or_else(|| {
            let id = self.next;
            self.next += 1;
            id
        });
        self.ids.insert(labels, id);
        id
    }

    /// Forgets the names that `keep` does not want.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Labels) -> bool) {
        let vacant = &mut self.vacant;
        self.ids.retain(|labels, id| {
            let kept = keep(labels);
            if !kept {
                vacant.push(*id);
            }
            kept
        });
    }

    /// Names and ids in the order of names; `other` comes first, once it is in use.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Labels, u32)> {
        let other = (self.folded > 0).then(|| (Labels::new("other", "other"), OTHER));
        other.into_iter().chain(self.ids.iter().map(|(labels, id)| (labels.clone(), *id)))
    }

    /// What to take away from the sums of an id.
    pub(super) fn earlier(&self, id: u32) -> Option<&Sums> {
        self.earlier.get(&id)
    }

    /// How often a name got `other`.
    pub(super) fn folded(&self) -> u64 {
        self.folded
    }

    fn reuse(&mut self, sums: impl Fn(u32) -> Sums) -> Option<u32> {
        let (place, held) = self.vacant.iter().enumerate().find_map(|(place, &id)| {
            let held = sums(id);
            held.is_idle().then_some((place, held))
        })?;
        let id = self.vacant.swap_remove(place);
        self.earlier.insert(id, held);
        Some(id)
    }
}

const OTHER: u32 = 0;
