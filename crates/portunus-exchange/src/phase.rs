//! The life of an exchange, in order. The same words stand in hooks, metrics, traces, logs, `explain` and docs.

/// A phase of an exchange.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Phase {
    /// Who is there: addresses, trust, limits of the listener.
    #[default]
    Admit,
    /// Which route serves the request.
    Route,
    /// Filters see the request.
    Request,
    /// Which endpoint of the upstream gets it.
    Select,
    /// A connection to that endpoint.
    Connect,
    /// The request goes out.
    Send,
    /// The head of the answer comes in.
    Receive,
    /// Filters see the answer.
    Response,
    /// The body of the answer goes to the client.
    Relay,
    /// Log, metrics, and what filters do at the end.
    Finish,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 10] = [
        Self::Admit,
        Self::Route,
        Self::Request,
        Self::Select,
        Self::Connect,
        Self::Send,
        Self::Receive,
        Self::Response,
        Self::Relay,
        Self::Finish,
    ];

    /// The word used everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Route => "route",
            Self::Request => "request",
            Self::Select => "select",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Response => "response",
            Self::Relay => "relay",
            Self::Finish => "finish",
        }
    }
}

/// A set of phases: which hooks a filter has. An absent phase costs one bit test.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PhaseSet(u16);

impl PhaseSet {
    /// No phase.
    pub const NONE: Self = Self(0);

    /// This set and `phase`.
    #[must_use]
    pub const fn with(self, phase: Phase) -> Self {
        Self(self.0 | 1 << phase as u16)
    }

    /// True when `phase` is in the set.
    #[must_use]
    pub const fn has(self, phase: Phase) -> bool {
        self.0 & 1 << phase as u16 != 0
    }
}
