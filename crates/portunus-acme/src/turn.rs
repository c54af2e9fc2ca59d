//! One look at one certificate: found in storage, still good, left to another node, or ordered.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{Account, Error};
use portunus_base::{Clock as _, Rng, SystemClock, Wall};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::authority::{Authority, unstored};
use crate::certificate::Issued;
use crate::fault::{Fault, FaultKind};
use crate::on_demand::Gate;
use crate::order::Wish;
use crate::outlet::Outlet;
use crate::plan::{AcmePlan, Names};
use crate::schedule::{Renewal, Window, later};
use crate::storage::Storage;

/// What all turns under one plan share.
pub(crate) struct Desk {
    pub plan: AcmePlan,
    pub authorities: Vec<Arc<Authority>>,
    pub gate: Option<Gate>,
    pub storage: Arc<dyn Storage>,
    pub outlet: Arc<dyn Outlet>,
    /// The word of this process in leases.
    pub owner: String,
    pub orders: Arc<Semaphore>,
    /// Turns that go on beyond storage.
    pub talks: Arc<Semaphore>,
}

/// What is known before a turn.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub names: Names,
    pub certificate: Option<Arc<Issued>>,
    pub renewal: Option<Renewal>,
    /// No order before.
    pub earliest: Wall,
    /// The names are not in the plan: whoever knows must be asked.
    pub is_on_demand: bool,
}

/// What came of a turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Storage has another certificate than the known one.
    Found(Issued),
    /// The known one is good until the renewal; at `look_at` it is looked at again.
    Good { renewal: Renewal, look_at: Wall },
    /// Another node is at it.
    Elsewhere,
    /// There is a new one.
    Issued(Issued),
}

impl Desk {
    pub(crate) async fn turn(&self, known: &Known) -> Result<Turn, Fault> {
        if let Some(found) = self.newer(known).await? {
            return Ok(Turn::Found(found));
        }
        let _talk = self.talks.acquire().await;
        if let Some(good) = self.good(known).await {
            return Ok(good);
        }
        let _pass = self.pass(known).await?;
        let _turn = self.orders.acquire().await;
        let key = certificate_key(&known.names);
        let leased = self.storage.lease(&key, &self.owner, LEASE).await;
        if !leased.map_err(|error| unstored(&error))? {
            return Ok(Turn::Elsewhere);
        }
        let turn = self.leased(known, &key).await;
        // It runs out by itself if it cannot be given back.
        let _ = self.storage.release(&key, &self.owner).await;
        turn
    }

    /// Whether it may be ordered; what comes back is held meanwhile.
    pub(crate) async fn pass(&self, known: &Known) -> Result<Option<OwnedSemaphorePermit>, Fault> {
        let name = known.names.first();
        match &self.gate {
            _ if !known.is_on_demand => Ok(None),
            None => Err(not_on_demand()),
            // A renewal takes no turn, or names that clients made up could keep it from its own.
            Some(gate) if known.certificate.is_some() => gate.ask(name).await.map(|()| None),
            Some(gate) => gate.pass(name).await.map(Some),
        }
    }

    /// Orders, unless another node was faster.
    async fn leased(&self, known: &Known, key: &str) -> Result<Turn, Fault> {
        if let Some(found) = self.newer(known).await? {
            return Ok(Turn::Found(found));
        }
        let issued = self.issue(known).await?;
        let stored = self.storage.write(key, issued.to_stored()).await;
        if let Err(error) = stored {
            // It is as good for this node; the next start orders again.
            tracing::error!(names = %known.names, fault = %unstored(&error), "a certificate is not stored");
        }
        Ok(Turn::Issued(issued))
    }

    /// What storage has, if it is better than what is known.
    async fn newer(&self, known: &Known) -> Result<Option<Issued>, Fault> {
        let stored = self.storage.read(&certificate_key(&known.names)).await;
        let Some(stored) = stored.map_err(|error| unstored(&error))? else { return Ok(None) };
        match Issued::from_stored(known.names.clone(), &stored) {
            Ok(found) => {
                let rank = |one: &Issued| (self.authority_of(one).is_some(), one.not_after());
                let known = known.certificate.as_deref().map(rank);
                Ok(Some(found).filter(|found| known.is_none_or(|known| rank(found) > known)))
            }
            Err(error) => {
                tracing::warn!(names = %known.names, error, "a stored certificate is of no use");
                Ok(None)
            }
        }
    }

    async fn good(&self, known: &Known) -> Option<Turn> {
        let certificate = known.certificate.as_ref()?;
        // One of an authority that is not asked any more is replaced: it may be one for tests.
        let authority = self.authority_of(certificate)?;
        let (window, look_in) = self.window(certificate, authority).await;
        let now = SystemClock.wall();
        let life = certificate.life();
        let window = window.or_else(|| known.renewal.and_then(|renewal| renewal.window));
        let chosen = Renewal::choose(life, window, self.plan.renew_before, &mut Rng::from_system());
        let mut renewal = known.renewal.map_or(chosen, |renewal| renewal.moved(chosen));
        renewal.at = renewal.at.max(known.earliest);
        (renewal.at > now).then(|| Turn::Good { renewal, look_at: later(now, look_in) })
    }

    fn authority_of(&self, certificate: &Issued) -> Option<&Authority> {
        let mut all = self.authorities.iter().map(|authority| &**authority);
        all.find(|authority| authority.url() == certificate.directory())
    }

