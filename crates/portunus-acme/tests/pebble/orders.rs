//! One order by each challenge, and orders that fail.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use portunus_acme::{
    ChallengeKind, Directory, Eab, FaultKind, Key, Names, Rfc2136, Tsig, TsigAlgorithm,
};
use portunus_testkit::{Pebble, PebbleSetup, free_port};

use crate::edge::{Edge, Told};
use crate::world::{World, directory, next, plan, within};

fn names(world: &World) -> Vec<Names> {
    world.edge.certificates().iter().map(|one| one.names().clone()).collect()
}

#[tokio::test]
async fn http_01_gives_a_certificate_and_its_files_are_secret() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let wanted = ["a.example.test", "b.example.test"];
    let _issuer = world.issue(world.plan(ChallengeKind::Http01, &wanted));
    let told = world.told().await;
    assert!(matches!(told, Told::Issued { .. }), "{told:?}");
    within("the edge has it", async {
        while names(&world) != [Names::new(wanted).unwrap()] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!world.edge.has_answers(), "answers are taken down");
    for folder in ["accounts", "certificates"] {
        for file in std::fs::read_dir(world.folder.path().join(folder)).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn tls_alpn_01_gives_a_certificate() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let _issuer = world.issue(world.plan(ChallengeKind::TlsAlpn01, &["a.example.test"]));
    let told = world.told().await;
    assert!(matches!(told, Told::Issued { .. }), "{told:?}");
    assert!(!world.edge.has_answers(), "answers are taken down");
}

fn rfc2136(world: &World, key: &str) -> Rfc2136 {
    let key = Key::from_base64(key).unwrap();
    let algorithm = TsigAlgorithm::HmacSha256;
    let tsig = Tsig { name: crate::zone::KEY_NAME.to_owned(), algorithm, key };
    Rfc2136 { server: world.dns.to_string(), zone: None, tsig: Some(tsig) }
}

#[tokio::test]
async fn dns_01_gives_a_wildcard_by_signed_updates_once_the_zone_shows_them() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    world.zone.delay(2);
    let mut plan = world.plan(ChallengeKind::Dns01, &["example.test", "*.example.test"]);
    plan.dns = Some(rfc2136(&world, "c2VjcmV0"));
    let _issuer = world.issue(plan);
    let told = world.told().await;
    assert!(matches!(told, Told::Issued { .. }), "{told:?}");
    assert_eq!(world.zone.history(), (4, 2, 0), "two records are added, and taken off");
}

#[tokio::test]
async fn a_wrong_tsig_key_is_said() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let mut plan = world.plan(ChallengeKind::Dns01, &["*.example.test"]);
    plan.dns = Some(rfc2136(&world, "d3Jvbmc="));
    let _issuer = world.issue(plan);
    let Told::Failed { kind, text, .. } = world.told().await else { panic!("issued") };
    assert_eq!(kind, FaultKind::Records);
    assert!(text.contains("`key_name`"), "{text}");
}

#[tokio::test]
async fn an_account_is_bound_where_the_authority_asks_for_it() {
    let binding = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W");
    let setup = PebbleSetup { eab: Some(binding), ..PebbleSetup::default() };
    let Some(mut world) = World::new(setup).await else { return };
    let (plans, _) = world.issue(world.plan(ChallengeKind::Http01, &["a.example.test"]));
    let Told::Failed { kind, text, .. } = world.told().await else { panic!("issued") };
    assert_eq!(kind, FaultKind::Account, "{text}");
    assert!(text.contains("`eab`"), "{text}");
    let eab = Some(Eab::new(binding.0, binding.1).unwrap());
    let directory = Directory { eab, ..directory(&world.pebble) };
    // A changed plan does not wait for the back-off.
    let bound = plan(vec![directory], ChallengeKind::Http01, &["a.example.test"]);
    plans.send(Arc::new(bound)).unwrap();
    let told = world.told().await;
    assert!(matches!(told, Told::Issued { .. }), "{told:?}");
}

#[tokio::test]
async fn an_authority_that_refuses_many_nonces_is_survived() {
    let setup = PebbleSetup { bad_nonces: 15, ..PebbleSetup::default() };
    let Some(mut world) = World::new(setup).await else { return };
    let _issuer = world.issue(world.plan(ChallengeKind::Http01, &["a.example.test"]));
    let told = world.told().await;
    assert!(matches!(told, Told::Issued { .. }), "{told:?}");
}

#[tokio::test]
async fn a_port_that_the_authority_cannot_reach_is_said() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let (http_port, dns_port) = (free_port(), world.dns.port());
    let setup = PebbleSetup { http_port, dns_port, ..PebbleSetup::default() };
    let pebble = Pebble::start(&setup).unwrap();
    let plan = plan(vec![directory(&pebble)], ChallengeKind::Http01, &["a.example.test"]);
    let _issuer = world.issue(plan);
    let Told::Failed { kind, text, not_after, .. } = world.told().await else { panic!("issued") };
    assert_eq!((kind, not_after), (FaultKind::Connection, None), "{text}");
    assert!(text.contains("a.example.test") && text.contains("port 80"), "{text}");
    assert!(!world.edge.has_answers(), "answers are taken down");
}

#[tokio::test]
async fn the_next_directory_is_asked_when_one_is_down() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let mut down = directory(&world.pebble);
    down.url = format!("https://127.0.0.1:{}/dir", free_port());
    let up = directory(&world.pebble);
    let url = up.url.clone();
    let _issuer = world.issue(plan(vec![down, up], ChallengeKind::Http01, &["a.example.test"]));
    let Told::Issued { directory, .. } = world.told().await else { panic!("not issued") };
    assert_eq!(directory, url);
}

#[tokio::test]
async fn two_nodes_that_share_a_folder_make_one_order() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let (other, mut other_told) = Edge::new();
    let plan = world.plan(ChallengeKind::Http01, &["a.example.test"]);
    // Only the first one's answers are seen: that it is the one that orders is certain when the
    // other one starts after it has begun.
    let _one = world.issue(plan.clone());
    within("the first one has begun", async {
        while !world.edge.has_answers() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let _two = world.issue_to(Arc::clone(&other), plan);
    let (one, two) = (world.told().await, next(&mut other_told).await);
    assert!(matches!(one, Told::Issued { .. }), "{one:?}");
    assert!(matches!(two, Told::Found { .. }), "{two:?}");
}
