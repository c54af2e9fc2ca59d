use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock, Wall};
use tokio::sync::watch;

use super::{DUE_MAX, Entry, Issuer};
use crate::certificate::Issued;
use crate::fault::{Fault, FaultKind};
use crate::outlet::{Event, Outlet, TlsAnswer};
use crate::plan::{AcmePlan, ChallengeKind, Directory, Names, OnDemandPlan};
use crate::schedule::later;
use crate::storage::FolderStorage;
use crate::turn::Known;
use crate::turn::tests::certificate;

/// Remembers the names that it was last told.
#[derive(Default)]
struct Told(watch::Sender<Vec<String>>);

impl Outlet for Told {
    fn certificates(&self, all: &[Arc<Issued>]) {
        self.0.send_replace(all.iter().map(|one| one.names().to_string()).collect());
    }

    fn http_answer(&self, _: &str, _: Option<&str>) {}

    fn tls_answer(&self, _: &str, _: Option<&TlsAnswer>) {}

    fn event(&self, _: &Event<'_>) {}
}

fn issuer() -> (Issuer, Arc<Told>) {
    let told = Arc::new(Told::default());
    let storage = Arc::new(FolderStorage::new("/nonexistent"));
    let (issuer, _) = Issuer::new(storage, Arc::clone(&told) as Arc<dyn Outlet>);
    (issuer, told)
}

fn names(name: &str) -> Names {
    Names::new([name]).unwrap()
}

/// An entry for a name, with a certificate of `https://ca.test/dir`.
fn entry(name: &str, is_on_demand: bool) -> (Names, Entry) {
    let certificate = Some(Arc::new(certificate(name)));
    (names(name), Entry { certificate, ..Entry::new(is_on_demand) })
}

fn plan(url: &str) -> AcmePlan {
    AcmePlan {
        email: None,
        directories: vec![Directory { url: url.to_owned(), roots: None, eab: None }],
        challenge: ChallengeKind::Http01,
        certificates: vec![names("a.test")],
        on_demand: Some(OnDemandPlan::new("http://127.0.0.1:1/may")),
        dns: None,
        renew_before: None,
    }
}

#[tokio::test]
async fn a_certificate_of_another_directory_is_due_at_once() {
    let far = later(SystemClock.wall(), Duration::from_secs(3600));
    for (url, due) in [("https://ca.test/dir", far), ("https://other.test/dir", Wall(0))] {
        let (mut issuer, _) = issuer();
        let (names, mut entry) = entry("a.test", false);
        entry.due = Some(far);
        issuer.entries.insert(names.clone(), entry);
        issuer.take_plan(&plan(url), &mut None);
        assert_eq!(issuer.entries[&names].due, Some(due), "{url}");
    }
}

#[test]
fn what_is_due_after_a_clock_was_set_back_is_not_waited_for() {
    let now = Wall(1_000_000);
    let mut entry = Entry::new(false);
    for (due, is_due) in [
        (None, false),
        (Some(now), true),
        (Some(later(now, DUE_MAX)), false),
        (Some(later(now, 2 * DUE_MAX)), true),
    ] {
        entry.due = due;
        assert_eq!(entry.is_due(now), is_due, "{due:?}");
    }
}

#[test]
fn certificates_are_handed_out_in_one_order_those_of_the_plan_first() {
    let (mut issuer, told) = issuer();
    let all = [("d.test", false), ("a.test", true), ("c.test", false), ("b.test", true)];
    issuer.entries.extend(all.map(|(name, is_on_demand)| entry(name, is_on_demand)));
    issuer.is_changed = true;
    issuer.hand_out();
    assert_eq!(*told.0.borrow(), ["c.test", "d.test", "a.test", "b.test"]);
}

#[test]
fn names_on_demand_are_forgotten_when_storage_fails_and_planned_ones_are_not() {
    let (mut issuer, _) = issuer();
    let now = SystemClock.wall();
    let fault = Fault::new(FaultKind::Storage, "the disk is full", "make room");
    for (name, is_on_demand) in [("a.test", false), ("b.test", true)] {
        issuer.entries.insert(names(name), Entry::new(is_on_demand));
        issuer.fail(&names(name), &fault, now);
    }
    assert_eq!(issuer.entries.keys().collect::<Vec<_>>(), [&names("a.test")]);
}

#[tokio::test]
async fn a_renewal_on_demand_is_asked_for_however_many_new_names_there_are() {
    let (issuer, _) = issuer();
    let mut plan = plan("https://ca.test/dir");
    let on_demand = plan.on_demand.as_mut().unwrap();
    on_demand.rate.count = 0;
    let desk = issuer.desk(&plan, None).unwrap();
    let mut known = Known {
        names: names("a.test"),
        certificate: None,
        renewal: None,
        earliest: Wall(0),
        is_on_demand: true,
    };
    assert_eq!(desk.pass(&known).await.unwrap_err().kind, FaultKind::Busy);
    known.certificate = Some(Arc::new(certificate("a.test")));
    // Nobody answers at that URL, which is a no.
    assert_eq!(desk.pass(&known).await.unwrap_err().kind, FaultKind::Refused);
}
