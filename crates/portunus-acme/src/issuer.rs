//! The task that keeps certificates: what is wanted, what there is, and when to look again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Clock as _, Rng, SystemClock, Wall};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};

use crate::authority::Authority;
use crate::certificate::Issued;
use crate::fault::{Fault, FaultKind};
use crate::on_demand::{Gate, OnDemand, RefusedNames, Request, WaitMax, Wanted};
use crate::outlet::{Event, Outlet};
use crate::plan::{AcmePlan, Names};
use crate::schedule::{Renewal, backoff, later};
use crate::storage::Storage;
use crate::turn::{Desk, Known, Turn, certificate_key};

/// Keeps the certificates that plans ask for.
pub struct Issuer {
    storage: Arc<dyn Storage>,
    outlet: Arc<dyn Outlet>,
    requests: mpsc::Receiver<Request>,
    wait: WaitMax,
    owner: String,
    orders: Arc<Semaphore>,
    talks: Arc<Semaphore>,
    entries: HashMap<Names, Entry>,
    refused: RefusedNames,
    turns: JoinSet<Result<Turn, Fault>>,
    /// Whose turns they are.
    running: HashMap<Id, Names>,
    /// The outlet has not heard of the last change yet.
    is_changed: bool,
    rng: Rng,
}

/// The certificate of some names.
#[derive(Debug)]
struct Entry {
    is_on_demand: bool,
    certificate: Option<Arc<Issued>>,
    renewal: Option<Renewal>,
    /// No order before, whatever the authority plans.
    earliest: Wall,
    /// When the next turn begins; `None` during one.
    due: Option<Wall>,
    failures: u32,
    waiting: Vec<oneshot::Sender<Wanted>>,
    /// Another process is at it, and that has been told.
    is_elsewhere: bool,
    /// The plan changed while a turn was under way, and the certificate is not one of its directories.
    is_outdated: bool,
}

impl Entry {
    fn new(is_on_demand: bool) -> Self {
        Self {
            is_on_demand,
            certificate: None,
            renewal: None,
            earliest: Wall(0),
            due: Some(Wall(0)),
            failures: 0,
            waiting: Vec::new(),
            is_elsewhere: false,
            is_outdated: false,
        }
    }

    fn is_due(&self, now: Wall) -> bool {
        // One that is too far away is from before the clock was set back.
        self.due.is_some_and(|due| due <= now || due > later(now, DUE_MAX))
    }

    /// Whether its certificate is from an authority that is not asked any more.
    fn is_foreign(&self, plan: &AcmePlan) -> bool {
        let is_from = |certificate: &Arc<Issued>| {
            plan.directories.iter().any(|directory| directory.url == certificate.directory())
        };
        self.certificate.as_ref().is_some_and(|certificate| !is_from(certificate))
    }

    fn answer(&mut self, wanted: Wanted) {
        for waiting in self.waiting.drain(..) {
            // A handshake that is gone needs no answer.
            let _ = waiting.send(wanted);
        }
    }
}

