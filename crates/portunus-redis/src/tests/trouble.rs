use std::time::Duration;

use portunus_base::Wall;
use portunus_testkit::{Authority, Folder, free_port};

use super::*;
use crate::{SharedSpan, SharedTally};

/// An impatient store: what does not come at once is given up.
fn impatient(url: String) -> Shared {
    let options = RedisOptions {
        timeout: Duration::from_millis(30),
        connect_timeout: Duration::from_millis(200),
        retry_every_max: Duration::from_millis(50),
        failures_max: 3,
        ..RedisOptions::new(url)
    };
    Shared::new(&options).unwrap()
}

/// Asks until the answer is as wanted; a test that never sees it hangs, and is ended.
async fn until(
    shared: &Shared,
    quota: &SharedQuota,
    wanted: impl Fn(&Result<Answer, SharedError>) -> bool,
) {
    while !wanted(&admit(shared, quota, "a", 1).await) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn until_down(shared: &Shared, quota: &SharedQuota) {
    until(shared, quota, |answer| *answer == Err(SharedError::Down)).await;
}

/// While the breaker is open nothing is asked and nothing waits: the future is not even made.
fn assert_fails_at_once(shared: &Shared, quota: &SharedQuota) {
    let before = shared.tally();
    for _ in 0..1000 {
        assert!(shared.admit(quota, b"a", 1).is_err_and(|error| error == SharedError::Down));
    }
    let after = shared.tally();
    assert_eq!(after.skipped - before.skipped, 1000);
    assert_eq!((after.workers_up, after.workers_down), (0, 1));
}

#[test]
fn a_redis_that_is_not_there_fails_fast_and_is_found_when_it_comes() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (impatient(server.url()), hourly(1_000_000));
        server.kill();
        until_down(&shared, &quota).await;
        assert_fails_at_once(&shared, &quota);
        server.run();
        until(&shared, &quota, Result::is_ok).await;
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        let SharedTally { workers_up, workers_down, .. } = shared.tally();
        assert_eq!((workers_up, workers_down), (1, 0));
    });
}

#[test]
fn a_restart_is_survived_without_opening_the_breaker_where_it_is_quick() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (shared(&server), hourly(1_000_000));
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        let pid = server.command("CLIENT KILL TYPE normal");
        assert!(!pid.is_empty());
        // The first ask may meet the connection's end; the next one goes over a new connection.
        let _ = admit(&shared, &quota, "a", 1).await;
        assert!(admit(&shared, &quota, "a", 1).await.is_ok());
        assert_eq!(shared.tally().connected, 2);
        server.kill();
    });
}

#[test]
fn a_stalled_redis_costs_a_few_timeouts_and_then_nothing() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (impatient(server.url()), hourly(1_000_000));
        until(&shared, &quota, Result::is_ok).await;
        server.freeze();
        let mut timeouts = 0;
        loop {
            match admit(&shared, &quota, "a", 1).await {
                Err(SharedError::Timeout) => timeouts += 1,
                Err(SharedError::Down) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(timeouts, 3);
        assert_fails_at_once(&shared, &quota);
        server.thaw();
        until(&shared, &quota, Result::is_ok).await;
    });
}

#[test]
fn what_is_under_way_is_bounded() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let options = RedisOptions { asks_max: 10, ..patient(&server) };
        let (shared, quota) = (Shared::new(&options).unwrap(), hourly(1_000_000));
        assert!(admit(&shared, &quota, "a", 1).await.is_ok());
        server.freeze();
        let tasks: Vec<_> = (0..10)
            .map(|_| tokio::task::spawn_local(shared.admit(&quota, b"a", 1).unwrap()))
            .collect();
        tokio::task::yield_now().await;
        assert!(shared.admit(&quota, b"a", 1).is_err_and(|error| error == SharedError::Busy));
        // Those who wait may go away, and make room.
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        tokio::task::yield_now().await;
        server.thaw();
        assert!(admit(&shared, &quota, "a", 1).await.is_ok());
    });
}

#[test]
fn a_password_is_needed_where_redis_says_so() {
    let Some(server) = RedisServer::start(&["--requirepass", "open sesame"]) else { return };
    let (socket, quota) = (server.socket(), hourly(1_000_000));
    worker(async || {
        for url in [format!("unix://{socket}"), format!("unix://{socket}?pass=wrong")] {
            let shared = impatient(url);
            until_down(&shared, &quota).await;
            assert_eq!(shared.tally().connected, 0);
        }
        let shared = impatient(format!("unix://{socket}?pass=open%20sesame&db=3"));
        until(&shared, &quota, Result::is_ok).await;
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
    });
}

