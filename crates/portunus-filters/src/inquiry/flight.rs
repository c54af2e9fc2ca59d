//! Questions under way: one is asked once, however many exchanges of a worker want to know.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::Decision;

/// A question under way.
#[derive(Debug, Default)]
pub(super) struct Flight {
    answer: RefCell<Option<Option<Decision>>>,
    /// Nobody asks any more.
    abandoned: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

/// This exchange's part in a question.
pub(super) enum Joined {
    /// It asks.
    Leader(Landing),
    /// It waits for the answer to another one.
    Follower(Rc<Flight>),
}

/// Ends a flight, also when the exchange that asks is dropped.
pub(super) struct Landing(Rc<Flight>);

impl Flight {
    /// The answer; None when whoever asked is gone.
    pub(super) async fn wait(self: Rc<Self>) -> Option<Option<Decision>> {
        poll_fn(|task| {
            if let Some(answer) = &*self.answer.borrow() {
                return Poll::Ready(Some(answer.clone()));
            }
            if self.abandoned.get() {
                return Poll::Ready(None);
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(task.waker())) {
                waiting.push(task.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// True when somebody still asks.
    pub(super) fn is_under_way(&self) -> bool {
        !self.abandoned.get() && self.answer.borrow().is_none()
    }
}

impl Landing {
    pub(super) fn of(flight: Rc<Flight>) -> Self {
        Self(flight)
    }

    pub(super) fn with(self, decision: Option<Decision>) {
        *self.0.answer.borrow_mut() = Some(decision);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.abandoned.set(self.0.answer.borrow().is_none());
        let waiting = std::mem::take(&mut *self.0.waiting.borrow_mut());
        waiting.into_iter().for_each(Waker::wake);
    }
}