impl Issuer {
    /// An issuer over a storage, and the handle for handshakes of unknown names.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, outlet: Arc<dyn Outlet>) -> (Self, OnDemand) {
        let (on_demand, requests, wait) = OnDemand::new();
        let mut rng = Rng::from_system();
        let issuer = Self {
            storage,
            outlet,
            requests,
            wait,
            owner: format!("{}-{:016x}", std::process::id(), rng.u64()),
            orders: Arc::new(Semaphore::new(ORDERS_AT_ONCE_MAX)),
            talks: Arc::new(Semaphore::new(TURNS_AT_ONCE_MAX)),
            entries: HashMap::new(),
            refused: RefusedNames::default(),
            turns: JoinSet::new(),
            running: HashMap::new(),
            is_changed: false,
            rng,
        };
        (issuer, on_demand)
    }

    /// Works until the sender of plans is gone. Belongs on control's runtime.
    ///
    /// A plan that cannot be carried out is logged, and the one before stays.
    pub async fn run(mut self, mut plans: watch::Receiver<Arc<AcmePlan>>) {
        let mut desk = None;
        self.take_plan(&plans.borrow_and_update().clone(), &mut desk);
        loop {
            // All that have ended are handed out at once.
            while let Some(done) = self.turns.try_join_next_with_id() {
                self.join(done);
            }
            if let Some(desk) = &desk {
                self.start_due(desk);
            }
            self.hand_out();
            let until_due = self.until_due();
            tokio::select! {
                changed = plans.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.take_plan(&plans.borrow_and_update().clone(), &mut desk);
                }
                Some(done) = self.turns.join_next_with_id() => self.join(done),
                Some(request) = self.requests.recv() => self.request(request, desk.as_ref()),
                () = tokio::time::sleep(until_due) => {}
            }
        }
        self.stop().await;
    }

    fn take_plan(&mut self, plan: &AcmePlan, desk: &mut Option<Arc<Desk>>) {
        match self.desk(plan, desk.as_deref()) {
            Ok(new) => *desk = Some(Arc::new(new)),
            Err(error) => {
                tracing::error!(error, "the settings of ACME are not taken");
                return;
            }
        }
        let keeps = |names: &Names, entry: &Entry| match entry.is_on_demand {
            true => plan.on_demand.is_some(),
            false => plan.certificates.contains(names),
        };
        self.entries.retain(|names, entry| keeps(names, entry));
        for names in &plan.certificates {
            let entry = self.entries.entry(names.clone()).or_insert_with(|| Entry::new(false));
            entry.is_on_demand = false;
            // What failed may be what was changed.
            if entry.failures > 0 && entry.due.is_some() {
                (entry.failures, entry.due) = (0, Some(Wall(0)));
            }
        }
        for entry in self.entries.values_mut() {
            if entry.is_foreign(plan) {
                // A turn that is under way knows the plan of before.
                entry.is_outdated = entry.due.is_none();
                entry.due = entry.due.map(|_| Wall(0));
            }
        }
        if let Some(on_demand) = &plan.on_demand {
            self.wait.set(on_demand.wait);
        }
        self.refused = RefusedNames::default();
        self.is_changed = true;
    }

    /// Authorities that stay as they are keep their accounts and pauses.
    fn desk(&self, plan: &AcmePlan, old: Option<&Desk>) -> Result<Desk, String> {
        plan.check().map_err(|error| error.to_string())?;
        let kept = |directory| {
            let mut old = old.iter().flat_map(|old| &old.authorities);
            old.find(|authority| authority.fits(directory, plan)).map(Arc::clone)
        };
        let authorities = plan.directories.iter().map(|directory| match kept(directory) {
            Some(authority) => Ok(authority),
            None => Authority::new(directory, plan).map(Arc::new),
        });
        let authorities = authorities.collect::<Result<_, Fault>>();
        let gate = plan.on_demand.as_ref().map(Gate::new).transpose();
        Ok(Desk {
            plan: plan.clone(),
            authorities: authorities.map_err(|fault| fault.to_string())?,
            gate: gate.map_err(|fault| fault.to_string())?,
            storage: Arc::clone(&self.storage),
            outlet: Arc::clone(&self.outlet),
            owner: self.owner.clone(),
            orders: Arc::clone(&self.orders),
            talks: Arc::clone(&self.talks),
        })
    }

    fn start_due(&mut self, desk: &Arc<Desk>) {
        let now = SystemClock.wall();
        for (names, entry) in self.entries.iter_mut().filter(|(_, entry)| entry.is_due(now)) {
            entry.due = None;
            let known = Known {
                names: names.clone(),
                certificate: entry.certificate.clone(),
                renewal: entry.renewal,
                earliest: entry.earliest,
                is_on_demand: entry.is_on_demand,
            };
            let desk = Arc::clone(desk);
            let turn = self.turns.spawn(async move { desk.turn(&known).await });
            self.running.insert(turn.id(), names.clone());
        }
    }

    fn join(&mut self, done: Result<(Id, Result<Turn, Fault>), JoinError>) {
        let (id, turn) = done.unwrap_or_else(|error| (error.id(), Err(broken(&error))));
        if let Some(names) = self.running.remove(&id) {
            self.finish(&names, turn);
        }
    }

    fn finish(&mut self, names: &Names, turn: Result<Turn, Fault>) {
        let now = SystemClock.wall();
        // A reload may have taken the names away meanwhile.
        let Some(entry) = self.entries.get_mut(names) else { return };
        let is_elsewhere = matches!(turn, Ok(Turn::Elsewhere));
        if is_elsewhere && !entry.is_elsewhere {
            tracing::info!(%names, "another process orders the certificate: waiting for it");
        }
        entry.is_elsewhere = is_elsewhere;
        match turn {
            Ok(Turn::Good { .. }) if std::mem::take(&mut entry.is_outdated) => {
                entry.due = Some(Wall(0));
            }
            Ok(Turn::Good { renewal, look_at }) => {
                entry.renewal = Some(renewal);
                (entry.failures, entry.due) = (0, Some(renewal.at.min(look_at)));
            }
            Ok(Turn::Elsewhere) => entry.due = Some(later(now, POLL)),
            Ok(Turn::Found(found)) => {
                self.outlet.event(&Event::Found(&found));
                tracing::info!(%names, "took a certificate from storage");
                self.install(names, found);
            }
            Ok(Turn::Issued(issued)) => {
                self.outlet.event(&Event::Issued(&issued));
                tracing::info!(%names, directory = issued.directory(), "got a certificate");
                entry.earliest = issued.life().earliest_renewal(now);
                self.install(names, issued);
            }
            Err(fault) => self.fail(names, &fault, now),
        }
    }

    fn install(&mut self, names: &Names, certificate: Issued) {
        let Some(entry) = self.entries.get_mut(names) else { return };
        entry.certificate = Some(Arc::new(certificate));
        entry.renewal = None;
        // At once: to learn when it is renewed.
        (entry.failures, entry.due) = (0, Some(Wall(0)));
        self.is_changed = true;
    }

    /// What there was stays.
    fn fail(&mut self, names: &Names, fault: &Fault, now: Wall) {
        let Some(entry) = self.entries.get_mut(names) else { return };
        entry.failures = entry.failures.saturating_add(1);
        let wait = backoff(entry.failures, &mut self.rng);
        let next = later(now, wait).max(fault.not_before.unwrap_or_default());
        let next = next.min(later(now, DUE_MAX));
        entry.due = Some(next);
        let not_after = entry.certificate.as_ref().map(|certificate| certificate.not_after());
        let is_refused = fault.kind == FaultKind::Refused;
        entry.answer(if is_refused { Wanted::Refused } else { Wanted::Later });
        self.outlet.event(&Event::Failed { names, fault, next, not_after });
        if entry.is_on_demand && not_after.is_none_or(|end| end <= now) {
            self.fail_on_demand(names, fault.kind, now);
        } else {
            let next_in_s = next.0.saturating_sub(now.0) / 1_000_000;
            let kind = fault.kind.word();
            tracing::warn!(
                %names, kind, next_in_s, has_certificate = not_after.is_some(),
                "no new certificate: {fault}"
            );
        }
    }

    /// A name that clients made up is forgotten, or they could fill memory and log with them.
    fn fail_on_demand(&mut self, names: &Names, kind: FaultKind, now: Wall) {
        let failures = self.entries.get(names).map_or(0, |entry| entry.failures);
        tracing::debug!(%names, kind = kind.word(), failures, "no certificate on demand");
        let is_hopeless = kind == FaultKind::Refused || failures >= ON_DEMAND_FAILURES_MAX;
        if is_hopeless {
            self.refused.add(names.clone(), now);
        }
        if is_hopeless || matches!(kind, FaultKind::Busy | FaultKind::Storage) {
            self.is_changed |= self.entries.remove(names).is_some();
        }
    }

    /// Tells the outlet, and then those who wait for it.
    fn hand_out(&mut self) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        // In the same order every time: the first one may become the default.
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(names, entry)| (entry.is_on_demand, *names));
        let all = entries.iter().filter_map(|(_, entry)| entry.certificate.clone());
        let all: Vec<_> = all.collect();
        self.outlet.certificates(&all);
        for entry in self.entries.values_mut().filter(|entry| entry.certificate.is_some()) {
            entry.answer(Wanted::Ready);
        }
    }

    fn request(&mut self, request: Request, desk: Option<&Arc<Desk>>) {
        let Request { names, reply } = request;
        let now = SystemClock.wall();
        let gate = desk.and_then(|desk| desk.gate.as_ref());
        let answer = match (gate, self.entries.get_mut(&names)) {
            (None, _) => Wanted::Refused,
            (_, Some(entry)) if entry.certificate.is_some() => Wanted::Ready,
            (_, Some(entry)) if entry.due.is_none() && entry.waiting.len() < WAITING_MAX => {
                entry.waiting.push(reply);
                return;
            }
            (_, Some(_)) => Wanted::Later,
            (_, None) if self.refused.has(&names, now) => Wanted::Refused,
            (_, None) if self.turns.len() >= TURNS_AT_ONCE_MAX => Wanted::Later,
            (_, None) => {
                let mut entry = Entry::new(true);
                entry.waiting.push(reply);
                self.entries.insert(names, entry);
                return;
            }
        };
        // A handshake that is gone needs no answer.
        let _ = reply.send(answer);
    }

    fn until_due(&self) -> Duration {
        let now = SystemClock.wall();
        let next = self.entries.values().filter_map(|entry| entry.due).min();
        let wait_us = next.map_or(u64::MAX, |next| next.0.saturating_sub(now.0));
        // The wall clock may be set: it is looked at now and then.
        Duration::from_micros(wait_us).min(CLOCK_CHECK)
    }

    /// Gives leases back, so that a restart does not wait for them to run out.
    async fn stop(mut self) {
        self.turns.shutdown().await;
        for (names, _) in self.entries.iter().filter(|(_, entry)| entry.due.is_none()) {
            // It runs out by itself if it cannot be given back.
            let _ = self.storage.release(&certificate_key(names), &self.owner).await;
        }
    }
}

/// A panic is a mistake of ours; the other certificates go on.
fn broken(error: &JoinError) -> Fault {
    Fault::new(FaultKind::Authority, format!("a mistake in Portunus: {error}"), "report this")
}

const ORDERS_AT_ONCE_MAX: usize = 4;
const TURNS_AT_ONCE_MAX: usize = 64;
const ON_DEMAND_FAILURES_MAX: u32 = 5;
const WAITING_MAX: usize = 256;
/// Longer than the limits of authorities last: a week.
const DUE_MAX: Duration = Duration::from_secs(8 * 24 * 3600);
const POLL: Duration = Duration::from_secs(3);
const CLOCK_CHECK: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