#[test]
fn a_user_with_few_rights_is_enough() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let rights = "~portunus:* +eval +evalsha +script|load +get +set +time";
    assert_eq!(server.command(&format!("ACL SETUSER limits on >sesame {rights}")), "OK");
    let (socket, quota) = (server.socket(), hourly(3));
    worker(async || {
        let options = RedisOptions {
            url: format!("unix://{socket}?user=limits&pass=sesame"),
            ..patient(&server)
        };
        let shared = Shared::new(&options).unwrap();
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        let span = SharedSpan { period: "day", limit: 1, start: Wall(0), left_us: 60_000_000 };
        assert!(shared.admit_in(&[span], b"a", 1).unwrap().await.unwrap().allowed);
        assert_eq!(server.command("SCRIPT FLUSH"), "OK");
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
    });
}

#[test]
fn an_ask_that_redis_cannot_answer_closes_the_door_to_no_other() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (impatient(server.url()), hourly(1_000_000));
        until(&shared, &quota, Result::is_ok).await;
        let key = server.command("KEYS portunus:rl:*");
        let key = key.lines().last().unwrap().to_owned();
        assert_eq!(server.command(&format!("DEL {key}")), "1");
        assert_eq!(server.command(&format!("LPUSH {key} 1")), "1");
        for _ in 0..20 {
            assert_eq!(admit(&shared, &quota, "a", 1).await, Err(SharedError::Answer));
        }
        assert!(admit(&shared, &quota, "b", 1).await.unwrap().allowed);
        assert_eq!(shared.tally().workers_down, 0);
    });
}

#[test]
fn a_replica_is_no_use() {
    let Some(server) = RedisServer::start(&["--replicaof", "127.0.0.1", "1"]) else { return };
    worker(async || {
        let shared = impatient(server.url());
        until_down(&shared, &hourly(1_000_000)).await;
        assert_eq!(shared.tally().connected, 0);
    });
}

#[test]
fn a_full_redis_opens_the_breaker() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let (shared, quota) = (impatient(server.url()), hourly(1_000_000));
        until(&shared, &quota, Result::is_ok).await;
        assert_eq!(server.command("CONFIG SET maxmemory 1"), "OK");
        assert_eq!(admit(&shared, &quota, "a", 1).await, Err(SharedError::Refused));
        until_down(&shared, &quota).await;
        assert_eq!(server.command("CONFIG SET maxmemory 0"), "OK");
        until(&shared, &quota, Result::is_ok).await;
    });
}

#[test]
fn over_tls_with_a_certificate_on_either_side() {
    let folder = Folder::new();
    let (ca, port) = (Authority::new("redis"), free_port().to_string());
    let (own, client) = (ca.issue(&["localhost"]), ca.client("portunus"));
    folder.write("ca.pem", &ca.pem());
    folder.write("cert.pem", own.certificate_pem());
    folder.write("key.pem", own.key_pem());
    let tls = ["--tls-port", &port, "--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"];
    let arguments = [&tls[..], &["--tls-ca-cert-file", "ca.pem"]].concat();
    let Some(server) = RedisServer::start_in(folder, &arguments) else { return };
    let pem = |text: &str| text.as_bytes().to_vec();
    let with = |ca: &str, is_known: bool| RedisOptions {
        ca_pem: Some(pem(ca)),
        client_pem: is_known.then(|| (pem(client.certificate_pem()), pem(client.key_pem()))),
        url: format!("rediss://localhost:{port}"),
        ..patient(&server)
    };
    let quota = hourly(1_000_000);
    worker(async || {
        let shared = Shared::new(&with(&ca.pem(), true)).unwrap();
        assert!(admit(&shared, &quota, "a", 1).await.unwrap().allowed);
        let unknown = Shared::new(&with(&ca.pem(), false)).unwrap();
        assert_eq!(admit(&unknown, &quota, "a", 1).await, Err(SharedError::Down));
        let other = Authority::new("other").pem();
        let untrusted = Shared::new(&with(&other, true)).unwrap();
        assert_eq!(admit(&untrusted, &quota, "a", 1).await, Err(SharedError::Down));
    });
}

#[test]
fn connections_end_with_the_store() {
    let Some(server) = RedisServer::start(&[]) else { return };
    worker(async || {
        let shared = shared(&server);
        assert!(admit(&shared, &hourly(1_000_000), "a", 1).await.is_ok());
        let clients = || server.command("CLIENT LIST TYPE normal").lines().count();
        assert_eq!(clients(), 2, "ours and the one that asks");
        drop(shared);
        while clients() > 1 {
            tokio::task::yield_now().await;
        }
    });
}
