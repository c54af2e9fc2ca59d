//! Two nodes that share their keys through a real store.

use portunus_testkit::{Origin, PostgresServer, Program, RedisServer, eventually};

use super::{CONFIG, key, make, status};

/// A program that keeps its keys in a store.
fn node(origin: &Origin, store: &str, url: &str) -> Program {
    patient_node(origin, store, url, "1s")
}

/// The same, with a bound on each question to the store.
fn patient_node(origin: &Origin, store: &str, url: &str, timeout: &str) -> Program {
    let stores =
        format!("stores: {{{store}: {{url: \"{url}\", timeout: {timeout}}}, keys: {store}}}\n");
    Program::config(&format!("{CONFIG}{stores}")).fill("origin", origin).start()
}

/// What is true of two nodes, whatever they share.
#[track_caller]
fn share(one: &Program, two: &Program) {
    let new = make(one, "--consumer bob --new-consumer --id shared");
    assert_eq!(status(one, &new), 200);
    eventually("the other node takes the key", || status(two, &new) == 200);
    let taken = key(two, "create --consumer acme --id shared").with_code(1);
    assert!(taken.stderr.contains("there is a key `shared` already"), "{taken:?}");
    let _ = key(two, "revoke shared").with_code(0);
    assert_eq!(status(two, &new), 401);
    eventually("the other node refuses the key", || status(one, &new) == 401);
}

/// How the store of keys is, in the words of the program.
fn state(program: &Program) -> String {
    program.admin("/api/status").json()["keys"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn nodes_share_keys_through_postgres_and_go_on_without_it() {
    let Some(mut server) = PostgresServer::start() else { return };
    let origin = Origin::text("a");
    let (one, two) =
        (node(&origin, "postgres", &server.url()), node(&origin, "postgres", &server.url()));
    share(&one, &two);
    let kept = make(&one, "--consumer acme --id kept");
    eventually("the other node takes the key", || status(&two, &kept) == 200);
    server.kill();
    let refused = key(&one, "create --consumer acme").with_code(1);
    assert!(refused.stderr.contains("the store of keys does not answer"), "{refused:?}");
    assert_eq!(state(&one), "down");
    assert_eq!((status(&one, &kept), status(&two, &kept)), (200, 200));
    server.run();
    eventually("the store is found again", || state(&one) == "up");
    share(&one, &two);
    // A third one begins with what is there.
    let three = node(&origin, "postgres", &server.url());
    assert_eq!(status(&three, &kept), 200);
    assert!(!three.stderr().contains(&kept));
}

#[test]
fn nodes_share_keys_through_redis_and_go_on_without_it() {
    let Some(mut server) = RedisServer::start(&["--appendonly", "yes"]) else { return };
    let origin = Origin::text("a");
    let (one, two) = (node(&origin, "redis", &server.url()), node(&origin, "redis", &server.url()));
    share(&one, &two);
    let kept = make(&one, "--consumer acme --id kept");
    eventually("the other node takes the key", || status(&two, &kept) == 200);
    server.kill();
    let refused = key(&one, "create --consumer acme").with_code(1);
    assert!(refused.stderr.contains("the store of keys does not answer"), "{refused:?}");
    assert_eq!(state(&one), "down");
    assert_eq!((status(&one, &kept), status(&two, &kept)), (200, 200));
    server.run();
    eventually("the store is found again", || state(&one) == "up" && state(&two) != "down");
    share(&one, &two);
}

/// What holds while a store keeps its connections and answers nothing.
#[track_caller]
fn stall(store: &str, url: &str, freeze: impl Fn(), thaw: impl Fn()) {
    let origin = Origin::text("a");
    let (quick, patient) =
        (patient_node(&origin, store, url, "200ms"), patient_node(&origin, store, url, "10m"));
    let kept = make(&quick, "--consumer acme --id kept");
    eventually("the other node takes the key", || status(&patient, &kept) == 200);
    freeze();
    // A request that waited for the store would wait for ten minutes.
    for _ in 0..20 {
        assert_eq!((status(&patient, &kept), status(&patient, "unknown")), (200, 401));
    }
    let refused = key(&quick, "create --consumer acme").with_code(1);
    assert!(refused.stderr.contains("the store of keys does not answer"), "{refused:?}");
    assert_eq!(state(&quick), "down");
    assert_eq!(status(&quick, &kept), 200);
    thaw();
    eventually("the store is found again", || state(&quick) == "up");
    share(&quick, &patient);
}

#[test]
fn a_redis_that_stalls_stalls_nobody_with_a_key() {
    let Some(server) = RedisServer::start(&[]) else { return };
    stall("redis", &server.url(), || server.freeze(), || server.thaw());
}

#[test]
fn a_postgres_that_stalls_stalls_nobody_with_a_key() {
    let Some(server) = PostgresServer::start() else { return };
    stall("postgres", &server.url(), || server.freeze(), || server.thaw());
}

#[test]
fn a_store_that_is_not_there_stops_no_start() {
    let origin = Origin::text("a");
    let program = node(&origin, "postgres", "postgres://u:the-password@127.0.0.1:1/x");
    assert_eq!(status(&program, "the-key-of-the-file"), 200);
    assert_eq!(state(&program), "down");
    program.wait_for_stderr(|line| line.contains("the store of keys (postgres) does not answer"));
    assert!(!program.stderr().contains("the-password"), "{}", program.stderr());
    assert!(!program.admin("/api/config").text().contains("the-password"));
}
