//! One listener.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::ListenerId;
use portunus_h1::Limits;
use portunus_telemetry::ListenerSeries;
use portunus_tls::ServerTls;

use crate::{HttpChallenges, OnDemand, SniPlan, TcpPlan, UdpPlan};

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

/// How slow a client may be within a body, in bytes a second. 0 is no bound.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RateFloors {
    /// In sending the body of its request.
    pub upload: u64,
    /// In taking its answer.
    pub download: u64,
}

/// The versions of HTTP that clients may speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Protocols {
    /// HTTP/1.1 and HTTP/1.0.
    pub h1: bool,
    /// HTTP/2: agreed on within TLS, or by prior knowledge without it.
    pub h2: bool,
}

impl Default for Protocols {
    fn default() -> Self {
        Self { h1: true, h2: true }
    }
}

/// Limits on one connection of HTTP/2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct H2Limits {
    /// The most requests at once.
    pub streams_max: u32,
}

impl Default for H2Limits {
    fn default() -> Self {
        Self { streams_max: 100 }
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
    /// The most requests under way at a worker; more are refused.
    pub requests_max: Option<usize>,
    /// How slow clients may be.
    pub floors: RateFloors,
    /// Limits on heads.
    pub limits: Limits,
    /// Bounds on how long a client may take.
    pub timeouts: ListenerTimeouts,
    /// HTTP is served; else everything is passed on.
    pub http: bool,
    /// The versions of HTTP that clients may speak.
    pub protocols: Protocols,
    /// Where connections go as they come, that are served in no other way.
    pub tcp: Option<Arc<TcpPlan>>,
    /// Where TLS goes without being ended, by the name that its client asks for.
    pub sni: Option<Arc<SniPlan>>,
    /// Where packets go, for a listener of UDP.
    pub udp: Option<Arc<UdpPlan>>,
    /// Limits on connections of HTTP/2.
    pub h2: H2Limits,
    /// How TLS is spoken; None for plain text.
    pub tls: Option<Arc<ServerTls>>,
    /// Requests whose host is neither the name that TLS was asked for, nor one of the certificate that was shown,
    /// are refused.
    pub host_must_fit_sni: bool,
    /// Upstreams are told the certificate that a client proved to have.
    pub client_cert: bool,
    /// Answers to a certificate authority that wants to see that a name is ours.
    pub http_challenges: Option<Arc<HttpChallenges>>,
    /// Whom handshakes ask for certificates that are not there.
    pub on_demand: Option<Arc<OnDemand>>,
}

impl ListenerPlan {
    /// A listener for plain text with default settings.
    #[must_use]
    pub fn new(id: ListenerId, name: Arc<str>, series: ListenerSeries) -> Self {
        Self {
            id,
            name,
            series,
            proxy_protocol: ProxyProtocol::default(),
            connections_max: None,
            requests_max: None,
            floors: RateFloors::default(),
            limits: Limits::default(),
            timeouts: ListenerTimeouts::default(),
            http: true,
            protocols: Protocols::default(),
            tcp: None,
            sni: None,
            udp: None,
            h2: H2Limits::default(),
            tls: None,
            host_must_fit_sni: true,
            client_cert: true,
            http_challenges: None,
            on_demand: None,
        }
    }
}
