//! Endpoints that change their mood, and remember what they were asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::rc::{Rc, Weak};
use std::time::Duration;

use portunus_net::{DialTo, Dialling, Network};
use tokio::time::sleep;

use super::message::{Message, Reader, body_of, written};
use super::wire::{self, Dice, End, wire};

/// How an endpoint treats what comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mood {
    Good,
    /// Answers, but late.
    Slow,
    /// Takes requests and never answers.
    Stalled,
    /// Refuses connections.
    Refusing,
    /// Answers no attempt to connect.
    Unreachable,
    /// Resets the connection in place of an answer.
    Resetting,
    /// Breaks its answers off.
    Cutting,
    /// Answers in no known language.
    Babbling,
    /// Answers 503.
    Unavailable,
    /// Answers before it has read the request's body, and closes.
    Hasty,
    /// Answers before it has read the request's body, and reads it then.
    Eager,
    /// Closes after each answer without a word.
    Curt,
}

impl Mood {
    pub(super) const ALL: &[Self] = &[
        Self::Good,
        Self::Slow,
        Self::Stalled,
        Self::Refusing,
        Self::Unreachable,
        Self::Resetting,
        Self::Cutting,
        Self::Babbling,
        Self::Unavailable,
        Self::Hasty,
        Self::Eager,
        Self::Curt,
    ];
}

/// An endpoint.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) mood: Cell<Mood>,
    dice: Dice,
    connections: RefCell<Vec<Weak<End>>>,
    busy: RefCell<Vec<Weak<End>>>,
    /// The most connections that were open at once.
    pub(super) connections_most: Cell<usize>,
    /// The most requests that were under way at once.
    pub(super) requests_most: Cell<usize>,
    /// How often each request came.
    pub(super) asked: RefCell<HashMap<usize, u32>>,
    /// What came that should not.
    pub(super) faults: RefCell<Vec<String>>,
}

/// All endpoints, by their port from 1 on.
#[derive(Debug)]
pub(super) struct Origins(pub(super) Vec<Rc<Origin>>);

impl Network for Origins {
    fn dial<'d>(&'d self, to: DialTo<'d>) -> Dialling<'d> {
        let DialTo::Ip(address) = to else { panic!("no such endpoint: {to:?}") };
        let origin = &self.0[usize::from(address.port()) - 1];
        Box::pin(async move { origin.connect().await.map(wire::io) })
    }
}

impl Origin {
    pub(super) fn new(dice: &Dice) -> Rc<Self> {
        Rc::new(Self {
            mood: Cell::new(Mood::Good),
            dice: dice.clone(),
            connections: RefCell::default(),
            busy: RefCell::default(),
            connections_most: Cell::new(0),
            requests_most: Cell::new(0),
            asked: RefCell::default(),
            faults: RefCell::default(),
        })
    }

    async fn connect(self: &Rc<Self>) -> io::Result<End> {
        sleep(self.while_ms(3)).await;
        match self.mood.get() {
            Mood::Refusing => return Err(ErrorKind::ConnectionRefused.into()),
            Mood::Unreachable => std::future::pending::<()>().await,
            _ => {}
        }
        let (near, far) = wire(&self.dice);
        let far = Rc::new(far);
        note_most(&self.connections, &far, &self.connections_most);
        let origin = Rc::clone(self);
        tokio::task::spawn_local(async move { origin.serve(far).await });
        Ok(near)
    }

    async fn serve(&self, end: Rc<End>) {
        let mut reader = Reader::new(&end);
        while let Ok(Some(request)) = reader.head().await {
            let Some(id) = request.id() else {
                return self.faults.borrow_mut().push(format!("no request: {:?}", request.first));
            };
            *self.asked.borrow_mut().entry(id).or_default() += 1;
            note_most(&self.busy, &end, &self.requests_most);
            if !self.answer(&end, &mut reader, request).await {
                return;
            }
        }
    }

    /// Answers one request; false when the connection is to be closed.
    async fn answer(&self, end: &Rc<End>, reader: &mut Reader<'_>, mut request: Message) -> bool {
        let (mood, id) = (self.mood.get(), request.id().unwrap());
        let reads_first = !matches!(mood, Mood::Hasty | Mood::Eager);
        if reads_first && !self.read_body(reader, &mut request).await {
            return false;
        }
        sleep(self.while_ms(if mood == Mood::Slow { 2_500 } else { 20 })).await;
        self.busy.borrow_mut().retain(|busy| !std::ptr::eq(busy.as_ptr(), Rc::as_ptr(end)));
        let answer = |status: &str| {
            let body = body_of(id, self.dice.length());
            written(&format!("HTTP/1.1 {status}"), &format!("X-Id: {id}\r\n"), &body, &self.dice)
        };
        match mood {
            Mood::Good | Mood::Slow => end.write_all(&answer("200 OK")).await.is_ok(),
            Mood::Eager => {
                end.write_all(&answer("200 OK")).await.is_ok()
                    && self.read_body(reader, &mut request).await
            }
            Mood::Unavailable => end.write_all(&answer("503 No")).await.is_ok(),
            Mood::Hasty | Mood::Curt => {
                let _ = end.write_all(&answer("200 OK")).await;
                false
            }
            Mood::Cutting => {
                let answer = answer("200 OK");
                let _ = end.write_all(&answer[..self.dice.below(answer.len())]).await;
                false
            }
            Mood::Babbling => {
                let _ = end.write_all(b"\x00\x01SSH-2.0-none\r\n\r\n").await;
                false
            }
            Mood::Resetting => {
                end.reset();
                false
            }
            Mood::Stalled | Mood::Refusing | Mood::Unreachable => {
                end.until_closed().await;
                false
            }
        }
    }

    /// Reads the body of a request, which must be its own; false where it breaks off.
    async fn read_body(&self, reader: &mut Reader<'_>, request: &mut Message) -> bool {
        let is_whole = reader.body(request).await.is_ok();
        let id = request.id().unwrap();
        if is_whole && request.body != body_of(id, request.body.len()) {
            self.faults.borrow_mut().push(format!("request {id} came with another body"));
        }
        is_whole
    }

    fn while_ms(&self, most: usize) -> Duration {
        Duration::from_millis(self.dice.below(most) as u64)
    }
}

/// Adds a connection to those of a list that are still open, and remembers how many these are.
fn note_most(list: &RefCell<Vec<Weak<End>>>, end: &Rc<End>, most: &Cell<usize>) {
    let mut list = list.borrow_mut();
    list.retain(|known| known.upgrade().is_some_and(|known| !known.is_closed()));
    list.push(Rc::downgrade(end));
    most.set(most.get().max(list.len()));
}
