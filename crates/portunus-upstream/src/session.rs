//! One HTTP/2 connection to an endpoint, shared by many exchanges.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use portunus_base::Mono;
use portunus_h2::{Client, ClientOptions, H2Error, connect};
use portunus_net::Io;
use portunus_worker::Worker;
use tokio::sync::Notify;

use crate::counted::Counted;
use crate::h2::H2Stream;

/// A connection that a worker's exchanges share. Cheap to clone; closes when the pool and all exchanges have let go.
#[derive(Clone, Debug)]
pub struct H2Session {
    client: Client,
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    secure: bool,
    /// It has served before.
    reused: Cell<bool>,
    /// No request was seen on it since then.
    idle_since: Cell<Mono>,
    settings: Settings,
    counted: Counted,
}

/// Whether the endpoint's settings are here: they come first, so that a ping finds out.
#[derive(Debug, Default)]
struct Settings {
    asked: Cell<bool>,
    known: Cell<bool>,
    came: Notify,
}

impl H2Session {
    /// Begins to speak HTTP/2 on `io`.
    pub(crate) async fn open(
        io: Io,
        secure: bool,
        options: &ClientOptions,
        worker: &Worker,
        counted: Counted,
    ) -> Result<Self, H2Error> {
        let (client, driver) = connect(io, options, worker).await?;
        let (reused, idle_since) = (Cell::new(false), Cell::new(worker.now()));
        let settings = Settings::default();
        let shared = Rc::new(Shared { secure, reused, idle_since, settings, counted });
        let open = Rc::clone(&shared);
        worker.spawn(async move {
            // Whatever ends the connection, its streams tell.
            let _ = driver.await;
            open.settings.note();
            drop(open);
        });
        Ok(Self { client, shared })
    }

    /// A new exchange on it. The stream counts from the first request on, which is to be sent at once.
    #[must_use]
    pub fn stream(&self, now: Mono) -> H2Stream {
        self.shared.idle_since.set(now);
        let reused = self.shared.reused.replace(true);
        H2Stream::new(self.client.clone(), self.shared.secure, reused)
    }

    /// True when one more exchange may begin, of which there may be `streams_max` at once.
    pub(crate) fn has_room(&self, streams_max: usize) -> bool {
        self.room(streams_max) > 0
    }

    /// How many more exchanges may begin, of which there may be `streams_max` at once.
    pub(crate) fn room(&self, streams_max: usize) -> usize {
        let left = streams_max.saturating_sub(self.client.streams_open());
        if self.client.is_open() { left.min(self.client.streams_free()) } else { 0 }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.client.is_open()
    }

    pub(crate) fn streams_open(&self) -> usize {
        self.client.streams_open()
    }

    /// True when nothing happened on it for `idle_timeout`. To be asked about once a second.
    pub(crate) fn is_idle(&self, now: Mono, idle_timeout: Duration) -> bool {
        if self.client.streams_open() > 0 {
            self.shared.idle_since.set(now);
        }
        self.shared.idle_since.get().after(idle_timeout) <= now
    }

    pub(crate) fn is_orphan(&self) -> bool {
        self.shared.counted.is_orphan()
    }

    /// Whether the endpoint takes extended CONNECT, as its settings say; waits for them.
    pub async fn takes_upgrades(&self, worker: &Worker) -> bool {
        let settings = &self.shared.settings;
        if !self.client.takes_extended_connect() && !settings.known.get() {
            if !settings.asked.replace(true) {
                let session = self.clone();
                worker.spawn(async move {
                    // A connection that broke takes no upgrades either.
                    let _ = session.client.ping().await;
                    session.shared.settings.note();
                });
            }
            settings.wait().await;
        }
        self.client.takes_extended_connect()
    }
}

impl Settings {
    fn note(&self) {
        self.known.set(true);
        self.came.notify_waiters();
    }

    async fn wait(&self) {
        while !self.known.get() {
            self.came.notified().await;
        }
    }
}
