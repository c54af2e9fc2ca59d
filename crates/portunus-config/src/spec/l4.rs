//! Listeners that pass bytes on without reading them: TCP, TLS by name, UDP.

use std::time::Duration;

use portunus_spec::{Spanned, spec};

use super::ToSpec;

spec! {
    /// TCP that is passed on as it comes.
    pub struct TcpSpec {
        short = to;
        /// Where to: the name of an upstream, an address (`10.0.0.1:5432`), or a list of them.
        to: Spanned<ToSpec>,
        /// How long it may take.
        timeouts: TcpTimeoutsSpec,
    }
}

spec! {
    /// How long TCP that is passed on may take.
    pub struct TcpTimeoutsSpec {
        /// Until the upstream is connected; the upstream's timeout unless set.
        connect: Option<Duration>,
        /// Without a byte in either direction.
        idle: Duration = Duration::from_secs(3600),
        /// In all; no limit unless set.
        lifetime: Option<Duration>,
        /// Where HTTP is served on the same port: how long a client may say nothing before it is taken for one
        /// whose server speaks first.
        sniff: Duration = Duration::from_millis(500),
    }
}

spec! {
    /// UDP that is passed on by sessions: all packets between a client's address and port and ours.
    pub struct UdpSpec {
        short = to;
        /// Where to: the name of an upstream, an address (`10.0.0.1:53`), or a list of them.
        to: Spanned<ToSpec>,
        /// How long a session lasts without a packet.
        idle: Duration = Duration::from_secs(60),
        /// Most sessions at once.
        sessions_max: u32 = 100_000,
    }
}
