use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_base::Mono;
use portunus_filter::testing::{Rig, texts};
use portunus_spec::Node;
use tokio::task::LocalSet;

use super::*;
use crate::fixture::*;

fn sent(user: &str, password: &str) -> Exchange {
    let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    request("GET /", &[("Authorization", &value)])
}

/// Runs a request to its end, as a worker does. Answers also whether it had to wait.
fn run(rig: &mut Rig, filter: &dyn Filter, exchange: &mut Exchange) -> (String, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let verdict = rig.request(filter, exchange);
        let Verdict::Suspend(wait) = verdict else { return (told(&verdict, exchange), false) };
        let Resume::Again(patch, again) = wait.await else { panic!("it wants to go on") };
        patch.apply(exchange);
        let verdict = rig.again(filter, exchange, again);
        (told(&verdict, exchange), true)
    })
}

fn users(users: &[(&str, &str)]) -> Node {
    let hashes = users.iter().map(|(user, password)| (*user, Node::text(bcrypt_of(password))));
    Node::map([("users", Node::map(hashes))])
}

fn worker() -> Rig {
    rig(vec![(password("acme-user", "old"), None), (password("acme-user", "new"), None)])
}

#[test]
fn users_are_those_of_the_filter_and_of_consumers() {
    let filter = build("basic", users(&[("alice", "a"), ("bob", "b")]));
    for (user, password, expected) in [
        ("alice", "a", "basic/alice"),
        ("alice", "b", "401 auth.invalid"),
        ("bob", "b", "basic/bob"),
        ("Bob", "b", "401 auth.invalid"),
        ("acme-user", "old", "basic/acme"),
        ("acme-user", "new", "basic/acme"),
        ("acme-user", "", "401 auth.invalid"),
        ("nobody", "a", "401 auth.invalid"),
    ] {
        let mut exchange = sent(user, password);
        let (told, waited) = run(&mut worker(), &*filter, &mut exchange);
        assert_eq!((told.as_str(), waited), (expected, true), "{user} {password}");
        let kept = exchange.request.headers.has(HeaderId::Authorization);
        assert_eq!(kept, expected.starts_with("401"), "the password does not go on");
    }
}

#[test]
fn what_was_right_is_not_checked_again_for_a_while() {
    let filter = build("basic", users(&[("alice", "a")]));
    let mut rig = worker();
    let ask = |rig: &mut Rig, password| run(rig, &*filter, &mut sent("alice", password));
    assert_eq!(ask(&mut rig, "a"), ("basic/alice".to_owned(), true));
    assert_eq!(ask(&mut rig, "a"), ("basic/alice".to_owned(), false));
    assert_eq!(ask(&mut rig, "b"), ("401 auth.invalid".to_owned(), true));
    assert_eq!(ask(&mut rig, "b"), ("401 auth.invalid".to_owned(), true), "wrong ones always are");
    assert_eq!(ask(&mut rig, "a"), ("basic/alice".to_owned(), false));
    rig.now = Mono(301_000_000);
    assert_eq!(ask(&mut rig, "a"), ("basic/alice".to_owned(), true));
}

#[test]
fn a_changed_password_counts_at_once() {
    let filter = build("basic", Node::default());
    let mut first = worker();
    assert_eq!(run(&mut first, &*filter, &mut sent("acme-user", "old")).0, "basic/acme");
    let changed = rig(vec![(password("acme-user", "new"), None)]);
    first.directory = changed.directory;
    let (told, _) = run(&mut first, &*filter, &mut sent("acme-user", "old"));
    assert_eq!(told, "401 auth.invalid");
    assert_eq!(run(&mut first, &*filter, &mut sent("acme-user", "new")).0, "basic/acme");
}

#[test]
fn passwords_end() {
    let filter = build("basic", Node::default());
    let mut rig = rig(vec![(password("u", "p"), Some(NOW_S))]);
    assert_eq!(run(&mut rig, &*filter, &mut sent("u", "p")).0, "401 auth.expired");
    assert_eq!(run(&mut rig, &*filter, &mut sent("u", "x")).0, "401 auth.invalid");
    let same = vec![(password("u", "p"), Some(NOW_S)), (password("u", "p"), None)];
    let mut rig = crate::fixture::rig(same);
    assert_eq!(run(&mut rig, &*filter, &mut sent("u", "p")).0, "basic/acme");
}

#[test]
fn without_a_user_nobody_is_known() {
    for (node, lines, expected) in [
        (Node::default(), vec![], "401 auth.missing"),
        (Node::default(), vec![("Authorization", "Bearer x")], "401 auth.missing"),
        (Node::default(), vec![("Authorization", "Basic x")], "401 auth.invalid"),
        (
            Node::default(),
            vec![("Authorization", "Basic YTph"), ("authorization", "Basic YTph")],
            "401 auth.invalid",
        ),
        (texts(&[("optional", "true")]), vec![], "nobody"),
        (texts(&[("optional", "true")]), vec![("Authorization", "Basic x")], "401 auth.invalid"),
    ] {
        let filter = build("basic", node);
        let (told, waited) = run(&mut worker(), &*filter, &mut request("GET /", &lines));
        assert_eq!((told.as_str(), waited), (expected, false), "{lines:?}");
    }
    let filter = build("basic", texts(&[("realm", "Shop & Co")]));
    let reply = reply(worker().request(&*filter, &mut request("GET /", &[])));
    assert_eq!(challenges(&reply), ["Basic realm=\"Shop & Co\", charset=\"UTF-8\""]);
}

#[test]
fn an_explanation_checks_at_once() {
    let filter = build("basic", users(&[("alice", "a")]));
    let mut rig = worker();
    rig.offline = true;
    assert_eq!(run(&mut rig, &*filter, &mut sent("alice", "a")), ("basic/alice".to_owned(), false));
    let (told, waited) = run(&mut rig, &*filter, &mut sent("alice", "b"));
    assert_eq!((told.as_str(), waited), ("401 auth.invalid", false));
}

#[test]
fn the_password_may_go_on() {
    let filter = build("basic", texts(&[("strip", "false")]));
    let mut exchange = sent("acme-user", "new");
    assert_eq!(run(&mut worker(), &*filter, &mut exchange).0, "basic/acme");
    assert!(exchange.request.headers.has(HeaderId::Authorization));
}

#[test]
fn a_file_is_read_when_the_filter_is_built() {
    let mut bench = bench();
    bench.files.insert("users", format!("# people\nalice:{}\n", bcrypt_of("a")));
    bench.files.insert("wrong", "alice:$apr1$x$y\nbob:{SHA}x\ncarol\n".to_owned());
    let filter = bench.build("basic", Node::text("users")).unwrap();
    assert_eq!(run(&mut worker(), &*filter, &mut sent("alice", "a")).0, "basic/alice");
    let wrong = bench.mistakes("basic", Node::text("wrong"));
    for expected in ["line 1: MD5", "line 2: SHA-1", "line 3: there is no", "htpasswd -nB"] {
        assert!(wrong.contains(expected), "{wrong}");
    }
    assert!(bench.mistakes("basic", Node::text("absent")).contains("cannot read absent"));
}

#[test]
fn mistakes_are_told() {
    let of = |user: &str, hash: &str| Node::map([("users", texts(&[(user, hash)]))]);
    for (node, expected) in [
        (of("alice", "my-password"), "no hash"),
        (of("a:b", &bcrypt_of("a")), "name of a user"),
        (texts(&[("realm", "a\"b")]), "without quotes"),
    ] {
        let found = bench().mistakes("basic", node);
        assert!(found.contains(expected) && !found.contains("my-password"), "{found}");
    }
}
