//! Requests whose sessions need new tokens.

use std::sync::Arc;
use std::time::Duration;

use portunus_filter::{Again, Patch, Resume};
use portunus_identity::Consumers;

use super::{reply, set_cookies};
use crate::cookie::Carried;
use crate::plan::{Found, Plan};
use crate::provider::Now;
use crate::refresher::{Refreshed, Work};
use crate::refusal::Refusal;

/// A request whose session needs new tokens.
pub(super) struct Refresh {
    pub(super) plan: Arc<Plan>,
    pub(super) found: Found,
    pub(super) carried: Carried,
    pub(super) consumers: Arc<Consumers>,
    pub(super) now: Now,
}

impl Refresh {
    /// Gets the tokens, and lets the request through with them.
    pub(super) async fn run(mut self) -> Resume {
        let now = self.now.seconds();
        match self.ask().await {
            Ok(fresh) => {
                self.found.session.renew(&fresh, now);
                match self.plan.keep(&self.found.session, &self.carried) {
                    Ok(lines) => self.go_on(lines),
                    Err(refusal) => reply(refusal.reply()),
                }
            }
            Err(Refusal::Unavailable) if self.found.session.has_access(now) => {
                self.go_on(Vec::new())
            }
            Err(Refusal::Unavailable) => reply(Refusal::Unavailable.reply()),
            Err(_) => {
                let mut patch = Patch::default();
                set_cookies(&mut patch, self.plan.cookies.end_session(&self.carried));
                Resume::Again(patch, Again { step: 0, state: Some(Box::new(self.carried)) })
            }
        }
    }

    async fn ask(&self) -> Refreshed {
        let token = self.found.session.tokens.refresh.as_deref().unwrap_or_default();
        let (session, provider) = (self.found.session.clone(), Arc::clone(&self.found.provider));
        let now = self.now;
        let work: Work = Box::pin(async move { provider.refresh(&session, now).await });
        let patience = match self.found.session.has_access(now.seconds()) {
            true => PATIENCE,
            // The endpoints, the tokens, and the keys for them.
            false => self.plan.timeout.saturating_mul(3),
        };
        let provider = &self.found.provider.mark;
        self.plan.refresher.refresh(provider, token, work, patience).await
    }

    fn go_on(&self, cookies: Vec<String>) -> Resume {
        match self.plan.admit(&self.found, &self.consumers, self.now.wall) {
            Ok(mut patch) => {
                set_cookies(&mut patch, cookies);
                Resume::Continue(patch)
            }
            Err(refusal) => {
                let mut patch = Patch::default();
                set_cookies(&mut patch, cookies);
                Resume::Reply(patch, Box::new(refusal.reply()))
            }
        }
    }
}

/// How long a request waits whose tokens hold still.
const PATIENCE: Duration = Duration::from_secs(1);
