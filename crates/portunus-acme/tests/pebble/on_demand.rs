//! Certificates at the first handshake.

use portunus_acme::{ChallengeKind, OnDemandPlan, Wanted};
use portunus_testkit::PebbleSetup;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::world::World;

/// Says yes for names that begin with `good`, and remembers nothing.
async fn ask_server(tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8(head[..length].to_vec()).unwrap();
            let is_good = head.starts_with("GET /may?domain=good");
            let status = if is_good { "200 OK" } else { "403 No" };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    format!("http://127.0.0.1:{port}/may")
}

#[tokio::test]
async fn a_handshake_gets_a_certificate_for_a_name_that_may_have_one() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let ask = ask_server(&mut world.tasks).await;
    let mut plan = world.plan(ChallengeKind::TlsAlpn01, &["a.example.test"]);
    plan.certificates.clear();
    plan.on_demand = Some(OnDemandPlan::new(ask));
    let (_plans, on_demand) = world.issue(plan);
    assert_eq!(on_demand.wanted("bad.example.test").await, Wanted::Refused);
    assert_eq!(on_demand.wanted("bad.example.test").await, Wanted::Refused);
    let two = [on_demand.wanted("good.example.test"), on_demand.wanted("good.example.test")];
    let [one, other] = two;
    assert_eq!(tokio::join!(one, other), (Wanted::Ready, Wanted::Ready));
    let names: Vec<_> =
        world.edge.certificates().iter().map(|one| one.names().to_string()).collect();
    assert_eq!(names, ["good.example.test"]);
}

#[tokio::test]
async fn nobody_gets_a_certificate_where_none_are_given_on_demand() {
    let Some(mut world) = World::new(PebbleSetup::default()).await else { return };
    let (_plans, on_demand) = world.issue(world.plan(ChallengeKind::Http01, &["a.example.test"]));
    assert_eq!(on_demand.wanted("b.example.test").await, Wanted::Refused);
}
