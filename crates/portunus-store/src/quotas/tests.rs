use super::EmbeddedQuotas;
use crate::tests::run;

#[test]
fn what_was_used_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/quotas.redb");
    let row = |key: &[u8], start, used| (Box::from(key), start, used);
    run(async {
        let quotas = EmbeddedQuotas::new(path.clone());
        assert_eq!(quotas.load().await.unwrap(), []);
        assert!(!path.exists());
        let first = vec![row(b"a", 1, 2), row(b"b", 3, 4), row(b"\xff\0", 5, u64::MAX)];
        quotas.save(first).await.unwrap();
        quotas.save(vec![row(b"a", 9, 1), row(b"b", 3, 0), row(b"c", 3, 0)]).await.unwrap();
        drop(quotas);
        let found = EmbeddedQuotas::new(path.clone()).load().await.unwrap();
        assert_eq!(found, [row(b"a", 9, 1), row(b"\xff\0", 5, u64::MAX)]);
    });
}

#[test]
fn what_is_handed_over_is_another_s_until_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotas.redb");
    let row = |key: &[u8], used| (Box::from(key), 1, used);
    run(async {
        let old = EmbeddedQuotas::new(path.clone());
        old.save(vec![row(b"a", 1)]).await.unwrap();
        let new = EmbeddedQuotas::new(path.clone());
        assert!(new.load().await.is_err());
        old.hand_over().await.unwrap();
        assert_eq!(new.load().await.unwrap(), [row(b"a", 1)]);
        let refused = old.save(vec![row(b"a", 2)]).await.unwrap_err();
        assert!(refused.to_string().contains("handed over"), "{refused}");
        drop(new);
        assert!(old.load().await.is_err(), "nobody takes it back by itself");
        old.take_back().await.unwrap();
        assert_eq!(old.load().await.unwrap(), [row(b"a", 1)]);
    });
}
