//! What the whole process takes on.

use portunus_spec::{Spanned, spec};

spec! {
    /// What the whole process takes on at once. What is beyond is refused, so that the rest is served well.
    pub struct ProcessLimitsSpec {
        /// Most connections of clients, over all listeners; none without it. More are closed.
        connections_max: Option<Spanned<u32>>,
        /// Most requests under way, over all listeners; none without it. More are answered with 503.
        requests_max: Option<Spanned<u32>>,
        /// What one client may have: an IPv4 address, or a /64 network of IPv6. Trusted proxies may have more.
        per_client: ClientLimitsSpec,
    }
}

spec! {
    /// What one client may have.
    pub struct ClientLimitsSpec {
        /// Most connections at once; none without it. More are closed.
        connections_max: Option<Spanned<u32>>,
    }
}
