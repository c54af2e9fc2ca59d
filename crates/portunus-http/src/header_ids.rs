//! Sets of well-known header names, as bits.

use crate::HeaderId;

/// A set of [`HeaderId`]s. [`HeaderId::Other`] may be in it like any other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HeaderIds(u128);

impl HeaderIds {
    /// No id.
    pub const NONE: Self = Self(0);

    /// The set of these ids.
    #[must_use]
    pub const fn of(ids: &[HeaderId]) -> Self {
        let mut set = Self::NONE;
        let mut rest = ids;
        while let Some((first, others)) = rest.split_first() {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    /// This set and `id`.
    #[must_use]
    pub const fn with(self, id: HeaderId) -> Self {
        Self(self.0 | 1 << id as u8)
    }

    /// The ids that are in one of the two.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when `id` is in the set.
    #[must_use]
    pub const fn has(self, id: HeaderId) -> bool {
        self.0 >> id as u8 & 1 != 0
    }

    /// True when some id is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests;
