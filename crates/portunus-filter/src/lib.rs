//! The filter seam: what a filter is, how it is built, and what it may answer. No filter inside.
//!
//! A filter is immutable and shared by all workers. Its hooks are synchronous; one that must wait answers
//! [`Verdict::Suspend`] with a future that owns its inputs, so no borrow of the exchange outlives a wait.
//! What a filter keeps per worker lives in a slot ([`FilterCx::local`]); what it keeps across workers is its own
//! atomics.

mod build;
mod call;
mod chain;
mod cx;
mod factory;
mod header_name;
mod identify;
mod patch;
mod reason;
mod services;
#[cfg(feature = "testing")]
pub mod testing;
mod verdict;

pub use build::{BuildCx, LiveSlots, SlotId, Slots, UpstreamNames};
pub use call::{CallAnswer, CallRequest, Calls};
pub use chain::{BodyMode, Chain, Link};
pub use cx::{FilterCx, Local, Locals};
pub use factory::{Buildable, Factory};
pub use header_name::{HeaderName, Message, check_value};
pub use identify::identify;
pub use patch::Patch;
pub use reason::FilterReason;
pub use services::{Background, RedisPlan, Services, Stores};
pub use verdict::{Again, LocalFuture, Resume, Verdict};

use portunus_exchange::{Exchange, PhaseSet, Reply};

/// What a filter looks at. The compiler of the snapshot unites the interests of a chain, so that an absent phase
/// costs one bit test and a body that nobody asked for is never touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interest {
    /// Which of `request`, `response` and `finish` it has hooks in.
    pub phases: PhaseSet,
    /// What it needs of the request's body.
    pub request_body: BodyNeed,
    /// What it needs of the answer's body.
    pub response_body: BodyNeed,
}

/// What a filter needs of a body.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BodyNeed {
    /// Nothing.
    #[default]
    None,
    /// Each piece as it passes, to look at or to change.
    Stream,
    /// The whole body at once, up to this many bytes; larger ones are answered with 413 (request) or 502 (answer).
    /// The hook is called once for each message, also for one without a body.
    Buffered(usize),
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From the client.
    Request,
    /// To the client.
    Response,
}

impl Interest {
    /// What it needs of the body that goes this way.
    #[must_use]
    pub fn body(&self, way: Way) -> BodyNeed {
        match way {
            Way::Request => self.request_body,
            Way::Response => self.response_body,
        }
    }
}

/// A built filter. All hooks default to doing nothing; only those named by [`Filter::interest`] are called.
pub trait Filter: Send + Sync {
    /// What it looks at. Asked once, when the snapshot is compiled.
    fn interest(&self) -> Interest;

    /// Whether it needs the body of this message, of which [`Filter::interest`] says that it may. Asked when the head is
    /// there and all filters have seen it, and again before the body's hook: a filter before this one may have made
    /// another body. One that nobody needs passes as if there were no filters.
    fn needs_body(&self, _way: Way, _exchange: &Exchange) -> bool {
        true
    }

    /// The request's head is there, the route is known; nothing went to the upstream yet.
    fn on_request(&self, _exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        Verdict::Continue
    }

    /// Whether a header of this name tells the upstream the filter's own word, so that the client's is not passed on: not
    /// in the trailers of a request either.
    fn guards(&self, _name: &[u8]) -> bool {
        false
    }

    /// Whether it refuses some requests: a filter that asks several takes only such. Asked once, when it is built.
    fn refuses(&self) -> bool {
        false
    }

    /// Takes out of a request what only this filter may see, such as its own cookies, and out of the logs what nobody
    /// may. Called where the request goes on without [`Filter::on_request`]: another filter has let it through in this
    /// one's place.
    fn forget(&self, _exchange: &mut Exchange) {}

    /// Whether it has pages of its own that take a body. Asked once, when the snapshot is compiled.
    fn has_own_pages(&self) -> bool {
        false
    }

    /// Whether a request is for a page of the filter's own that takes a body: how many bytes of it at most. Asked before
    /// [`Filter::on_request`], also where no route serves the request.
    fn own_page(&self, _exchange: &Exchange) -> Option<usize> {
        None
    }

    /// Answers a request that [`Filter::own_page`] took, with its whole body. The filters after it do not see it.
    fn on_own_page(
        &self,
        _exchange: &mut Exchange,
        _body: Vec<u8>,
        _cx: &mut FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        Box::pin(async { Reply::problem(404, "route.none") })
    }

    /// A piece of the request's body, or all of it, by [`Interest::request_body`].
    fn on_request_body(
        &self,
        _exchange: &mut Exchange,
        _piece: &mut BodyPiece<'_>,
        _cx: &mut FilterCx<'_>,
    ) -> Verdict {
        Verdict::Continue
    }

    /// The answer's head is there; nothing went to the client yet. Also called for answers that we make ourselves.
    fn on_response(&self, _exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        Verdict::Continue
    }

    /// A piece of the answer's body, or all of it, by [`Interest::response_body`].
    fn on_response_body(
        &self,
        _exchange: &mut Exchange,
        _piece: &mut BodyPiece<'_>,
        _cx: &mut FilterCx<'_>,
    ) -> Verdict {
        Verdict::Continue
    }

    /// The filter has waited, and asked to be called once more: see [`Resume::Again`].
    fn on_again(&self, _exchange: &mut Exchange, _again: Again, _cx: &mut FilterCx<'_>) -> Verdict {
        Verdict::Continue
    }

    /// The exchange is over, however it ended. For counting and releasing; nothing can be changed any more.
    fn on_finish(&self, _exchange: &Exchange, _cx: &mut FilterCx<'_>) {}
}

/// A piece of a body in a filter's hand: change `bytes` as you like.
#[derive(Debug)]
pub struct BodyPiece<'a> {
    /// The bytes; may be replaced, emptied or grown.
    pub bytes: &'a mut Vec<u8>,
    /// Nothing follows.
    pub end: bool,
}
