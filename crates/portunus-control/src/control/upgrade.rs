//! How control gives its place to another process, and how it takes it from one.

use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock};
use portunus_config::spec::AdminAddressSpec;
use portunus_tls::TicketSeeds;

use super::{Control, World, earlier};
use crate::handover::Gift;
use crate::listeners::Bound;
use crate::shared::Stage;

impl Control {
    /// What a process needs that takes over, but for files.
    pub(crate) fn gift(&self) -> std::io::Result<Gift> {
        let mut sockets = Vec::new();
        for bound in self.shared.bound.load().iter() {
            sockets.extend(bound.gift()?);
        }
        let current = self.shared.current.load();
        if let (Some(admin), AdminAddressSpec::On(address)) =
            (&self.admin, &current.spec.admin.address.value)
        {
            sockets.extend(admin.gift(address.to_string()));
        }
        let tickets = self.shared.world.tls.ticket_seeds();
        Ok(Gift { sockets, tickets, confined: Some(self.shared.confinement.entry()) })
    }

    /// Gives up what only one process can hold. Clients notice nothing.
    pub(crate) async fn hand_over(&mut self) {
        self.certificates.stop().await;
        self.quotas.hand_over().await;
        self.shared.keyring.hand_over().await;
    }

    /// Takes back what was given up, from a process that has ended.
    pub(crate) async fn take_back(&mut self) {
        self.quotas.take_back().await;
        self.shared.keyring.take_back().await;
        let current = self.shared.current.load_full();
        self.certificates.serve(&current, earlier(SystemClock.wall()));
        if let Some(file) = &self.pid_file
            && let Err(error) = file.take_back()
        {
            tracing::warn!("the pid file {} is not written: {error}", file.path().display());
        }
    }

    /// Accepts nothing more, now that another process does. Idle connections may send one more request.
    pub(crate) async fn retire(&mut self) {
        self.shared.enter(Stage::Draining);
        let handed_over = self.shared.bound.load().iter().map(Bound::handed_over).collect();
        self.shared.bound.store(Arc::new(handed_over));
        if let Some(admin) = &mut self.admin {
            admin.leave();
        }
        self.shared.service.retire().await;
    }
}

/// Goes on with the keys of session tickets of the process before.
pub(super) fn resume_tickets(world: &World, tickets: Option<TicketSeeds>) {
    if let Some(Err(error)) = tickets.map(|seeds| world.tls.resume_tickets(&seeds)) {
        tracing::warn!("sessions of TLS begin anew: {error:?}");
    }
}
