//! A spec and the registries become a snapshot, or all diagnostics; and the difference of two snapshots.
