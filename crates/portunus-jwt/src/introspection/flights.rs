//! Questions that are open on one worker: one for each token, however many requests wait for it, and not too many.

use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;

use tokio::sync::watch;

use super::Answer;

/// The questions of one worker.
#[derive(Default)]
pub(super) struct Flights {
    open: HashMap<Box<[u8]>, watch::Receiver<Landed>>,
}

/// The answer, once there is one.
type Landed = Option<Rc<Answer>>;

/// What a request for a token does.
pub(super) enum Boarding<W> {
    /// It asks.
    Pilot(Landing),
    /// It waits for the answer to another one; None where that one has gone without it.
    Passenger(W),
    /// Too many are open.
    Full,
}

/// Where the answer goes. Dropped without one, those who wait are told so.
pub(super) struct Landing(watch::Sender<Landed>);

impl Flights {
    /// Joins the question for a token, or opens it.
    pub(super) fn board(&mut self, token: &[u8]) -> Boarding<impl Future<Output = Landed> + use<>> {
        if let Some(open) = self.open.get(token).filter(|open| is_open(open)) {
            return Boarding::Passenger(landed(open.clone()));
        }
        if self.open.len() >= OPEN_MAX {
            self.open.retain(|_, open| is_open(open));
            if self.open.len() >= OPEN_MAX {
                return Boarding::Full;
            }
        }
        let (landing, open) = watch::channel(None);
        self.open.insert(token.into(), open);
        Boarding::Pilot(Landing(landing))
    }
}

impl Landing {
    /// Gives everybody the answer.
    pub(super) fn land(self, answer: Rc<Answer>) {
        self.0.send_replace(Some(answer));
    }
}

/// Whether the one who asks is still there.
fn is_open(open: &watch::Receiver<Landed>) -> bool {
    open.has_changed().is_ok()
}

async fn landed(mut open: watch::Receiver<Landed>) -> Landed {
    let answer = open.wait_for(Option::is_some).await;
    answer.ok().and_then(|answer| answer.clone())
}

/// How many questions a worker has open at once.
pub(super) const OPEN_MAX: usize = 256;
