//! The filters of one route, with the interests of each united.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet};

use crate::{BodyNeed, Filter, Interest, Way};

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

impl Link {
    /// Whether the filter needs the body of this message.
    #[must_use]
    pub fn needs_body(&self, way: Way, exchange: &Exchange) -> bool {
        self.interest.body(way) != BodyNeed::None && self.filter.needs_body(way, exchange)
    }
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
    /// Some filter may need the request's body.
    request_bodies: bool,
    /// Some filter may need the answer's body.
    response_bodies: bool,
    own_pages: bool,
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
            chain.request_bodies |= link.interest.request_body != BodyNeed::None;
            chain.response_bodies |= link.interest.response_body != BodyNeed::None;
            chain.own_pages |= link.filter.has_own_pages();
        }
        chain
    }

    /// True when some filter has a hook in `phase`.
    #[must_use]
    pub fn has(&self, phase: Phase) -> bool {
        self.phases.has(phase)
    }

    /// True when some filter has pages of its own that take a body.
    #[must_use]
    pub fn has_own_pages(&self) -> bool {
        self.own_pages
    }

    /// How the body of this message is treated: by the strongest need of the filters that need it.
    #[must_use]
    pub fn body_mode(&self, way: Way, exchange: &Exchange) -> BodyMode {
        self.body_mode_before(self.links.len(), way, exchange)
    }

    /// The same for the first so many filters alone: of a request that the one after them answers.
    #[must_use]
    pub fn body_mode_before(&self, count: usize, way: Way, exchange: &Exchange) -> BodyMode {
        let may = match way {
            Way::Request => self.request_bodies,
            Way::Response => self.response_bodies,
        };
        if !may {
            return BodyMode::Pass;
        }
        let links = self.links.iter().take(count);
        let needing = links.filter(|link| link.needs_body(way, exchange));
        needing.fold(BodyMode::Pass, |mode, link| mode.join(link.interest.body(way)))
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
