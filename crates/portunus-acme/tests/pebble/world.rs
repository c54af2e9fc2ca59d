//! What each test begins with: an edge, a zone, and an authority that looks at them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portunus_acme::{AcmePlan, ChallengeKind, Directory, FolderStorage, Issuer, Names, OnDemand};
use portunus_testkit::{Pebble, PebbleSetup};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::edge::{Edge, Told};
use crate::zone::Zone;

/// An edge that pebble can look at, and pebble.
pub(crate) struct World {
    pub(crate) edge: Arc<Edge>,
    pub(crate) told: mpsc::UnboundedReceiver<Told>,
    pub(crate) pebble: Pebble,
    /// What another one is started with.
    pub(crate) setup: PebbleSetup,
    pub(crate) folder: TempDir,
    pub(crate) zone: Arc<Zone>,
    pub(crate) dns: SocketAddr,
    pub(crate) tasks: JoinSet<()>,
}

impl World {
    /// `None` where pebble is not installed.
    pub(crate) async fn new(setup: PebbleSetup) -> Option<Self> {
        let mut tasks = JoinSet::new();
        let (edge, told) = Edge::new();
        let (zone, dns) = Zone::serve(b"secret", &mut tasks).await;
        let http_port = edge.serve_http(&mut tasks).await;
        let tls_port = edge.serve_tls(&mut tasks).await;
        let setup = PebbleSetup { http_port, tls_port, dns_port: dns.port(), ..setup };
        let pebble = Pebble::start(&setup)?;
        let folder = tempfile::tempdir().unwrap();
        Some(Self { edge, told, pebble, setup, folder, zone, dns, tasks })
    }

    pub(crate) fn plan(&self, challenge: ChallengeKind, names: &[&str]) -> AcmePlan {
        plan(vec![directory(&self.pebble)], challenge, names)
    }

    /// Starts an issuer for this edge, which ends with the sender of plans.
    pub(crate) fn issue(&mut self, plan: AcmePlan) -> (watch::Sender<Arc<AcmePlan>>, OnDemand) {
        let edge = Arc::clone(&self.edge);
        self.issue_to(edge, plan)
    }

    pub(crate) fn issue_to(
        &mut self,
        edge: Arc<Edge>,
        plan: AcmePlan,
    ) -> (watch::Sender<Arc<AcmePlan>>, OnDemand) {
        let storage = Arc::new(FolderStorage::new(self.folder.path()));
        let (issuer, on_demand) = Issuer::new(storage, edge);
        let (sender, plans) = watch::channel(Arc::new(plan));
        self.tasks.spawn(issuer.run(plans));
        (sender, on_demand)
    }

    pub(crate) async fn told(&mut self) -> Told {
        next(&mut self.told).await
    }
}

/// The directory of an authority.
pub(crate) fn directory(pebble: &Pebble) -> Directory {
    let roots = pebble.roots().as_bytes().to_vec();
    Directory { url: pebble.directory(), roots: Some(roots), eab: None }
}

pub(crate) fn plan(
    directories: Vec<Directory>,
    challenge: ChallengeKind,
    names: &[&str],
) -> AcmePlan {
    AcmePlan {
        email: Some("ops@example.test".to_owned()),
        directories,
        challenge,
        certificates: vec![Names::new(names).unwrap()],
        on_demand: None,
        dns: None,
        renew_before: None,
    }
}

pub(crate) async fn next(told: &mut mpsc::UnboundedReceiver<Told>) -> Told {
    within("the issuer says something", told.recv()).await.unwrap()
}

/// What does not happen in time fails the test.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(40), future).await;
    done.unwrap_or_else(|_| panic!("not in 40 s: {what}"))
}
