//! What happens later: renewals, restarts, an authority that is down.

use std::sync::Arc;
use std::time::Duration;

use portunus_acme::{AcmePlan, ChallengeKind, FaultKind};
use portunus_base::{Clock as _, SystemClock};
use portunus_testkit::{Pebble, PebbleSetup};

use crate::edge::Told;
use crate::world::{World, directory};

fn short_lived() -> PebbleSetup {
    PebbleSetup { life: Duration::from_secs(6), ..PebbleSetup::default() }
}

#[tokio::test]
async fn a_certificate_is_renewed_before_its_end() {
    let Some(mut world) = World::new(short_lived()).await else { return };
    let _issuer = world.issue(world.plan(ChallengeKind::Http01, &["a.example.test"]));
    let Told::Issued { not_after: first, .. } = world.told().await else { panic!("not issued") };
    let Told::Issued { not_after: second, .. } = world.told().await else { panic!("not renewed") };
    assert!(SystemClock.wall() < second && first < second);
}

#[tokio::test]
async fn the_old_certificate_stays_while_the_directory_is_down() {
    let Some(mut world) = World::new(short_lived()).await else { return };
    let _issuer = world.issue(world.plan(ChallengeKind::Http01, &["a.example.test"]));
    let Told::Issued { not_after: end, .. } = world.told().await else { panic!("not issued") };
    world.pebble.kill();
    let Told::Failed { kind, text, next, not_after } = world.told().await else { panic!("issued") };
    assert_eq!((kind, not_after), (FaultKind::Unreachable, Some(end)), "{text}");
    let wait_s = next.0.saturating_sub(SystemClock.wall().0) / 1_000_000;
    assert!((40..=72).contains(&wait_s), "it comes back after about a minute: {wait_s}");
    assert_eq!(world.edge.certificates().len(), 1);
}

#[tokio::test]
async fn a_restart_takes_certificates_from_storage_without_an_order() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let plan = world.plan(ChallengeKind::Http01, &["a.example.test"]);
    let issuer = world.issue(plan.clone());
    let Told::Issued { not_after: first, .. } = world.told().await else { panic!("not issued") };
    drop(issuer);
    world.pebble.kill();
    let _issuer = world.issue(plan);
    let Told::Found { not_after } = world.told().await else { panic!("not found") };
    assert_eq!(not_after, first);
}

#[tokio::test]
async fn a_certificate_of_a_directory_that_is_not_asked_any_more_is_replaced() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let plan = world.plan(ChallengeKind::Http01, &["a.example.test"]);
    let (plans, _on_demand) = world.issue(plan.clone());
    let first = world.told().await;
    assert!(matches!(first, Told::Issued { .. }), "{first:?}");
    let Some(other) = Pebble::start(&world.setup) else { return };
    plans.send_replace(Arc::new(AcmePlan { directories: vec![directory(&other)], ..plan }));
    let Told::Issued { directory, .. } = world.told().await else { panic!("not replaced") };
    assert_eq!(directory, other.directory());
}
