//! Connections to endpoints, kept by one worker: unused ones of HTTP/1, and shared ones of HTTP/2.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use portunus_base::Mono;

use crate::opening::{Opening, Pending};
use crate::{ClientConn, H2Session, HttpVersion, UpstreamPlan};

/// The connections of a worker that another exchange may use, by endpoint.
#[derive(Debug, Default)]
pub struct Pools {
    by_key: RefCell<Vec<Pool>>,
}

/// Those of one endpoint.
#[derive(Debug, Default)]
struct Pool {
    idle: Vec<ClientConn>,
    sessions: Vec<Session>,
    openings: Vec<Rc<Pending>>,
    /// What it chose to speak the last time that it had the choice.
    chosen: Option<Spoken>,
}

#[derive(Debug)]
struct Session {
    session: H2Session,
    idle_timeout: Duration,
}

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spoken {
    /// HTTP/1: one exchange at a time.
    H1,
    /// HTTP/2: many at once.
    H2,
}

/// What the pool has for an exchange.
#[derive(Debug)]
pub enum Found {
    /// An unused connection of HTTP/1.
    Conn(ClientConn),
    /// A shared one of HTTP/2 with room for one more.
    Session(H2Session),
    /// Nothing, but a connection is being opened that will do: to be waited for, and then to look again.
    Wait(Rc<Pending>),
    /// Nothing: one is to be opened. It becomes known to others who look meanwhile.
    Open(Opening),
}

impl Pools {
    /// A connection to the endpoint of that key, or what is to be done for one.
    #[must_use]
    pub fn find(&self, key: u32, plan: &UpstreamPlan) -> Found {
        self.with(key, |pool| {
            pool.sessions.retain(|known| known.session.is_open());
            let streams_max = plan.streams_max as usize;
            let mut sessions = pool.sessions.iter().map(|known| &known.session);
            if let Some(session) = sessions.find(|session| session.has_room(streams_max)) {
                return Found::Session(session.clone());
            }
            if let Some(conn) = pool.take_idle() {
                return Found::Conn(conn);
            }
            if pool.expects(plan) == Some(Spoken::H1) {
                return Found::Open(Opening::alone());
            }
            pool.openings.retain(|pending| !pending.is_over());
            // Who opens takes one stream, and each who waits another.
            let room = |pending: &&Rc<Pending>| pending.waiting() + 1 < streams_max;
            if let Some(pending) = pool.openings.iter().find(room) {
                return Found::Wait(Rc::clone(pending));
            }
            let (opening, pending) = Opening::shared();
            pool.openings.push(pending);
            Found::Open(opening)
        })
    }

    /// How many exchanges more the connections to the endpoint of that key take, unused and shared ones.
    #[must_use]
    pub fn room(&self, key: u32, plan: &UpstreamPlan) -> u32 {
        self.with(key, |pool| {
            let streams_max = plan.streams_max as usize;
            let sessions = pool.sessions.iter().map(|known| known.session.room(streams_max));
            u32::try_from(pool.idle.len() + sessions.sum::<usize>()).unwrap_or(u32::MAX)
        })
    }

    /// The shared connection with the fewest exchanges, though it may have no room: for when no more may be opened.
    #[must_use]
    pub fn least_busy(&self, key: u32) -> Option<H2Session> {
        self.with(key, |pool| {
            let sessions = pool.sessions.iter().map(|known| &known.session);
            sessions
                .filter(|known| known.is_open())
                .min_by_key(|known| known.streams_open())
                .cloned()
        })
    }

    /// Whether there is a connection to the endpoint of that key, unused or shared, so that none needs to be opened.
    #[must_use]
    pub fn has_any(&self, key: u32) -> bool {
        self.with(key, |pool| {
            !pool.idle.is_empty() || pool.sessions.iter().any(|known| known.session.is_open())
        })
    }

    /// How many shared connections the endpoint of that key has.
    #[must_use]
    pub fn sessions(&self, key: u32) -> usize {
        self.with(key, |pool| pool.sessions.len())
    }

    /// Keeps a connection for the next request; no more than `max` to one endpoint.
    pub fn give(&self, conn: ClientConn, max: usize) {
        self.with(conn.key(), |pool| {
            if pool.idle.len() < max {
                pool.idle.push(conn);
            }
        });
    }

    /// Shares a connection from now on, until it was unused for `idle_timeout`.
    pub fn share(&self, key: u32, session: H2Session, idle_timeout: Duration) {
        self.with(key, |pool| pool.sessions.push(Session { session, idle_timeout }));
    }

    /// Notes what an endpoint speaks that had the choice.
    pub fn note(&self, key: u32, spoken: Spoken) {
        self.with(key, |pool| pool.chosen = Some(spoken));
    }

    /// Closes connections that were unused for too long, went stale, or belong to an endpoint that is gone.
    /// Called about once a second.
    pub fn sweep(&self, now: Mono) {
        for pool in &mut *self.by_key.borrow_mut() {
            pool.idle.retain(|conn| conn.keep_until > now && !conn.is_orphan() && !conn.is_stale());
            pool.sessions.retain(|Session { session, idle_timeout }| {
                session.is_open() && !session.is_orphan() && !session.is_idle(now, *idle_timeout)
            });
        }
    }

    /// Closes all unused connections; shared ones close when their exchanges have ended.
    pub fn close(&self) {
        self.by_key.borrow_mut().clear();
    }

    /// How many unused connections of HTTP/1 there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.borrow().iter().map(|pool| pool.idle.len()).sum()
    }

    /// True without unused connections of HTTP/1.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<R>(&self, key: u32, act: impl FnOnce(&mut Pool) -> R) -> R {
        let mut pools = self.by_key.borrow_mut();
        let index = key as usize;
        if pools.len() <= index {
            pools.resize_with(index + 1, Pool::default);
        }
        match pools.get_mut(index) {
            Some(pool) => act(pool),
            None => unreachable!("the table was just grown past {index}"),
        }
    }
}

impl Pool {
    /// The connection used last, unless it went stale meanwhile.
    fn take_idle(&mut self) -> Option<ClientConn> {
        loop {
            let conn = self.idle.pop()?;
            if !conn.is_stale() {
                return Some(conn);
            }
        }
    }

    /// What a new connection will speak, as far as that is known before it is there.
    fn expects(&self, plan: &UpstreamPlan) -> Option<Spoken> {
        match plan.http {
            HttpVersion::H1 => Some(Spoken::H1),
            HttpVersion::H2 => Some(Spoken::H2),
            HttpVersion::Auto if plan.tls.is_none() => Some(Spoken::H1),
            HttpVersion::Auto => self.chosen,
        }
    }
}

/// When an unused connection is closed.
pub(crate) fn keep_until(now: Mono, idle_timeout: Duration) -> Mono {
    now.after(idle_timeout)
}
