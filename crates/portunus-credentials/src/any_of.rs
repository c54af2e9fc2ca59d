//! `any_of`: several ways to show who asks; one is enough.

mod refused;
mod turn;

use std::any::Any;
use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    Again, BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, Interest, Link, LocalFuture,
    Patch, SlotId, Verdict, Way,
};
use portunus_spec::{Node, Spanned, spec};

use crate::{AnonymousSpec, marks};
use refused::Refused;
use turn::{Came, Turn};

spec! {
    /// Lets a request through when one of several filters does.
    ///
    /// They are asked in their order, until one lets the request through. When none does, the client gets the answer
    /// of one that found a credential, if there was any.
    pub struct AnyOfSpec {
        short = filters;
        /// The filters, each as in `use`.
        filters: Vec<Spanned<Node>>,
        /// Whether a request without any credential goes on, without an identity.
        optional: bool = false,
    }
}

impl Buildable for AnyOfSpec {
    const NAME: &'static str = "any_of";
    const DOC: &'static str = "Lets a request through when one of several filters does.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        if self.filters.is_empty() {
            let error = cx.reader.error(cx.span, "`any_of` has no filters");
            error.help("write a list: `any_of: [api_key, {jwt: {...}}]`");
            return None;
        }
        let members: Vec<_> = (self.filters.iter().enumerate())
            .filter_map(|(at, written)| member(at, written, cx))
            .collect();
        let slot = cx.slot();
        let complete = members.len() == self.filters.len();
        let filter = AnyOf { members: members.into(), slot, optional: self.optional };
        complete.then(|| Arc::new(filter) as Arc<dyn Filter>)
    }
}

fn member(at: usize, written: &Spanned<Node>, cx: &mut BuildCx<'_, '_>) -> Option<Link> {
    let link = cx.filter(written)?;
    if link.filter.refuses() {
        return Some(link);
    }
    let message = format!("`{}` (number {}) refuses nobody", link.name, at + 1);
    let error = cx.reader.error(written.span, message);
    error.help(match link.name {
        AnonymousSpec::NAME => {
            "write it after `any_of: {filters: [...], optional: true}`, not among its filters"
        }
        _ => {
            "write filters here that refuse requests, such as `api_key`, `jwt` or `ip`; \
             `optional: true` is for `any_of` itself"
        }
    });
    None
}

struct AnyOf {
    members: Box<[Link]>,
    slot: SlotId,
    optional: bool,
}

impl Filter for AnyOf {
    fn interest(&self) -> Interest {
        self.members.iter().fold(Interest::default(), |all, link| join(all, link.interest))
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.members.iter().any(|link| link.filter.guards(name))
    }

    fn refuses(&self) -> bool {
        !self.optional
    }

    fn forget(&self, exchange: &mut Exchange) {
        self.members.iter().for_each(|link| link.filter.forget(exchange));
    }

    fn needs_body(&self, way: Way, exchange: &Exchange) -> bool {
        self.passed(exchange).is_some_and(|(_, link)| link.needs_body(way, exchange))
    }

    fn has_own_pages(&self) -> bool {
        self.members.iter().any(|link| link.filter.has_own_pages())
    }

    fn own_page(&self, exchange: &Exchange) -> Option<usize> {
        self.members.iter().find_map(|link| link.filter.own_page(exchange))
    }

    fn on_own_page(
        &self,
        exchange: &mut Exchange,
        body: Vec<u8>,
        cx: &mut FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        let owner = self.members.iter().find(|link| link.filter.own_page(exchange).is_some());
        match owner {
            Some(link) => link.filter.on_own_page(exchange, body, cx),
            None => Box::pin(async { Reply::problem(404, "route.none") }),
        }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.remove_copies(exchange);
        self.ask_from(0, Refused::default(), exchange, cx)
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let wants = |it: &Interest| it.request_body != BodyNeed::None;
        self.hand_on(exchange, wants, |filter, exchange| {
            filter.on_request_body(exchange, piece, cx)
        })
    }

    fn on_response(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let wants = |it: &Interest| it.phases.has(Phase::Response);
        self.hand_on(exchange, wants, |filter, exchange| filter.on_response(exchange, cx))
    }

    fn on_response_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let wants = |it: &Interest| it.response_body != BodyNeed::None;
        self.hand_on(exchange, wants, |filter, exchange| {
            filter.on_response_body(exchange, piece, cx)
        })
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let turn = again.state.and_then(|state: Box<dyn Any>| state.downcast::<Turn>().ok());
        match turn {
            Some(turn) => self.go_on(*turn, exchange, cx),
            None => Verdict::Continue,
        }
    }

    fn on_finish(&self, exchange: &Exchange, cx: &mut FilterCx<'_>) {
        let passed = self.passed(exchange).map(|(_, link)| link);
        if let Some(link) = passed.filter(|link| link.interest.phases.has(Phase::Finish)) {
            link.filter.on_finish(exchange, cx);
        }
    }
}

