use super::*;

#[test]
fn what_began_before_the_end_has_ended() {
    let revoked = Revoked::default();
    let (anna, bert) = (
        Ended::Subject { provider: "p", subject: "anna" },
        Ended::Subject { provider: "p", subject: "bert" },
    );
    assert!(!revoked.has(anna, 0));
    revoked.add(anna, 100, 1000);
    assert!(revoked.has(anna, 99) && revoked.has(anna, 100));
    assert!(!revoked.has(anna, 101), "a later login holds");
    assert!(!revoked.has(bert, 50));
    assert!(!revoked.has(Ended::Subject { provider: "q", subject: "anna" }, 50));
    assert!(!revoked.has(Ended::ProviderSession { provider: "p", sid: "anna" }, 50));
    // A token that comes a second time, late, takes nothing back.
    revoked.add(anna, 90, 1000);
    assert!(revoked.has(anna, 100));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let revoked = Revoked::default();
    let names: Vec<String> = (0..75_000).map(|index| index.to_string()).collect();
    for (at, name) in names.iter().enumerate() {
        revoked.add(Ended::Session(name), at as u64, u64::MAX);
    }
    let count: usize = revoked.shards.iter().map(|shard| shard.load().len()).sum();
    assert_eq!(count, SHARDS * SHARD_ENTRIES_MAX);
    assert!(revoked.has(Ended::Session("74999"), 0));
    assert!(!revoked.has(Ended::Session("0"), 0));
}

#[test]
fn what_no_session_can_outlive_is_forgotten_first() {
    let revoked = Revoked::default();
    let names: Vec<String> = (0..75_000).map(|index| index.to_string()).collect();
    for name in &names {
        revoked.add(Ended::Session(name), 0, 10);
    }
    for name in names.iter().take(2000) {
        revoked.add(Ended::Session(&format!("late {name}")), 11, 10);
    }
    let left = revoked.shards.iter().map(|shard| shard.load().len()).max().unwrap();
    assert!(left < 200, "{left}");
}
