use tokio::task::LocalSet;

use super::*;
use crate::fixture::bcrypt_of;

fn login(password: &str) -> Login {
    Login { user: "alice".into(), password: password.as_bytes().into() }
}

fn hashes(login: &Login, passwords: &[&str]) -> Vec<(PasswordHash, Option<Tag>)> {
    let hash = |password: &&str| PasswordHash::parse(&bcrypt_of(password)).unwrap();
    let tagged = |hash: PasswordHash| {
        let tag = Tag::of(login, &hash);
        (hash, Some(tag))
    };
    passwords.iter().map(hash).map(tagged).collect()
}

fn run<R>(task: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    LocalSet::new().block_on(&runtime, task)
}

#[test]
fn the_hash_that_fits_is_found() {
    run(async {
        let mut checks = Checks::default();
        for (password, expected) in [("a", Some(0)), ("b", Some(1)), ("c", None)] {
            let login = login(password);
            let hashes = hashes(&login, &["a", "b"]);
            let expected = expected.and_then(|at: usize| hashes[at].1);
            let expected = expected.map_or(Outcome::Wrong, Outcome::Fits);
            assert_eq!(now(&login, &hashes), expected);
            assert_eq!(checks.start(&login, hashes).unwrap().await, expected, "{password}");
        }
    });
}

#[test]
fn nobody_is_let_in_by_the_hash_of_nobody() {
    let decoy = PasswordHash::parse(&bcrypt_of("a")).unwrap();
    assert_eq!(now(&login("a"), &[(decoy, None)]), Outcome::Wrong, "also with its password");
}

#[test]
fn the_same_login_is_checked_once() {
    run(async {
        let mut checks = Checks::default();
        let login = login("a");
        let hashes = hashes(&login, &["a"]);
        let first = checks.start(&login, hashes.clone()).unwrap();
        let others: Vec<_> =
            (0..500).map(|_| checks.start(&login, hashes.clone()).unwrap()).collect();
        assert_eq!(checks.running.len(), 1);
        drop(first);
        for other in others {
            assert_eq!(other.await, Outcome::Fits(hashes[0].1.unwrap()));
        }
        let _ = checks.start(&login, hashes).unwrap().await;
        assert_eq!(checks.running.len(), 1, "what has ended is forgotten");
    });
}

#[test]
fn no_more_than_allowed_run_or_wait() {
    let bound: &'static Bound = Box::leak(Box::new(Bound::new(1)));
    let mut tickets: Vec<_> = (0..32).map(|_| Ticket::take(bound).unwrap()).collect();
    assert!(Ticket::take(bound).is_none());
    run(async {
        let login = login("a");
        let outcome = tickets.pop().unwrap().check(login.clone(), hashes(&login, &["b"])).await;
        assert_eq!(outcome, Outcome::Wrong);
        assert_eq!(bound.running.available_permits(), 1);
    });
    assert!(Ticket::take(bound).is_some());
    drop(tickets);
    assert_eq!(bound.taken.load(Ordering::Relaxed), 0);
}
