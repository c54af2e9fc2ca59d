//! `concurrency`: so many requests at once, for each client or for all.

mod queue;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    Again, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Patch, Resume, SlotId,
    Verdict,
};
use portunus_spec::{Spanned, spec};

use crate::answer::{self, Decisions, NO_KEY};
use crate::key::{Keys, PerSpec, process_seed};
use crate::written::{Missing, place, room, with_per};
use queue::{Bounds, Entered, Permits, Ticket};

spec! {
    /// Lets so many requests be under way at once, for each client or for all together.
    pub(crate) struct ConcurrencyFields {
        short = max;
        /// How many at once.
        max: Spanned<u32>,
        /// Who may have so many of their own; as in `rate_limit`. Without it all share them.
        per: Vec<Spanned<PerSpec>> = Vec::new(),
        /// How many requests beyond that wait for one to end. Without it none does.
        queue: Option<QueueSpec>,
        /// What happens to a request that has nothing of what `per` says.
        missing: Missing = Missing::Share,
        /// A name. Limits of one name share what is under way.
        name: Option<Spanned<String>>,
        /// How many bits of an IPv6 address are one client.
        ipv6_prefix: Spanned<u16> = Spanned::none(64),
        /// For how many clients at once there is room, at 32 bytes for each. Of more, some are not limited.
        keys_max: Spanned<usize> = Spanned::none(100_000),
        /// Only counts what it would refuse.
        dry_run: bool = false,
    }
}

spec! {
    /// Requests that wait.
    pub(crate) struct QueueSpec {
        short = max;
        /// How many wait at once, of all clients together. Of one client no more do than may be under way.
        max: u32,
        /// How long one waits.
        timeout: Duration = Duration::from_secs(2),
    }
}

/// `concurrency`, as it is written.
pub struct ConcurrencySpec(ConcurrencyFields);

with_per!(ConcurrencySpec, ConcurrencyFields, "max");

impl Buildable for ConcurrencySpec {
    const NAME: &'static str = "concurrency";
    const DOC: &'static str = "Lets so many requests be under way at once.";
    const REASONS: &'static [FilterReason] = &[
        NO_KEY,
        FilterReason::new(
            REASON,
            0,
            "More requests are under way than a `concurrency` lets be: 429 where each client has a \
             limit of its own, 503 where all share one.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let spec = self.0;
        let keys = Keys::build(&spec.per, &spec.ipv6_prefix, process_seed(), cx);
        let room = room(&spec.keys_max, &spec.per, cx);
        if spec.max.value == 0 {
            cx.reader.error(spec.max.span, "no request may ever pass").help("write 1 or more");
            return None;
        }
        let (keys, room) = (keys?, room?);
        let written = format!(" {} {}", spec.max.value, spec.dry_run);
        let place = place(spec.name.as_ref(), &spec.per, &written, cx);
        let state = format!("concurrency {room} {place}");
        Some(Arc::new(Concurrency {
            wait: spec.queue.map(|QueueSpec { max: waiting_max, timeout }| {
                let own = if keys.is_of_clients() { spec.max.value } else { waiting_max };
                Bounds { waiting_max, of_key_max: own, timeout }
            }),
            status: if keys.is_of_clients() { 429 } else { 503 },
            keys,
            max: spec.max.value,
            permits: cx.state(&state, || Permits::new(room)),
            missing: spec.missing,
            dry_run: spec.dry_run,
            decisions: Decisions::build(cx),
            slot: cx.slot(),
        }))
    }
}

struct Concurrency {
    keys: Keys,
    max: u32,
    permits: Arc<Permits>,
    wait: Option<Bounds>,
    missing: Missing,
    status: u16,
    dry_run: bool,
    decisions: Decisions,
    slot: SlotId,
}

impl Filter for Concurrency {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let wall = cx.wall;
        let scratch = cx.local::<Vec<u8>>(self.slot);
        let key = match (self.keys.key(exchange, wall, scratch), self.missing) {
            (Some(key), _) => key,
            (None, Missing::Share) => self.keys.of_the_rest(scratch),
            (None, Missing::Skip) => return Verdict::Continue,
            (None, Missing::Refuse) => return Verdict::reply(answer::no_key()),
        };
        let held = self.permits.held(key);
        cx.note(|| {
            format!("{}: {held} of {} under way", self.keys.shown(exchange, wall), self.max)
        });
        if cx.offline {
            return self.settle(held < self.max, cx);
        }
        match (self.permits.enter(key, self.max), self.wait) {
            (Entered::Passed(ticket), _) => self.pass(ticket, exchange, cx),
            (Entered::Full, Some(bounds)) if !self.dry_run => {
                match self.permits.wait(key, self.max, bounds) {
                    Some(wait) => Verdict::Suspend(Box::pin(async move {
                        let state: Box<dyn Any> = Box::new(wait.await);
                        Resume::Again(Patch::default(), Again { step: 0, state: Some(state) })
                    })),
                    None => self.settle(false, cx),
                }
            }
            (Entered::Full, _) => self.settle(false, cx),
        }
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let entered = again.state.and_then(|state| state.downcast::<Entered>().ok());
        match entered.map(|entered| *entered) {
            Some(Entered::Passed(ticket)) => self.pass(ticket, exchange, cx),
            Some(Entered::Full) | None => self.settle(false, cx),
        }
    }
}

impl Concurrency {
    fn pass(&self, ticket: Ticket, exchange: &mut Exchange, cx: &FilterCx<'_>) -> Verdict {
        exchange.held.keep(ticket);
        self.settle(true, cx)
    }

    fn settle(&self, allowed: bool, cx: &FilterCx<'_>) -> Verdict {
        cx.count(self.decisions.of(allowed, self.dry_run));
        if allowed || self.dry_run {
            return Verdict::Continue;
        }
        let reply = Reply::problem(self.status, REASON);
        let reply = reply.with_detail("Too many requests are under way.");
        Verdict::reply(reply.with_header("Retry-After", Bytes::from_static(b"1")))
    }
}

const REASON: &str = "limit.concurrency";

#[cfg(test)]
mod tests;
