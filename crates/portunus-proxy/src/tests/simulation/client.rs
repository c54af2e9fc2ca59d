//! Clients with connections that they keep, and not always the patience to wait.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::message::{Message, Reader, body_of, written};
use super::wire::{Dice, End};

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// A whole answer came.
    Answered {
        status: u16,
        /// It is of an endpoint.
        by_origin: bool,
    },
    /// The connection ended before a whole answer.
    Cut,
    /// The client did not wait.
    Left,
}

/// A request that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Asked {
    pub(super) id: usize,
    pub(super) method: &'static str,
    pub(super) outcome: Outcome,
}

/// One client.
pub(super) struct Client<'c> {
    pub(super) dice: &'c Dice,
    /// Opens a connection.
    pub(super) connect: &'c dyn Fn() -> End,
    /// Whether it always waits for answers.
    pub(super) patient: bool,
}

impl Client<'_> {
    /// Makes requests with these ids, over connections that it keeps where it can.
    pub(super) async fn ask_all(&self, ids: std::ops::Range<usize>, tell: &dyn Fn(Asked)) {
        let mut kept: Option<End> = None;
        for id in ids {
            let end = kept.take().unwrap_or_else(|| (self.connect)());
            let method = self.dice.one_of(&["GET", "GET", "GET", "POST", "PUT"]);
            let (outcome, keep) = self.ask(&end, id, method).await;
            tell(Asked { id, method, outcome });
            kept = keep.then_some(end);
            // Now and then longer than anybody keeps a connection.
            let pause = self.dice.one_of(&[0, 0, 5, 50, 500, 5_000]);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn ask(&self, end: &End, id: usize, method: &'static str) -> (Outcome, bool) {
        let request = self.request(id, method);
        if !self.patient && self.dice.chance(0.05) {
            let part = self.dice.below(request.len());
            let _ = end.write_all(&request[..part]).await;
            sleep(Duration::from_millis(self.dice.below(100) as u64)).await;
            return (Outcome::Left, false);
        }
        let leaves = !self.patient && self.dice.chance(0.05);
        let patience =
            Duration::from_millis(if leaves { self.dice.below(30) as u64 } else { 600_000 });
        let both = async { tokio::join!(end.write_all(&request), self.answer(end)) };
        let Ok((sent, answer)) = tokio::time::timeout(patience, both).await else {
            assert!(leaves, "request {id} was never answered");
            return (Outcome::Left, false);
        };
        let Ok(answer) = answer else { return (Outcome::Cut, false) };
        let by_origin = answer.id().is_some();
        if by_origin {
            let is_own = answer.id() == Some(id) && answer.body == body_of(id, answer.body.len());
            assert!(is_own, "request {id} got the answer of {:?}", answer.id());
        }
        let keep = sent.is_ok() && !answer.is_last();
        (Outcome::Answered { status: answer.status(), by_origin }, keep)
    }

    fn request(&self, id: usize, method: &str) -> Vec<u8> {
        let (first, headers) =
            (format!("{method} /{id} HTTP/1.1"), format!("Host: a\r\nX-Id: {id}\r\n"));
        if method == "GET" {
            return format!("{first}\r\n{headers}\r\n").into_bytes();
        }
        written(&first, &headers, &body_of(id, self.dice.length()), self.dice)
    }

    async fn answer(&self, end: &End) -> io::Result<Message> {
        let mut reader = Reader::new(end);
        loop {
            let head = reader.head().await?;
            let mut answer = head.ok_or(io::ErrorKind::UnexpectedEof)?;
            if answer.status() == 100 {
                continue;
            }
            if self.dice.chance(0.1) {
                // A slow reader.
                sleep(Duration::from_millis(self.dice.below(200) as u64)).await;
            }
            reader.body(&mut answer).await?;
            return Ok(answer);
        }
    }
}
