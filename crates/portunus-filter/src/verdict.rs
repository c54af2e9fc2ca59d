//! What a hook answers.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use portunus_exchange::{ProxyError, Reply};

use crate::Patch;

/// A future of one worker.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// What a hook answers.
pub enum Verdict {
    /// Go on with the next filter.
    Continue,
    /// Answer with this; the rest of the request's chain is not asked.
    Reply(Box<Reply>),
    /// The exchange fails.
    Fail(ProxyError),
    /// Wait for this future, then go on as it says. Only a filter that really waits pays for the box.
    Suspend(LocalFuture<Resume>),
}

/// How an exchange goes on after a wait: the verdict's plain cases, and edits to make first.
#[derive(Debug)]
pub enum Resume {
    /// Make the edits and go on with the next filter.
    Continue(Patch),
    /// Make the edits and answer with this.
    Reply(Patch, Box<Reply>),
    /// The exchange fails.
    Fail(ProxyError),
    /// Make the edits and call the same filter once more, by [`crate::Filter::on_again`]: what it waited for is there,
    /// and the exchange is needed to go on.
    Again(Patch, Again),
}

/// Where a filter goes on after a wait.
#[derive(Debug, Default)]
pub struct Again {
    /// Which step comes next, in the filter's own count.
    pub step: usize,
    /// What it keeps for it.
    pub state: Option<Box<dyn Any>>,
}

impl Verdict {
    /// A reply.
    #[must_use]
    pub fn reply(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue => f.write_str("Continue"),
            Self::Reply(reply) => f.debug_tuple("Reply").field(reply).finish(),
            Self::Fail(error) => f.debug_tuple("Fail").field(error).finish(),
            Self::Suspend(_) => f.write_str("Suspend"),
        }
    }
}
