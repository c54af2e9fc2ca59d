//! The filters of one route, with the interests of each united.

use std::sync::Arc;

use portunus_exchange::{Phase, PhaseSet};

use crate::{BodyNeed, Filter, Interest};

/// One filter in a chain.
#[derive(Clone)]
pub struct Link {
    /// The filter's name, for `explain` and errors.
    pub name: &'static str,
    /// The filter.
    pub filter: Arc<dyn Filter>,
    /// What it looks at.
    pub interest: Interest,
}

/// How a chain treats a body: the strongest need of its filters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BodyMode {
    /// Nobody looks: bytes are moved, or spliced.
    #[default]
    Pass,
    /// Piece by piece.
    Stream,
    /// Whole, up to this many bytes.
    Buffer(usize),
}

/// The filters of one route. Requests meet them in the order written, answers in the reverse order.
#[derive(Clone, Default)]
pub struct Chain {
    links: Box<[Link]>,
    phases: PhaseSet,
    request_body: BodyMode,
    response_body: BodyMode,
}

impl Chain {
    /// A chain in the order written.
    #[must_use]
    pub fn new(links: Vec<Link>) -> Self {
        let mut chain = Self { links: links.into_boxed_slice(), ..Self::default() };
        for link in &chain.links {
            for phase in Phase::ALL.into_iter().filter(|phase| link.interest.phases.has(*phase)) {
                chain.phases = chain.phases.with(phase);
            }
            chain.request_body = chain.request_body.join(link.interest.request_body);
            chain.response_body = chain.response_body.join(link.interest.response_body);
        }
        chain
    }

    /// True when some filter has a hook in `phase`.
    #[must_use]
    pub fn has(&self, phase: Phase) -> bool {
        self.phases.has(phase)
    }

    /// How the request's body is treated.
    #[must_use]
    pub fn request_body(&self) -> BodyMode {
        self.request_body
    }

    /// How the answer's body is treated.
    #[must_use]
    pub fn response_body(&self) -> BodyMode {
        self.response_body
    }

    /// All filters in the order written.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

impl BodyMode {
    fn join(self, need: BodyNeed) -> Self {
        match (self, need) {
            (mode, BodyNeed::None) => mode,
            (Self::Pass, BodyNeed::Stream) => Self::Stream,
            (mode, BodyNeed::Stream) => mode,
            // The smallest bound holds: no filter gets more than it said it can take.
            (Self::Buffer(have), BodyNeed::Buffered(bytes)) => Self::Buffer(have.min(bytes)),
            (_, BodyNeed::Buffered(bytes)) => Self::Buffer(bytes),
        }
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.links.iter().map(|link| link.name)).finish()
    }
}
