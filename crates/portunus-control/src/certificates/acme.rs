//! Certificates by ACME: the issuer of portunus-acme, and where its work goes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portunus_acme::{
    AcmePlan, Event, FaultKind, FolderStorage, Issued, Issuer, OnDemand, Outlet, TlsAnswer,
};
use portunus_snapshot::Asking;
use portunus_tls::load_pair;
use tokio::sync::watch;

use super::shown::Shown;
use crate::task::Task;

/// A running issuer. Dropping it ends it.
pub(super) struct Acme {
    plans: watch::Sender<Arc<AcmePlan>>,
    folder: PathBuf,
    task: Task,
}

impl Acme {
    pub(super) fn start(plan: AcmePlan, folder: &Path, shown: Arc<Shown>) -> Self {
        let (plans, wanted) = watch::channel(Arc::new(plan));
        let storage = Arc::new(FolderStorage::new(folder));
        let (issuer, on_demand) = Issuer::new(storage, Arc::clone(&shown) as Arc<dyn Outlet>);
        shown.world().tls.on_demand.set(move |name| ask(on_demand.clone(), name.to_owned()));
        Self { plans, folder: folder.to_owned(), task: Task::spawn(issuer.run(wanted)) }
    }

    /// Lets the issuer give back what it holds in storage.
    pub(super) async fn stop(self) {
        let Self { plans, task, .. } = self;
        drop(plans);
        task.ended(STOP_MAX).await;
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Goes on with another plan, if it is another one.
    pub(super) fn follow(&self, plan: &AcmePlan) {
        self.plans.send_if_modified(|now| {
            let is_new = **now != *plan;
            if is_new {
                *now = Arc::new(plan.clone());
            }
            is_new
        });
    }
}

/// Once the issuer is gone, it ends at once.
fn ask(on_demand: OnDemand, name: String) -> Asking {
    Box::pin(async move {
        // The store says what came of it.
        let _ = on_demand.wanted(&name).await;
    })
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Outlet for Shown {
    fn certificates(&self, all: &[Arc<Issued>]) {
        self.issued(all);
    }

    fn http_answer(&self, token: &str, answer: Option<&str>) {
        let challenges = &self.world().tls.http_challenges;
        match answer {
            Some(answer) => challenges.set(token, answer),
            None => challenges.remove(token),
        }
    }

    fn tls_answer(&self, name: &str, answer: Option<&TlsAnswer>) {
        let challenges = &self.world().tls.challenges;
        let Some(answer) = answer else { return challenges.remove(name) };
        match load_pair(answer.chain_pem.as_bytes(), answer.key_pem.as_bytes(), None) {
            Ok(certificate) => challenges.set(name, &certificate),
            Err(error) => tracing::error!(name, %error, "the answer to a challenge is no use"),
        }
    }

    fn event(&self, event: &Event<'_>) {
        let metrics = &self.world().metrics;
        match event {
            Event::Issued(_) => metrics.acme_issued(),
            Event::Failed { fault, .. } => {
                // Names that nobody was willing to order are no failed orders.
                let is_order = !matches!(fault.kind, FaultKind::Refused | FaultKind::Busy);
                metrics.acme_failed(fault.kind.word(), is_order);
            }
            Event::Found(_) => {}
        }
    }
}

/// Giving back leases takes moments, unless storage is gone.
const STOP_MAX: Duration = Duration::from_secs(2);
