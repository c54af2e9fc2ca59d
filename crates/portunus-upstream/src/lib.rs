//! Upstreams at run time: the state store, per-worker connection pools, endpoint sets.
