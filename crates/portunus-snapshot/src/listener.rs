//! One listener.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::ListenerId;
use portunus_h1::Limits;
use portunus_telemetry::ListenerSeries;

/// Whether connections begin with a PROXY protocol header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProxyProtocol {
    /// Never; a header is refused as bad bytes.
    #[default]
    Off,
    /// Where the peer is in `trusted_proxies` and sends one.
    Optional,
    /// Always; other peers and other bytes are refused.
    Required,
}

/// Bounds on how long a client may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListenerTimeouts {
    /// From the first byte of a head to its last.
    pub header_read: Duration,
    /// A pause within a body, either way.
    pub request_idle: Duration,
    /// Between two requests of a connection.
    pub keep_alive: Duration,
    /// How long unread bytes of a refused request are taken in before the connection closes.
    pub linger: Duration,
}

impl Default for ListenerTimeouts {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(15),
            request_idle: Duration::from_secs(60),
            keep_alive: Duration::from_secs(75),
            linger: Duration::from_secs(2),
        }
    }
}

/// A listener of a snapshot. Its socket is control's.
#[derive(Clone, Debug)]
pub struct ListenerPlan {
    /// Its id, the same over reloads.
    pub id: ListenerId,
    /// Its name.
    pub name: Arc<str>,
    /// The series that counts it.
    pub series: ListenerSeries,
    /// Whether connections begin with a PROXY protocol header.
    pub proxy_protocol: ProxyProtocol,
    /// The most open connections of a worker; more are closed at once.
    pub connections_max: Option<usize>,
    /// Limits on heads.
    pub limits: Limits,
    /// Bounds on how long a client may take.
    pub timeouts: ListenerTimeouts,
}
