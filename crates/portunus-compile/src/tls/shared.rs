//! What TLS needs that outlives each configuration.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_snapshot::{HttpChallenges, OnDemand};
use portunus_tls::{Challenges, LocalCa, TicketKeys, TicketSeeds, TlsConfigError};

/// What TLS needs that outlives each configuration of a process.
#[derive(Debug)]
pub struct TlsShared {
    /// Answers to tls-alpn-01.
    pub challenges: Arc<Challenges>,
    /// Answers to http-01.
    pub http_challenges: Arc<HttpChallenges>,
    /// Whom handshakes ask for certificates that are not there.
    pub on_demand: Arc<OnDemand>,
    folder: Option<PathBuf>,
    tickets: OnceLock<Arc<TicketKeys>>,
    authority: OnceLock<Arc<LocalCa>>,
}

impl TlsShared {
    /// With the folder of the local authority; without one, configurations are only looked at, and nothing is made.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            challenges: Arc::default(),
            http_challenges: Arc::default(),
            on_demand: Arc::default(),
            folder,
            tickets: OnceLock::new(),
            authority: OnceLock::new(),
        }
    }

    /// Keys of session tickets, for listeners without a file of them.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(crate) fn tickets(&self) -> Result<Arc<TicketKeys>, TlsConfigError> {
        if let Some(known) = self.tickets.get() {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(TicketKeys::random(SystemClock.wall())?);
        Ok(Arc::clone(self.tickets.get_or_init(|| made)))
    }

    /// Goes on with the keys of session tickets of another process. To be called before a configuration is compiled.
    ///
    /// # Errors
    /// They are no keys.
    pub fn resume_tickets(&self, seeds: &TicketSeeds) -> Result<(), TlsConfigError> {
        // Keys that are there already are in use.
        let _ = self.tickets.set(Arc::new(TicketKeys::resume(seeds)?));
        Ok(())
    }

    /// The keys of session tickets for a process that takes over, if there are any.
    #[must_use]
    pub fn ticket_seeds(&self) -> Option<TicketSeeds> {
        self.tickets.get()?.seeds()
    }

    /// Changes the keys of session tickets when it is time. To be called now and then.
    pub fn rotate_tickets(&self, now: Wall) {
        if let Some(tickets) = self.tickets.get() {
            tickets.rotate(now);
        }
    }

    /// The local authority; it is made at the first call. `None` where nothing is to be made.
    ///
    /// # Errors
    /// Its folder cannot be used.
    pub fn authority(&self) -> Option<Result<Arc<LocalCa>, TlsConfigError>> {
        let folder = self.folder.as_ref()?;
        if let Some(known) = self.authority.get() {
            return Some(Ok(Arc::clone(known)));
        }
        let opened = LocalCa::open(folder).map(Arc::new);
        Some(opened.map(|made| Arc::clone(self.authority.get_or_init(|| made))))
    }
}
