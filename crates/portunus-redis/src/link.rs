//! One worker's connection to Redis: made when it is first asked, mended in the background.
//!
//! ```text
//!            first ask                 made, and Redis takes a write
//!   (none) ------------> Connecting ---------------------------------> Up
//!                          ^   |                                       | |
//!                          |   | cannot be made, or failures in a row  | | failures in a row
//!                          |   v                                       | v
//!                          |  Down <-----------------------------------|-+
//!                          +-------------------------------------------+
//!                                     the connection broke
//! ```
//! `Down` is an open breaker: asks fail at once and cost nothing, while the keeper tries again and again. Nobody's
//! request is ever used to find out whether Redis is back. In `Connecting` asks wait, within their bound.

mod keeper;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Notify;

use crate::options::Plan;
use crate::script::{Answer, Question, Scripts};
use crate::shared::{Life, SharedError};
use crate::tally::{TallyState, count};

/// A worker's connection, and what is known of it.
pub(crate) struct Link {
    plan: Arc<Plan>,
    tally: Arc<TallyState>,
    scripts: Scripts,
    state: RefCell<State>,
    /// The state has changed.
    changed: Notify,
    /// Asks under way.
    asks: Cell<usize>,
    /// Failures since the last answer.
    failures: Cell<u32>,
    /// The outage is in the log.
    is_told: Cell<bool>,
}

enum State {
    Connecting,
    Up(MultiplexedConnection),
    Down,
    /// The store is gone.
    Over,
}

impl State {
    fn gauge<'a>(&self, tally: &'a TallyState) -> Option<&'a AtomicU64> {
        match self {
            Self::Up(_) => Some(&tally.workers_up),
            Self::Down => Some(&tally.workers_down),
            Self::Connecting | Self::Over => None,
        }
    }
}

impl Link {
    /// The link, with its keeper at work on this runtime until `life` ends.
    pub(crate) fn start(plan: Arc<Plan>, tally: Arc<TallyState>, life: Life) -> Rc<Self> {
        let link = Rc::new(Self {
            plan,
            tally,
            scripts: Scripts::new(),
            state: RefCell::new(State::Connecting),
            changed: Notify::new(),
            asks: Cell::new(0),
            failures: Cell::new(0),
            is_told: Cell::new(false),
        });
        tokio::task::spawn_local(keeper::keep(Rc::clone(&link), life));
        link
    }

    /// Whether it makes sense to ask.
    ///
    /// # Errors
    /// The breaker is open, or too much is under way.
    pub(crate) fn ready(&self) -> Result<(), SharedError> {
        let trouble = match &*self.state.borrow() {
            State::Down | State::Over => SharedError::Down,
            _ if self.asks.get() >= self.plan.asks_max => SharedError::Busy,
            _ => return Ok(()),
        };
        count(&self.tally.skipped);
        Err(trouble)
    }

    /// The bound on an ask.
    pub(crate) fn timeout(&self) -> std::time::Duration {
        self.plan.timeout
    }

    /// Asks Redis. One round trip, two where Redis has forgotten the script.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, SharedError> {
        self.ready()?;
        let _under_way = UnderWay::new(&self.asks);
        let result = tokio::time::timeout(self.plan.timeout, self.answer(&question)).await;
        match result {
            Ok(Ok(answer)) => {
                self.failures.set(0);
                count(&self.tally.answered);
                Ok(answer)
            }
            Ok(Err(SharedError::Down)) => {
                count(&self.tally.skipped);
                Err(SharedError::Down)
            }
            // Other questions are answered all the same.
            Ok(Err(SharedError::Answer)) => {
                count(&self.tally.failed);
                Err(SharedError::Answer)
            }
            Ok(Err(error)) => {
                count(&self.tally.failed);
                Err(self.failed(error))
            }
            Err(_) => {
                count(&self.tally.timed_out);
                Err(self.failed(SharedError::Timeout))
            }
        }
    }

    async fn answer(&self, question: &Question) -> Result<Answer, SharedError> {
        let mut connection = self.connection().await?;
        let cmd = question.by_digest(&self.scripts);
        let value = match connection.send_packed_command(&cmd).await.and_then(Value::extract_error)
        {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let again = connection.send_packed_command(&question.whole()).await;
                again.and_then(Value::extract_error)
            }
            value => value,
        };
        let value = value.map_err(|error| SharedError::of(&error))?;
        question.read(&value).ok_or(SharedError::Answer)
    }

    /// The connection, once there is one.
    async fn connection(&self) -> Result<MultiplexedConnection, SharedError> {
        loop {
            match &*self.state.borrow() {
                State::Up(connection) => return Ok(connection.clone()),
                State::Down | State::Over => return Err(SharedError::Down),
                State::Connecting => {}
            }
            self.changed.notified().await;
        }
    }

    /// Counts a failure. With enough of them in a row, nobody asks any more.
    fn failed(&self, error: SharedError) -> SharedError {
        self.failures.set(self.failures.get().saturating_add(1));
        let is_over = matches!(*self.state.borrow(), State::Over);
        if self.failures.get() >= self.plan.failures_max && !is_over {
            self.set(State::Down);
        }
        error
    }

    fn set(&self, state: State) {
        if let Some(gauge) = state.gauge(&self.tally) {
            gauge.fetch_add(1, Ordering::Relaxed);
        }
        let before = self.state.replace(state);
        if let Some(gauge) = before.gauge(&self.tally) {
            gauge.fetch_sub(1, Ordering::Relaxed);
        }
        self.changed.notify_waiters();
    }

    fn is_down(&self) -> bool {
        matches!(*self.state.borrow(), State::Down)
    }
}

impl SharedError {
    fn of(error: &RedisError) -> Self {
        match error.kind() {
            _ if is_of_question(error) => Self::Answer,
            ErrorKind::Server(_) | ErrorKind::AuthenticationFailed | ErrorKind::Extension => {
                Self::Refused
            }
            _ if error.is_timeout() => Self::Timeout,
            _ => Self::Broken,
        }
    }
}

/// Whether Redis has something against this question alone. A replica, a full memory and missing rights concern all.
fn is_of_question(error: &RedisError) -> bool {
    let is_general = error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError);
    // Before version 7 what a script ran into is told as a general error, in whose text it stands.
    let concerns_all =
        |text: &str| ["READONLY", "OOM", "MISCONF"].iter().any(|it| text.contains(it));
    error.code() == Some("WRONGTYPE") || (is_general && !error.detail().is_some_and(concerns_all))
}

/// Counts an ask for as long as somebody waits for it.
struct UnderWay<'a>(&'a Cell<usize>);

impl<'a> UnderWay<'a> {
    fn new(asks: &'a Cell<usize>) -> Self {
        asks.set(asks.get() + 1);
        Self(asks)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
