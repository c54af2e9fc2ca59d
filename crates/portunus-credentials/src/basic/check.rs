//! Checking passwords on other threads: a bounded number at once, in the whole process.

use std::collections::HashMap;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use tokio::sync::{Semaphore, watch};

use super::hash::PasswordHash;
use super::header::Login;
use super::verified::Tag;

/// What a check came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The password fits the hash of that tag.
    Fits(Tag),
    /// It fits none.
    Wrong,
    /// Nobody knows: the process ends.
    Lost,
}

/// The checks of one filter that run on one worker. Many requests with the same login, as a client sends them when it
/// starts, wait for one check.
#[derive(Debug, Default)]
pub(super) struct Checks {
    running: HashMap<Tag, watch::Receiver<Option<Outcome>>>,
}

impl Checks {
    /// Starts a check, or joins the one that runs for the same login; what is returned waits for its end. None when
    /// too many wait already.
    pub(super) fn start(
        &mut self,
        login: &Login,
        hashes: Vec<(PasswordHash, Option<Tag>)>,
    ) -> Option<impl Future<Output = Outcome> + use<>> {
        let name = hashes.first().map(|(hash, _)| Tag::of(login, hash))?;
        self.running
            .retain(|_, outcome| outcome.borrow().is_none() && outcome.has_changed().is_ok());
        if let Some(outcome) = self.running.get(&name) {
            return Some(end_of(outcome.clone()));
        }
        let ticket = Ticket::take(Bound::of_process())?;
        let (sender, receiver) = watch::channel(None);
        let login = login.clone();
        // A task of its own: the check goes on for those who joined when the first request is given up.
        tokio::task::spawn_local(async move {
            let _ = sender.send(Some(ticket.check(login, hashes).await));
        });
        self.running.insert(name, receiver.clone());
        Some(end_of(receiver))
    }
}

/// Checks at once, on this thread: where nobody waits.
pub(super) fn now(login: &Login, hashes: &[(PasswordHash, Option<Tag>)]) -> Outcome {
    let fitting = hashes.iter().find(|(hash, _)| hash.fits(&login.password));
    fitting.and_then(|(_, tag)| *tag).map_or(Outcome::Wrong, Outcome::Fits)
}

async fn end_of(mut outcome: watch::Receiver<Option<Outcome>>) -> Outcome {
    match outcome.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.unwrap_or(Outcome::Lost),
        Err(_) => Outcome::Lost,
    }
}

/// How many checks run and wait.
#[derive(Debug)]
struct Bound {
    running: Semaphore,
    taken: AtomicUsize,
    taken_max: usize,
}

/// A place among the checks that run or wait.
#[derive(Debug)]
struct Ticket(&'static Bound);

impl Bound {
    fn new(running_max: usize) -> Self {
        let taken_max = running_max * WAITING_FOR_EACH;
        Self { running: Semaphore::new(running_max), taken: AtomicUsize::new(0), taken_max }
    }

    /// As many as there are cores may run: a thread that checks passwords gets no more of a core than its worker.
    fn of_process() -> &'static Self {
        static BOUND: OnceLock<Bound> = OnceLock::new();
        BOUND.get_or_init(|| Self::new(available_parallelism().map_or(1, usize::from)))
    }
}

impl Ticket {
    fn take(bound: &'static Bound) -> Option<Self> {
        let taken = bound.taken.fetch_add(1, Ordering::Relaxed);
        let ticket = Self(bound);
        (taken < bound.taken_max).then_some(ticket)
    }

    async fn check(self, login: Login, hashes: Vec<(PasswordHash, Option<Tag>)>) -> Outcome {
        let Ok(permit) = self.0.running.acquire().await else { return Outcome::Lost };
        let check = move || {
            let outcome = now(&login, &hashes);
            // Held until here even when nobody waits any more: the thread was busy until now.
            drop((permit, self));
            outcome
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(Outcome::Lost)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Checks that wait or run for each that may run: about a second of waiting.
const WAITING_FOR_EACH: usize = 32;

#[cfg(test)]
mod tests;
