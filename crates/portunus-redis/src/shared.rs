//! One Redis, as all workers see it.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::digest::Digest;
use crate::link::Link;
use crate::options::{Plan, RedisOptions, RedisOptionsError};
use crate::quota::SharedQuota;
use crate::script::{Answer, Question, SharedSpan, Take};
use crate::tally::{SharedTally, TallyState};

/// One Redis, as all workers see it. Share it by `Arc`; when it is dropped, all workers' connections close.
pub struct Shared {
    id: u64,
    plan: Arc<Plan>,
    tally: Arc<TallyState>,
    alive: watch::Sender<()>,
}

/// An answer to come, within the bound in time. Dropping it is fine; what it asked for may be taken all the same.
pub type Ask = Pin<Box<dyn Future<Output = Result<Answer, SharedError>>>>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SharedError {
    /// Redis is away, and nothing is asked until it is back.
    Down,
    /// Too many asks of this worker are under way.
    Busy,
    /// No answer in time. What was asked for may have been taken all the same.
    Timeout,
    /// The connection broke.
    Broken,
    /// Redis answered with an error that concerns all asks: it is a replica, or full, or lacks a right.
    Refused,
    /// Redis has no answer to this one ask, or answered what the script never says. Others are answered.
    Answer,
}

/// How long a worker's connection is kept.
pub(crate) struct Life {
    id: u64,
    alive: watch::Receiver<()>,
}

impl Shared {
    /// The store of `options`. Nothing is connected before a worker first asks. Not for a worker's thread: certificates
    /// are read from disk.
    ///
    /// # Errors
    /// The URL or the certificates cannot be read.
    pub fn new(options: &RedisOptions) -> Result<Self, RedisOptionsError> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            plan: Arc::new(options.plan()?),
            tally: Arc::default(),
            alive: watch::Sender::new(()),
        })
    }

    /// Takes `cost` from the budget of `key`, if all rates allow it: exact over all nodes, in one round trip.
    ///
    /// To be called and awaited on a worker. `key` names the limit too, not only whom it limits. A cost of 0 only looks.
    ///
    /// # Errors
    /// At once where asking makes no sense; see [`SharedError`]. The future fails at its bound in time at the latest.
    pub fn admit(&self, quota: &SharedQuota, key: &[u8], cost: u32) -> Result<Ask, SharedError> {
        self.take(quota, key, Take { need: cost, want: cost, ..Take::default() })
    }

    /// Takes `cost` whether it is there or not: for what is known only afterwards, such as the size of an answer. A
    /// budget is overdrawn by no more than its burst and one such cost.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn charge(&self, quota: &SharedQuota, key: &[u8], cost: u32) -> Result<Ask, SharedError> {
        self.take(quota, key, Take { need: cost, want: cost, force: true, ..Take::default() })
    }

    /// Gives back `cost`, which was admitted `age_us` ago and came to nothing: what time has not healed of it.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn refund(
        &self,
        quota: &SharedQuota,
        key: &[u8],
        cost: u32,
        age_us: u64,
    ) -> Result<Ask, SharedError> {
        self.take(quota, key, Take { back: cost, back_age_us: age_us, ..Take::default() })
    }

    /// Counts `cost` in spans that end by the calendar, if it fits into all of them.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn admit_in(
        &self,
        spans: &[SharedSpan],
        key: &[u8],
        cost: u32,
    ) -> Result<Ask, SharedError> {
        self.count(spans, key, Take { need: cost, ..Take::default() })
    }

    /// Counts `cost` in spans whether it fits or not.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn charge_in(
        &self,
        spans: &[SharedSpan],
        key: &[u8],
        cost: u32,
    ) -> Result<Ask, SharedError> {
        self.count(spans, key, Take { need: cost, force: true, ..Take::default() })
    }

    /// Gives back `cost` in spans.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn refund_in(
        &self,
        spans: &[SharedSpan],
        key: &[u8],
        cost: u32,
    ) -> Result<Ask, SharedError> {
        self.count(spans, key, Take { back: cost, ..Take::default() })
    }

    /// What became of the asks of all workers.
    #[must_use]
    pub fn tally(&self) -> SharedTally {
        self.tally.read()
    }

    /// The bound on an ask.
    #[must_use]
    pub fn timeout(&self) -> std::time::Duration {
        self.plan.timeout
    }

    fn take(&self, quota: &SharedQuota, key: &[u8], take: Take) -> Result<Ask, SharedError> {
        self.ask(|| Question::rates(Digest::of(key), quota, take))
    }

    fn count(&self, spans: &[SharedSpan], key: &[u8], take: Take) -> Result<Ask, SharedError> {
        self.ask(|| Question::spans(Digest::of(key), spans, take))
    }

    fn ask(&self, question: impl FnOnce() -> Question) -> Result<Ask, SharedError> {
        let link = self.link();
        link.ready()?;
        let question = question();
        Ok(Box::pin(async move { link.ask(question).await }))
    }

    /// This thread's connection.
    pub(crate) fn link(&self) -> Rc<Link> {
        let known = LINKS.with_borrow(|links| {
            links.iter().find(|(id, _)| *id == self.id).map(|(_, link)| Rc::clone(link))
        });
        known.unwrap_or_else(|| {
            let life = Life { id: self.id, alive: self.alive.subscribe() };
            let link = Link::start(Arc::clone(&self.plan), Arc::clone(&self.tally), life);
            LINKS.with_borrow_mut(|links| links.push((self.id, Rc::clone(&link))));
            link
        })
    }
}

thread_local! {
    /// The connections of this worker. A store is shared by filters that do not know each other, so none of their slots
    /// can hold them.
    static LINKS: RefCell<Vec<(u64, Rc<Link>)>> = const { RefCell::new(Vec::new()) };
}

impl Life {
    /// Until the store is dropped.
    pub(crate) async fn ended(&mut self) {
        while self.alive.changed().await.is_ok() {}
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // The thread may be at its end.
        let _ = LINKS.try_with(|links| links.borrow_mut().retain(|(id, _)| *id != self.id));
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "redis is away",
            Self::Busy => "too many asks are under way",
            Self::Timeout => "redis did not answer in time",
            Self::Broken => "the connection to redis broke",
            Self::Refused => "redis answered with an error",
            Self::Answer => "redis has no answer to what was asked",
        })
    }
}

impl std::error::Error for SharedError {}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({})", self.plan.destination)
    }
}