impl AnyOf {
    /// Asks the members from `first` on, after others have refused.
    fn ask_from(
        &self,
        first: usize,
        mut refused: Refused,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        for (at, link) in self.members.iter().enumerate().skip(first) {
            let verdict = link.filter.on_request(exchange, cx);
            match self.settle(at, verdict, Patch::default(), refused, exchange) {
                Ok(verdict) => return verdict,
                Err(so_far) => refused = so_far,
            }
        }
        cx.note(|| refused.to_string());
        if self.optional && refused.are_all_missing() {
            return Verdict::Continue;
        }
        refused.answer(exchange)
    }

    /// What comes of a member's verdict, with the edits that belong to it; or the refusals with this one more, when the
    /// next member is to be asked. A refusal's edits are made when it is the one that the client gets.
    fn settle(
        &self,
        at: usize,
        verdict: Verdict,
        patch: Patch,
        mut refused: Refused,
        exchange: &mut Exchange,
    ) -> Result<Verdict, Refused> {
        match verdict {
            Verdict::Suspend(wait) => Ok(turn::wait(at, Some(refused), wait)),
            Verdict::Reply(reply) if refused::is_refusal(&reply) => {
                refused.add(self.name(at), patch, reply);
                Err(refused)
            }
            verdict => {
                patch.apply(exchange);
                marks::set(exchange, PASSED, self.slot, at);
                if matches!(verdict, Verdict::Continue) {
                    self.members.iter().skip(at + 1).for_each(|it| it.filter.forget(exchange));
                }
                Ok(verdict)
            }
        }
    }

    /// Removes what the client says in the place of any member. Those that are not asked would not do it.
    fn remove_copies(&self, exchange: &mut Exchange) {
        let headers = &mut exchange.request.headers;
        if headers.iter().any(|header| self.guards(header.name)) {
            headers.retain(|header| !self.guards(header.name));
        }
    }

    /// Goes on after a member's wait.
    fn go_on(&self, turn: Turn, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let Turn { at, refused, came } = turn;
        let (verdict, patch) = match (came, self.members.get(at)) {
            (Came::Replied(patch, reply), _) => (Verdict::Reply(reply), patch),
            (Came::Again(again), Some(link)) => {
                (link.filter.on_again(exchange, again, cx), Patch::default())
            }
            (Came::Passed | Came::Again(_), _) => (Verdict::Continue, Patch::default()),
        };
        let Some(refused) = refused else { return later(at, verdict, &patch, exchange) };
        match self.settle(at, verdict, patch, refused, exchange) {
            Ok(verdict) => verdict,
            Err(refused) => self.ask_from(at + 1, refused, exchange, cx),
        }
    }

    /// Hands a later hook on to the member that let the request through, if it has that hook.
    fn hand_on(
        &self,
        exchange: &mut Exchange,
        wants: impl Fn(&Interest) -> bool,
        hook: impl FnOnce(&dyn Filter, &mut Exchange) -> Verdict,
    ) -> Verdict {
        match self.passed(exchange).filter(|(_, link)| wants(&link.interest)) {
            Some((at, link)) => {
                let verdict = hook(&*link.filter, exchange);
                later(at, verdict, &Patch::default(), exchange)
            }
            None => Verdict::Continue,
        }
    }

    /// The member that let the request through, or answered it.
    fn passed(&self, exchange: &Exchange) -> Option<(usize, &Link)> {
        let at = marks::get(exchange, PASSED, self.slot)?;
        self.members.get(at).map(|link| (at, link))
    }

    fn name(&self, at: usize) -> &'static str {
        self.members.get(at).map_or("", |link| link.name)
    }
}

/// What comes of a verdict of a later hook: others are not asked any more.
fn later(at: usize, verdict: Verdict, patch: &Patch, exchange: &mut Exchange) -> Verdict {
    match verdict {
        Verdict::Suspend(wait) => turn::wait(at, None, wait),
        verdict => {
            patch.apply(exchange);
            verdict
        }
    }
}

fn join(one: Interest, other: Interest) -> Interest {
    let both = |phase: &Phase| one.phases.has(*phase) || other.phases.has(*phase);
    Interest {
        phases: Phase::ALL.into_iter().filter(both).fold(PhaseSet::NONE, PhaseSet::with),
        request_body: stronger(one.request_body, other.request_body),
        response_body: stronger(one.response_body, other.response_body),
    }
}

/// The need that serves both; of two bounds the smaller one, as in a chain.
fn stronger(one: BodyNeed, other: BodyNeed) -> BodyNeed {
    match (one, other) {
        (BodyNeed::Buffered(one), BodyNeed::Buffered(other)) => BodyNeed::Buffered(one.min(other)),
        (BodyNeed::Buffered(bytes), _) | (_, BodyNeed::Buffered(bytes)) => {
            BodyNeed::Buffered(bytes)
        }
        (BodyNeed::Stream, _) | (_, BodyNeed::Stream) => BodyNeed::Stream,
        (BodyNeed::None, BodyNeed::None) => BodyNeed::None,
    }
}

/// The attribute that remembers which member let the request through.
const PASSED: &str = "any_of";

#[cfg(test)]
pub(crate) mod tests;
