//! Tokens that a worker took ahead, and spends without asking.
//!
//! The error: a worker holds at most `batch` unspent tokens of a key, which Redis has already counted. So over any
//! time the nodes together admit at most what the limit says and `batch` for each of their workers; and where some
//! workers hold what others lack, at least the limit less as much. What a lease has left after ten seconds is given
//! back with the next ask; of a key that nobody asks for any more it is lost, and heals as all debts do.
//!
//! A lease begins with one token and doubles while it is spent within a second, so a key that is rarely asked for is
//! exact, and a busy one asks about once a second.

mod lease;
mod table;

use std::cell::RefCell;
use std::rc::Rc;

use portunus_base::{Clock, Mono, SystemClock};
use tokio::sync::Notify;

use crate::digest::Digest;
use crate::link::Link;
use crate::quota::SharedQuota;
use crate::script::{Answer, Question};
use crate::shared::{Ask, Shared, SharedError};
use lease::{Lease, Taken};
use table::Table;

/// The leases of one worker, for any number of keys and quotas. Cheap to clone.
#[derive(Clone, Default)]
pub struct Leases {
    table: Rc<RefCell<Table>>,
}

/// Whether a request had to ask.
pub enum Leased {
    /// It had not: the answer, without a wait and without an allocation.
    Local(Answer),
    /// It has: the answer comes from Redis.
    Ask(Ask),
    /// It had to, and cannot.
    Failed(SharedError),
}

impl Leases {
    /// Takes `cost` from what this worker holds of the budget of `key`, or asks for more.
    ///
    /// `key` names the limit too, and always comes with the same quota.
    #[must_use]
    pub fn try_admit(
        &self,
        shared: &Shared,
        quota: &SharedQuota,
        key: &[u8],
        cost: u32,
        now: Mono,
    ) -> Leased {
        let key = Digest::of(key);
        let mut table = self.table.borrow_mut();
        let lease = table.lease(key);
        match lease.take(cost, now) {
            Taken::Local(answer) => {
                if lease.is_low() && lease.asking.is_none() {
                    drop(table);
                    self.ask_ahead(shared, quota, key);
                }
                Leased::Local(answer)
            }
            Taken::Short => {
                let link = shared.link();
                if lease.asking.is_none()
                    && let Err(error) = link.ready()
                {
                    return Leased::Failed(error);
                }
                let table = Rc::clone(&self.table);
                let asker = Rc::new(Asker { table, link, quota: quota.clone(), key });
                Leased::Ask(Box::pin(asker.admit(cost)))
            }
        }
    }

    /// How many keys have a lease; never more than 65,536.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.table.borrow().len()
    }

    /// Asks before the lease is spent, so that no request waits.
    fn ask_ahead(&self, shared: &Shared, quota: &SharedQuota, key: Digest) {
        let link = shared.link();
        if link.ready().is_ok() {
            let table = Rc::clone(&self.table);
            let asker = Rc::new(Asker { table, link, quota: quota.clone(), key });
            // From now on nobody else asks.
            let asking = Asking::new(&asker);
            tokio::task::spawn_local(async move { asking.ask(0).await });
        }
    }
}

/// Someone who needs more tokens.
struct Asker {
    table: Rc<RefCell<Table>>,
    link: Rc<Link>,
    quota: SharedQuota,
    key: Digest,
}

impl Asker {
    async fn admit(self: Rc<Self>, cost: u32) -> Result<Answer, SharedError> {
        let _waiting = Waiting::new(&self, cost);
        let admitted = tokio::time::timeout(self.link.timeout(), self.take_or_ask(cost)).await;
        admitted.unwrap_or(Err(SharedError::Timeout))
    }

    /// Takes from the lease; while it is short, asks, or waits for whoever asks already.
    async fn take_or_ask(self: &Rc<Self>, cost: u32) -> Result<Answer, SharedError> {
        loop {
            let taken = self.lease(|lease| match lease.take(cost, SystemClock.mono()) {
                Taken::Local(answer) => Ok(answer),
                Taken::Short => Err(lease.asking.clone()),
            });
            match taken {
                Ok(answer) => return Ok(answer),
                Err(Some(asking)) => asking.notified().await,
                Err(None) => {
                    if let Some(refusal) = Asking::new(self).ask(cost).await? {
                        return Ok(refusal);
                    }
                }
            }
        }
    }

    fn lease<T>(&self, look: impl FnOnce(&mut Lease) -> T) -> T {
        look(self.table.borrow_mut().lease(self.key))
    }
}

/// Marks a lease as asked for, until the answer is there or whoever asked has gone.
struct Asking {
    asker: Rc<Asker>,
    told: Rc<Notify>,
}

impl Asking {
    fn new(asker: &Rc<Asker>) -> Self {
        let told = Rc::new(Notify::new());
        asker.lease(|lease| lease.asking = Some(Rc::clone(&told)));
        Self { asker: Rc::clone(asker), told }
    }

    /// Asks for `need` and what is welcome beside it. Some is the refusal of that need; else the lease has it.
    async fn ask(self, need: u32) -> Result<Option<Answer>, SharedError> {
        let Asker { link, quota, key, .. } = &*self.asker;
        let now = SystemClock.mono();
        let take = self.asker.lease(|lease| lease.wish(need, quota.batch(), now));
        let answer = link.ask(Question::rates(*key, quota, take)).await?;
        let now = SystemClock.mono();
        self.asker.lease(|lease| lease.fill(&take, &answer, now));
        Ok((!answer.allowed).then_some(answer))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.asker.lease(|lease| lease.asking = None);
        self.told.notify_waiters();
    }
}

/// Counts what requests wait for, so that one ask brings enough for all of them.
struct Waiting<'a> {
    asker: &'a Asker,
    cost: u32,
}

impl<'a> Waiting<'a> {
    fn new(asker: &'a Asker, cost: u32) -> Self {
        asker.lease(|lease| lease.waiting = lease.waiting.saturating_add(cost));
        Self { asker, cost }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.asker.lease(|lease| lease.leave(self.cost));
    }
}
