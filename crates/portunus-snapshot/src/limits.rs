//! What the process takes on at once.

/// Bounds over all listeners and workers. None is no bound.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProcessLimits {
    /// The most connections of clients.
    pub connections_max: Option<usize>,
    /// The most requests under way.
    pub requests_max: Option<usize>,
    /// The most connections of one client.
    pub client_connections_max: Option<u32>,
}