    /// When the authority wants the renewal, and after which time to ask again.
    async fn window(
        &self,
        certificate: &Issued,
        authority: &Authority,
    ) -> (Option<Window>, Duration) {
        if certificate.ari().is_none() {
            return (None, LOOK);
        }
        let Ok(account) = authority.account(&*self.storage, &self.owner).await else {
            return (None, LOOK);
        };
        window(&account, certificate).await.unwrap_or((None, LOOK))
    }

    /// Asks the authorities one after the other.
    async fn issue(&self, known: &Known) -> Result<Issued, Fault> {
        let mut first: Option<Fault> = None;
        for authority in &self.authorities {
            let fault = match self.issue_from(authority, known).await {
                Err(fault) if !fault.is_ours() => fault,
                done => return done,
            };
            if self.authorities.len() > 1 {
                tracing::warn!(names = %known.names, directory = authority.url(), %fault, "an ACME authority gave no certificate");
            }
            first = Some(match first {
                Some(mut first) => {
                    first.not_before = first.not_before.min(fault.not_before);
                    first
                }
                None => fault,
            });
        }
        Err(first.unwrap_or_else(no_authority))
    }

    async fn issue_from(&self, authority: &Authority, known: &Known) -> Result<Issued, Fault> {
        let paused = |until: Wall| (until > SystemClock.wall()).then_some(until);
        if let Some(until) = paused(authority.paused_until()) {
            let what = format!("{} asked not to be asked for a while", authority.url());
            let mut fault = Fault::new(FaultKind::RateLimited, what, "wait");
            fault.not_before = Some(until);
            return Err(fault);
        }
        let order = self.order_patiently(authority, known);
        let late = |_| {
            let what = format!("{} did not come to an end in 8 minutes", authority.url());
            Fault::new(FaultKind::Authority, what, "nothing: it is asked again")
        };
        let done = tokio::time::timeout(ORDER_MAX, order).await.map_err(late).flatten();
        if let Err(mut fault) = done {
            fault.not_before = paused(authority.paused_until());
            if fault.not_before.is_some() {
                fault.kind = FaultKind::RateLimited;
                "wait; names of other certificates count too".clone_into(&mut fault.help);
            }
            authority.forget().await;
            return Err(fault);
        }
        done
    }

    /// An authority of many servers may refuse its own nonces for a moment.
    async fn order_patiently(&self, authority: &Authority, known: &Known) -> Result<Issued, Fault> {
        for _ in 1..NONCE_ATTEMPTS {
            match self.order(authority, known).await {
                Err(fault) if fault.kind == FaultKind::Nonce => {}
                done => return done,
            }
        }
        self.order(authority, known).await
    }

    async fn order(&self, authority: &Authority, known: &Known) -> Result<Issued, Fault> {
        let account = authority.account(&*self.storage, &self.owner).await?;
        let is_from_there = |certificate: &&Issued| certificate.directory() == authority.url();
        let is_planned = known.renewal.is_some_and(|renewal| renewal.window.is_some());
        let replaces = known.certificate.as_deref().filter(is_from_there).filter(|_| is_planned);
        let wish =
            Wish { names: &known.names, plan: &self.plan, directory: authority.url(), replaces };
        match wish.order(&account, &self.outlet).await {
            Err(fault) if fault.kind == FaultKind::Account => {
                let account = authority.renew_account(&*self.storage).await?;
                wish.order(&account, &self.outlet).await
            }
            done => done,
        }
    }
}

/// The window of RFC 9773, and after which time to ask again. `None`: the authority plans none.
async fn window(account: &Account, certificate: &Issued) -> Option<(Option<Window>, Duration)> {
    let ari = certificate.ari()?;
    match account.renewal_info(ari).await {
        Ok((told, again)) => {
            let wall = |at: i128| Wall(u64::try_from(at / 1000).unwrap_or(0));
            let window = told.suggested_window;
            let start = wall(window.start.unix_timestamp_nanos());
            let end = wall(window.end.unix_timestamp_nanos());
            // RFC 9773, section 4.3.2: neither hammer it nor forget it.
            Some((Some(Window { start, end }), again.clamp(LOOK_MIN, LOOK_MAX)))
        }
        Err(Error::Unsupported(_)) => None,
        Err(error) => {
            tracing::debug!(names = %certificate.names(), %error, "no word about renewal");
            None
        }
    }
}

pub(crate) fn certificate_key(names: &Names) -> String {
    format!("certificates/{}.pem", names.key())
}

fn no_authority() -> Fault {
    Fault::new(FaultKind::Authority, "no directory of an ACME authority", "name one")
}

fn not_on_demand() -> Fault {
    let what = "certificates are not given on demand any more";
    Fault::new(FaultKind::Refused, what, "nothing, unless the name should have one")
}

/// Longer than an order may take.
const LEASE: Duration = Duration::from_secs(600);
const NONCE_ATTEMPTS: u32 = 3;
const ORDER_MAX: Duration = Duration::from_secs(480);
/// How often storage is looked at for what other nodes did, and a silent authority is asked.
const LOOK: Duration = Duration::from_secs(3600);
const LOOK_MIN: Duration = Duration::from_secs(60);
const LOOK_MAX: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
pub(crate) mod tests;
